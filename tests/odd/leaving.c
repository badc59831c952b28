/* SPDX-License-Identifier: MIT */
/*
 * Threads that leave what they are in without returning from it: they are cancelled, or jump; and
 * processes that end where it is not expected. Most
 * scenarios print how many blocks the host's private heap has handed out, and how many are live.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host.h"
#include "odd.h"
#include "package.h"

/* Calls from one of 2^depth stacks. */
static NOINLINE void turn_left(unsigned int way, int depth);
static NOINLINE void turn_right(unsigned int way, int depth);

static void go_on(unsigned int way, int depth)
{
	if (depth == 0)
		churn(1);
	else if (way % 2)
		turn_left(way / 2, depth - 1);
	else
		turn_right(way / 2, depth - 1);
}

static void turn_left(unsigned int way, int depth)
{
	go_on(way, depth);
	__asm__ volatile("");
}

static void turn_right(unsigned int way, int depth)
{
	go_on(way, depth);
	__asm__ volatile("");
}

enum { WAYS = 4096, WAYS_DEPTH = 12, ROUNDS = 60000 };

static volatile bool has_finished;

/* Somebody has asked the thread to end. It does so at the next cancellation point, and none of the
 * host's functions is one. */
static void *call_cancelled(void *unused)
{
	pthread_cancel(pthread_self());
	for (unsigned int way = 0; way < WAYS; way++)
		go_on(way, WAYS_DEPTH);
	churn(ROUNDS);
	has_finished = true;
	pthread_testcancel();
	return unused;
}

static void run_cancelled(void)
{
	pthread_t thread;
	void *result;

	need(pthread_create(&thread, NULL, call_cancelled, NULL) == 0, "a thread");
	pthread_join(thread, &result);
	printf("finished %d, cancelled %d\n", has_finished, result == PTHREAD_CANCELED);
	fflush(stdout);
}

/* In the program, and in a child, whose first call it makes. */
static int cancelled_later(char **arguments)
{
	int status;
	pid_t child;

	(void)arguments;
	host_start();
	child = fork();
	if (child == 0) {
		run_cancelled();
		_exit(0);
	}
	need(child > 0 && waitpid(child, &status, 0) == child && status == 0, "a child");
	run_cancelled();
	leak(31);
	return 0;
}

/* Most often it is in the tracer when it ends. */
static void *call_until_cancelled(void *unused)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	for (;;)
		churn_private(1);
	return unused;
}

/* THREADS, one after another. */
static int cancelled_anywhere(char **arguments)
{
	long threads = number_of(arguments[0]);

	host_start();
	for (long i = 0; i < threads; i++) {
		struct timespec moment = { 0, 1000 * (i * 37 % 400) };
		pthread_t thread;

		need(pthread_create(&thread, NULL, call_until_cancelled, NULL) == 0, "a thread");
		nanosleep(&moment, NULL);
		pthread_cancel(thread);
		pthread_join(thread, NULL);
	}
	churn_private(100);
	lsa->AllocatePrivateHeap(31);
	host_print_counts();
	return 0;
}

static sigjmp_buf out_of_anything;

static void jump_out(int number)
{
	(void)number;
	siglongjmp(out_of_anything, 1);
}

/* JUMPS out of a signal handler. The thread is in the tracer most often, and calls again from where
 * it was. */
static int jumped_anywhere(char **arguments)
{
	struct sigaction action = { .sa_handler = jump_out };
	volatile long left = number_of(arguments[0]);

	host_start();
	sigaction(SIGALRM, &action, NULL);
	sigsetjmp(out_of_anything, 1);
	if (left-- > 0) {
		struct itimerval soon = { { 0, 0 }, { 0, 60 + left % 97 } };

		setitimer(ITIMER_REAL, &soon, NULL);
		for (;;)
			churn_private(1);
	}
	churn_private(100);
	lsa->AllocatePrivateHeap(31);
	host_print_counts();
	return 0;
}

static NOINLINE int overflow_stack(int depth)
{
	volatile char room[200];

	room[0] = (char)depth;
	churn_private(1);
	return depth < 1 << 30 ? overflow_stack(depth + 1) + room[0] : 0;
}

/* OVERFLOWS of the stack, from which the program recovers; and no later call is as deep as they. */
static int overflowed(char **arguments)
{
	static char stack[65536];
	stack_t alternative = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_handler = jump_out, .sa_flags = SA_ONSTACK };
	const struct rlimit small = { 1 << 20, RLIM_INFINITY };
	volatile long left = number_of(arguments[0]);

	need(setrlimit(RLIMIT_STACK, &small) == 0, "a stack of 1 MiB");
	host_start();
	sigaltstack(&alternative, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	sigsetjmp(out_of_anything, 1);
	if (left-- > 0)
		return overflow_stack(0);
	churn_private(100);
	lsa->AllocatePrivateHeap(31);
	host_print_counts();
	return 0;
}

