/* SPDX-License-Identifier: MIT */
/* The locks of the tracer: signals, fairness, the bound, and what a forked child finds. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "preload/base/kernel.h"
#include "preload/base/lock.h"
#include "preload/base/process.h"

static bool answer;

static void set_up(void)
{
	cr_assert(process_init());
}

TestSuite(lock, .init = set_up, .timeout = 60);

static bool is_blocked(int signal)
{
	sigset_t now;

	sigprocmask(SIG_BLOCK, NULL, &now);
	return sigismember(&now, signal) == 1;
}

Test(lock, no_handler_runs_under_the_cold_lock_but_for_a_fault)
{
	sigset_t own;

	sigemptyset(&own);
	sigaddset(&own, SIGUSR2);
	sigprocmask(SIG_BLOCK, &own, NULL);
	cr_assert(lock_take(LOCK_COLD));
	cr_expect(is_blocked(SIGALRM));
	cr_expect(is_blocked(SIGUSR1));
	cr_expect_not(is_blocked(SIGSEGV));
	cr_expect_not(is_blocked(SIGBUS));
	lock_release(LOCK_COLD);
	cr_expect_not(is_blocked(SIGALRM));
	cr_expect(is_blocked(SIGUSR2), "as it was before");
}

static void *try_lock(void *unused)
{
	(void)unused;
	if (lock_take(LOCK_COLD))
		return &answer;
	return is_blocked(SIGUSR1) ? &answer : NULL;
}

Test(lock, who_does_not_get_the_cold_lock_has_its_signals_back)
{
	pthread_t thread;
	void *wrong;

	cr_assert(lock_take(LOCK_COLD));
	/* It inherits what is blocked here. */
	kernel_restore_signals(0);
	cr_assert_eq(pthread_create(&thread, NULL, try_lock, NULL), 0);
	pthread_join(thread, &wrong);
	cr_expect_null(wrong);
	lock_release(LOCK_COLD);
	cr_assert(lock_take(LOCK_COLD));
	lock_release(LOCK_COLD);
}

Test(lock, errno_is_as_it_was_once_the_lock_is_released)
{
	errno = 4242;
	cr_assert(lock_take(LOCK_COLD));
	cr_expect_eq(errno, 4242);
	errno = EINVAL;
	lock_release(LOCK_COLD);
	cr_expect_eq(errno, 4242);
}

Test(lock, one_lock_does_not_keep_anybody_from_another)
{
	cr_assert(lock_take(LOCK_GUARDPAGE));
	cr_assert(lock_take(LOCK_COLD));
	lock_release(LOCK_COLD);
	lock_release(LOCK_GUARDPAGE);
}

static void sleep_ms(long ms)
{
	struct timespec nap = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&nap, NULL);
}

enum { WAITERS = 8 };

static uint32_t served[WAITERS], served_count;

static void *wait_in_line(void *number)
{
	cr_assert(lock_take(LOCK_COLD));
	served[served_count++] = (uint32_t)(uintptr_t)number;
	lock_release(LOCK_COLD);
	return NULL;
}

static void await_tickets(uint32_t count)
{
	while (__atomic_load_n(&process_page->lock[LOCK_COLD].next, __ATOMIC_SEQ_CST) < count)
		sleep_ms(1);
}

Test(lock, who_comes_first_is_served_first)
{
	pthread_t thread[WAITERS];

	cr_assert(lock_take(LOCK_COLD));
	for (uintptr_t i = 0; i < WAITERS; i++) {
		cr_assert_eq(pthread_create(&thread[i], NULL, wait_in_line, (void *)i), 0);
		await_tickets((uint32_t)i + 2);
	}
	lock_release(LOCK_COLD);
	for (int i = 0; i < WAITERS; i++)
		pthread_join(thread[i], NULL);
	for (uint32_t i = 0; i < WAITERS; i++)
		cr_expect_eq(served[i], i);
}

static void *give_up(void *unused)
{
	cr_expect_not(lock_take(LOCK_COLD));
	return unused;
}

Test(lock, those_who_gave_up_are_in_nobodys_way)
{
	pthread_t thread[WAITERS];
	struct timespec begin, end;

	cr_assert(lock_take(LOCK_COLD));
	for (int i = 0; i < WAITERS; i++)
		cr_assert_eq(pthread_create(&thread[i], NULL, give_up, NULL), 0);
	for (int i = 0; i < WAITERS; i++)
		pthread_join(thread[i], NULL);
	lock_release(LOCK_COLD);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	cr_assert(lock_take(LOCK_COLD));
	clock_gettime(CLOCK_MONOTONIC, &end);
	lock_release(LOCK_COLD);
	cr_expect_lt((end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000,
		     500);
}

enum { THREADS = 8, STEPS = 20000 };

static volatile uint64_t counter; /* not atomic: a step that two threads make at once is lost */

static void *make_steps(void *unused)
{
	for (int i = 0; i < STEPS; i++) {
		cr_assert(lock_take(LOCK_COLD));
		counter = counter + 1;
		lock_release(LOCK_COLD);
	}
	return unused;
}

Test(lock, no_two_threads_hold_it_at_once)
{
	pthread_t thread[THREADS];

	for (int i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&thread[i], NULL, make_steps, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	cr_expect_eq(counter, THREADS * STEPS);
}

static bool is_right_in_child(pid_t pid)
{
	int status = 0;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void *hold_for_good(void *held)
{
	cr_assert(lock_take(LOCK_COLD));
	__atomic_store_n((bool *)held, true, __ATOMIC_RELEASE);
	pause();
	return NULL;
}

/* However it was forked: by the C library, and behind its back. */
Test(lock, it_is_free_in_a_child_though_another_thread_holds_it)
{
	bool held = false;
	pthread_t thread;
	pid_t pid;

	cr_assert_eq(pthread_create(&thread, NULL, hold_for_good, &held), 0);
	while (!__atomic_load_n(&held, __ATOMIC_ACQUIRE))
		sleep_ms(1);
	for (int i = 0; i < 2; i++) {
		pid = i ? fork() : (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
		if (pid == 0)
			_exit(!lock_take(LOCK_COLD));
		cr_expect(is_right_in_child(pid));
	}
}

static bool is_in_order_after_fork(void)
{
	uint32_t epoch = lock_epoch(LOCK_GUARDPAGE);

	lock_release(LOCK_GUARDPAGE);
	if (is_blocked(SIGUSR1) || !lock_take(LOCK_GUARDPAGE))
		return false;
	epoch = lock_epoch(LOCK_GUARDPAGE) - epoch;
	lock_release(LOCK_GUARDPAGE);
	return epoch == 1;
}

Test(lock, a_child_that_was_forked_under_it_gives_it_back_and_has_an_epoch_of_its_own)
{
	uint32_t epoch;
	pid_t pid;

	cr_assert(lock_take(LOCK_GUARDPAGE));
	epoch = lock_epoch(LOCK_GUARDPAGE);
	pid = fork();
	if (pid == 0)
		_exit(!is_in_order_after_fork());
	lock_release(LOCK_GUARDPAGE);
	cr_expect(is_right_in_child(pid));
	cr_assert(lock_take(LOCK_GUARDPAGE));
	cr_expect_eq(lock_epoch(LOCK_GUARDPAGE), epoch);
}
