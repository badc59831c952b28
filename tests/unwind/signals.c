/* SPDX-License-Identifier: MIT */
/* Calls from signal handlers, on the same stack and on an alternate one. Signals also come at
 * random, even in the tracer's own code. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

#include "stress.h"

enum { STACK_BYTES = 1 << 20 };

static __thread struct walk *current;
static char *signal_stack;

static NOINLINE void handle(int signal)
{
	struct request held = host_hold((struct request){ NULL, NULL });
	struct walk *w = current;

	if (!w) {
		/* Another thread, which is not part of the test. */
	} else if (signal == SIGVTALRM) {
		struct walk own = { .random = w->random ^ 5, .calls = 6, .depth = 3 };

		walk_on(&own);
	} else {
		walk_afresh(w, 8, 3);
		current = w;
	}
	host_hold(held);
}

static void set_handler(int signal, int flags)
{
	struct sigaction action = { .sa_handler = handle, .sa_flags = flags | SA_RESTART };

	sigaction(signal, &action, NULL);
}

static void set_timer(long microseconds)
{
	struct itimerval timer = { .it_interval.tv_usec = microseconds,
				   .it_value.tv_usec = microseconds };

	setitimer(ITIMER_VIRTUAL, &timer, NULL);
}

static NOINLINE void raise_same_stack(struct walk *w)
{
	current = w;
	raise(SIGUSR1);
	touch(w);
}

static NOINLINE void raise_other_stack(struct walk *w)
{
	current = w;
	raise(SIGUSR2);
	touch(w);
}

/* A fault. The frame that it interrupts is not at a call. */
static NOINLINE void fault(struct walk *w)
{
	current = w;
	__asm__ volatile("int3");
	touch(w);
}

static void prepare(void)
{
	stack_t stack = { .ss_size = STACK_BYTES };

	if (!signal_stack)
		signal_stack = malloc(STACK_BYTES);
	stack.ss_sp = signal_stack;
	if (!signal_stack || sigaltstack(&stack, NULL) != 0)
		abort();
	set_handler(SIGUSR1, 0);
	set_handler(SIGUSR2, SA_ONSTACK);
	set_handler(SIGTRAP, 0);
	set_handler(SIGVTALRM, SA_ONSTACK);
}

static void run_signals(struct walk *w)
{
	static place *const raisers[] = { raise_same_stack, raise_other_stack, fault };

	prepare();
	current = w;
	set_timer(2000);
	while (w->calls > 0) {
		w->depth = 6;
		walk_afresh(w, 20 + walk_random(w, 200), 8);
		raisers[walk_random(w, 3)](w);
	}
	set_timer(0);
	current = NULL;
}

static unsigned leak_bytes;

static NOINLINE void signals_leak_handler(int signal)
{
	(void)signal;
	leak_block(leak_bytes);
	STAY();
}

static NOINLINE void signals_leak(unsigned bytes)
{
	struct sigaction action = { .sa_handler = signals_leak_handler, .sa_flags = SA_ONSTACK };

	prepare();
	leak_bytes = bytes;
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	STAY();
}

const struct scenario signals_scenario = {
	.name = "signals",
	.run = run_signals,
	.leak = signals_leak,
	.chain = "signals_leak_handler * signals_leak",
	.share = 60,
};
