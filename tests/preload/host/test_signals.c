/* SPDX-License-Identifier: MIT */
/* What the host has set for a signal that is watched, while several threads set it. */
#include <signal.h>
#include <stdbool.h>

#include <criterion/criterion.h>

#include "preload/host/real.h"
#include "preload/host/signals.h"

static volatile sig_atomic_t handled;

static void count_one(int signal)
{
	(void)signal;
	handled++;
}

static bool mend_nothing(int signal, const siginfo_t *info, void *context)
{
	(void)signal, (void)info, (void)context;
	return false;
}

static int (*kernel_sigaction)(int signal, const struct sigaction *action, struct sigaction *old);
static sighandler_t of_another_thread;

/* Another thread comes between, once: when this one has kept what the host sets, and is about to tell the
 * kernel. */
static int come_between(int signal, const struct sigaction *action, struct sigaction *old)
{
	if (action && real_sigaction == come_between) {
		real_sigaction = kernel_sigaction;
		signals_set(signal, of_another_thread);
	}
	return kernel_sigaction(signal, action, old);
}

static void start(void)
{
	real_init();
	kernel_sigaction = real_sigaction;
	signals_watch(SIGNALS_GUARD, mend_nothing);
}

TestSuite(signals, .init = start);

static void set_at_once(sighandler_t one, sighandler_t other)
{
	real_sigaction = come_between;
	of_another_thread = other;
	signals_set(SIGSEGV, one);
}

/* The other thread's change is the last one. */
Test(signals, of_two_that_are_set_at_once_the_kernel_has_the_one_that_the_host_is_told)
{
	struct sigaction now;

	set_at_once(SIG_IGN, count_one);
	cr_assert_eq(signals_action(SIGSEGV, NULL, &now), 0);
	cr_assert_eq(now.sa_handler, count_one);
	raise(SIGSEGV);
	cr_assert_eq(handled, 1);
	set_at_once(count_one, SIG_IGN);
	cr_assert_eq(signals_action(SIGSEGV, NULL, &now), 0);
	cr_assert_eq(now.sa_handler, SIG_IGN);
	raise(SIGSEGV);
	cr_assert_eq(handled, 1);
}
