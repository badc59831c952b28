/* SPDX-License-Identifier: MIT */
/*
 * What may be done many times: each scenario has as its argument how often. It uses the private heap,
 * leaks a block of 31 bytes at its end, and then prints the host's own counts. Each process that has
 * called prints a line of them.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

#include "host.h"
#include "odd.h"
#include "package.h"

enum { STACK_BYTES = 65536, LOAD = 3, STACK_BITS = 11 };

static int finish(void)
{
	churn_private(100);
	lsa->AllocatePrivateHeap(31);
	host_print_counts();
	return 0;
}

static pthread_t start_thread(void *(*work)(void *argument), void *argument)
{
	pthread_attr_t attributes;
	pthread_t thread;

	need(pthread_attr_init(&attributes) == 0, "attributes");
	need(pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0, "a stack");
	need(pthread_create(&thread, &attributes, work, argument) == 0, "a thread");
	pthread_attr_destroy(&attributes);
	return thread;
}

/* Threads. */

static void *churn_and_leak(void *does_leak)
{
	churn_private(10);
	if (does_leak)
		lsa->AllocatePrivateHeap(16);
	return NULL;
}

/* THREADS, one after another; each hundredth leaks. */
static int threads_in_turn(char **arguments)
{
	host_start();
	for (long i = 0; i < number_of(arguments[0]); i++)
		pthread_join(start_thread(churn_and_leak, i % 100 ? NULL : &lsa), NULL);
	return finish();
}

static pthread_barrier_t all_are_there;

static void *churn_when_all_are_there(void *unused)
{
	churn_private(3);
	pthread_barrier_wait(&all_are_there);
	churn_private(20);
	lsa->AllocatePrivateHeap(16);
	pthread_barrier_wait(&all_are_there);
	return unused;
}

/* THREADS, all at the same time. */
static int threads_at_once(char **arguments)
{
	long count = number_of(arguments[0]);
	pthread_t *threads = calloc((size_t)count, sizeof(*threads));

	need(threads, "memory");
	host_start();
	pthread_barrier_init(&all_are_there, NULL, (unsigned)count);
	for (long i = 0; i < count; i++)
		threads[i] = start_thread(churn_when_all_are_there, NULL);
	for (long i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	return finish();
}

/* Children. */

static bool is_load_over;

/* Each number has a stack of its own: its bits say from which of two places the next frame is called. */
static NOINLINE void churn_from(unsigned number, int bits)
{
	if (bits == 0) {
		churn_private(10);
		__asm__ volatile("");
	} else if (number % 2) {
		churn_from(number / 2, bits - 1);
		__asm__ volatile("# one");
	} else {
		churn_from(number / 2, bits - 1);
		__asm__ volatile("# the other");
	}
}

/* All threads store the same stacks at the same time, and each one others. */
static void *churn_until_over(void *unused)
{
	unsigned step = 1 + 2 * ((unsigned)(uintptr_t)pthread_self() >> 12 & 1);

	for (unsigned i = 0; !__atomic_load_n(&is_load_over, __ATOMIC_RELAXED); i += step)
		churn_from(i, STACK_BITS);
	return unused;
}

/* CHILDREN, forked while other threads call from stacks that are new. */
static int forks_under_load(char **arguments)
{
	pthread_t threads[LOAD];
	int status;

	host_start();
	for (int i = 0; i < LOAD; i++)
		threads[i] = start_thread(churn_until_over, NULL);
	for (long i = 0; i < number_of(arguments[0]); i++) {
		pid_t child = fork();

		need(child >= 0, "fork");
		if (child == 0) {
			host_forget_counts();
			_exit(finish());
		}
		churn_private(10);
	}
	while (wait(&status) > 0)
		need(status == 0, "a child");
	__atomic_store_n(&is_load_over, true, __ATOMIC_RELAXED);
	for (int i = 0; i < LOAD; i++)
		pthread_join(threads[i], NULL);
	return finish();
}

/* Calls and threads that end in other ways. */

static void *churn_until_cancelled(void *unused)
{
	for (;;) {
		churn_private(10);
		pthread_testcancel();
	}
	return unused;
}

/* THREADS, each cancelled where it allows that. */
static int cancelled_deferred(char **arguments)
{
	host_start();
	for (long i = 0; i < number_of(arguments[0]); i++) {
		struct timespec moment = { 0, 1000 * (i * 37 % 100) };
		pthread_t thread = start_thread(churn_until_cancelled, NULL);

		nanosleep(&moment, NULL);
		pthread_cancel(thread);
		pthread_join(thread, NULL);
	}
	return finish();
}

static void exit_thread(void)
{
	pthread_exit(NULL);
}

static __attribute__((noinline)) void *call_and_exit(void *unused)
{
	churn_private(10);
	host_interlude = exit_thread;
	lsa->AllocateLsaHeap(8);
	return unused;
}

/* THREADS, each ended by the host within a call: the C library unwinds its stack. */
static int exits_in_calls(char **arguments)
{
	host_start();
	for (long i = 0; i < number_of(arguments[0]); i++)
		pthread_join(start_thread(call_and_exit, NULL), NULL);
	return finish();
}

static jmp_buf caught;
static uintptr_t catcher;

/* Each frame up to the catcher's is unwound, as for an exception of C++ that is caught there. */
static _Unwind_Reason_Code stop_at_catcher(int version, _Unwind_Action actions,
					   _Unwind_Exception_Class class,
					   struct _Unwind_Exception *exception,
					   struct _Unwind_Context *context, void *unused)
{
	(void)version, (void)class, (void)exception, (void)unused;
	if (actions & _UA_END_OF_STACK || _Unwind_GetCFA(context) >= catcher)
		longjmp(caught, 1);
	return _URC_NO_REASON;
}

static void throw_out(void)
{
	static struct _Unwind_Exception exception;

	_Unwind_ForcedUnwind(&exception, stop_at_catcher, NULL);
	fail("nothing was thrown");
}

static NOINLINE void call_and_throw(int depth)
{
	if (depth > 0) {
		call_and_throw(depth - 1);
		__asm__ volatile("");
		return;
	}
	host_interlude = throw_out;
	lsa->AllocateLsaHeap(8);
}

/* EXCEPTIONS that leave the host's function and the shim. */
static int exceptions(char **arguments)
{
	volatile long left = number_of(arguments[0]);

	host_start();
	catcher = (uintptr_t)__builtin_frame_address(0);
	while (left-- > 0) {
		if (setjmp(caught) == 0)
			call_and_throw((int)(left % 7));
		churn_private(2);
	}
	return finish();
}

const struct scenario torture_scenarios[] = {
	{ "threads-in-turn", threads_in_turn },
	{ "threads-at-once", threads_at_once },
	{ "forks-under-load", forks_under_load },
	{ "cancelled-deferred", cancelled_deferred },
	{ "exits-in-calls", exits_in_calls },
	{ "exceptions", exceptions },
	{ 0 },
};