/* From now on, whoever makes another system call than these few ends. Installed in one of three ways. */
static void confine(const char *how)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	need(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no new privileges");
	if (strcmp(how, "prctl") == 0)
		need(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, how);
	else if (strcmp(how, "seccomp") == 0)
		need(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0, how);
	else
		need(syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, how);
}

static NOINLINE PVOID allocate_deep(int depth)
{
	PVOID block = depth > 0 ? allocate_deep(depth - 1) : lsa->AllocatePrivateHeap(16);

	__asm__ volatile("");
	return block;
}

/* HOW ROUNDS: so many calls after that; stacks that are new, misuses that are new, and the end of the process
 * need no system call either. */
static int confined(char **arguments)
{
	static const char done[] = "done\n";
	PVOID block;

	host_start();
	churn_private(10);
	confine(arguments[0]);
	churn_private(number_of(arguments[1]));
	for (int i = 0; i < 200; i++)
		lsa->FreePrivateHeap(allocate_deep(i % 100));
	block = allocate_deep(3);
	lsa->FreePrivateHeap(block);
	lsa->FreePrivateHeap(block);
	lsa->AllocatePrivateHeap(31);
	if (write(1, done, sizeof(done) - 1) < 0)
		_exit(1);
	_exit(0);
}

/* The same with sections, made before and after that; one that was deleted before leaves its bookkeeping
 * for another. */
static int confined_sections(char **arguments)
{
	static const char done[] = "done\n";
	PVOID section, block;

	(void)arguments;
	host_start();
	section = lsa->CreateSharedMemory(65536, 64);
	block = lsa->AllocateSharedMemory(section, 32);
	lsa->DeleteSharedMemory(lsa->CreateSharedMemory(65536, 64));
	confine("prctl");
	for (int i = 0; i < 1000; i++) {
		PVOID other = lsa->AllocateSharedMemory(section, 32);

		if (other)
			lsa->FreeSharedMemory(section, other);
	}
	lsa->FreeSharedMemory(section, block);
	lsa->DeleteSharedMemory(section);
	section = lsa->CreateSharedMemory(65536, 64);
	if (section)
		lsa->DeleteSharedMemory(section);
	if (write(1, done, sizeof(done) - 1) < 0)
		_exit(1);
	_exit(0);
}

/* The host forbids itself the time stamp counter. */
static int without_counter(char **arguments)
{
	int status;
	pid_t child;

	(void)arguments;
	host_start();
	churn_private(10);
	need(prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0) == 0, "the counter");
	churn_private(1000);
	child = fork();
	if (child == 0) {
		churn_private(10);
		_exit(0);
	}
	need(child > 0 && waitpid(child, &status, 0) == child && status == 0, "a child");
	lsa->AllocatePrivateHeap(31);
	return 0;
}

/* PATH of a file that the program opens as its descriptor 2. Then a child can make no trace. */
static int own_descriptor(char **arguments)
{
	struct rlimit none = { 3, 3 };
	struct stat st;
	pid_t child;

	host_start();
	churn_private(1);
	close(STDERR_FILENO);
	need(open(arguments[0], O_RDWR | O_CREAT | O_TRUNC, 0600) == STDERR_FILENO, "a file");
	child = fork();
	if (child == 0) {
		setrlimit(RLIMIT_NOFILE, &none);
		churn_private(1);
		_exit(0);
	}
	need(child > 0 && waitpid(child, NULL, 0) == child, "a child");
	need(fstat(STDERR_FILENO, &st) == 0, "a length");
	printf("%lld bytes\n", (long long)st.st_size);
	return 0;
}

static const char *end_of_destructor; /* NULL: it does nothing */

__attribute__((destructor)) static void end_in_destructor(void)
{
	if (!end_of_destructor)
		return;
	lsa->AllocatePrivateHeap(31);
	if (strcmp(end_of_destructor, "abort") == 0)
		abort();
	if (strcmp(end_of_destructor, "_exit") == 0)
		_exit(4);
	raise((int)number_of(end_of_destructor));
}

/* HOW it ends after exit() has begun: "abort", "_exit", or the number of a signal. */
static int ended_in_destructor(char **arguments)
{
	host_start();
	end_of_destructor = arguments[0];
	return 3;
}

const struct scenario leaving_scenarios[] = {
	{ "confined", confined },
	{ "confined-sections", confined_sections },
	{ "without-counter", without_counter },
	{ "own-descriptor", own_descriptor },
	{ "ended-in-destructor", ended_in_destructor },
	{ "cancelled-later", cancelled_later },
	{ "cancelled-anywhere", cancelled_anywhere },
	{ "jumped-anywhere", jumped_anywhere },
	{ "overflowed", overflowed },
	{ 0 },
};
