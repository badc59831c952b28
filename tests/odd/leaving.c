/* SPDX-License-Identifier: MIT */
/* Threads that leave what they are in without returning from it: they are cancelled, or jump. */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

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

const struct scenario leaving_scenarios[] = {
	{ "cancelled-later", cancelled_later },
	{ 0 },
};
