/* SPDX-License-Identifier: MIT */
/*
 * Threads that leave what they are in without returning from it: they are cancelled, or jump. Most
 * scenarios print how many blocks the host's private heap has handed out, and how many are live.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>

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

static int cancelled_later(char **arguments)
{
	pthread_t thread;
	void *result;

	(void)arguments;
	host_start();
	need(pthread_create(&thread, NULL, call_cancelled, NULL) == 0, "a thread");
	pthread_join(thread, &result);
	printf("finished %d, cancelled %d\n", has_finished, result == PTHREAD_CANCELED);
	leak(31);
	return 0;
}

static void print_counts(void)
{
	printf("made %ld, live %ld\n", host_private_made(), host_private_live());
}

static void churn_private(long rounds)
{
	for (long i = 0; i < rounds; i++)
		lsa->FreePrivateHeap(lsa->AllocatePrivateHeap(8));
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
	print_counts();
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
	print_counts();
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
	volatile long left = number_of(arguments[0]);

	host_start();
	sigaltstack(&alternative, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	sigsetjmp(out_of_anything, 1);
	if (left-- > 0)
		return overflow_stack(0);
	churn_private(100);
	lsa->AllocatePrivateHeap(31);
	print_counts();
	return 0;
}

const struct scenario leaving_scenarios[] = {
	{ "cancelled-later", cancelled_later },
	{ "cancelled-anywhere", cancelled_anywhere },
	{ "jumped-anywhere", jumped_anywhere },
	{ "overflowed", overflowed },
	{ 0 },
};
