/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "preload/base/kernel.h"
#include "preload/base/process.h"
#include "preload/host/real.h"
#include "preload/host/signals.h"

#include "preload/base/poison.h"

static const int watched[] = { SIGBUS, SIGSEGV };
enum { WATCHED = sizeof(watched) / sizeof(watched[0]) };

#define RESTORER 0x04000000 /* SA_RESTORER: the C library adds it */

/*
 * What the host has set, as the kernel would tell it. Any thread may change it, and any handler may
 * interrupt a change and read or change it as well: nobody waits. Each change is written into a
 * setting that nobody has taken, and becomes the current one at once. Who reads a setting reads it
 * again if its version has changed meanwhile.
 *
 *	take_setting() ──▶ (it is written) ──▶ make_current() ──▶ another one is current ──▶ free again
 */
enum { SETTINGS = 32 }; /* as many threads may be in the midst of a change */

static struct kept {
	struct setting {
		struct sigaction action;
		uint32_t version; /* odd: it is being written */
		uint32_t is_taken;
	} settings[SETTINGS];
	uint32_t current; /* 1 + its position; 0: the signal is not watched */
} kept[WATCHED];

static signals_check *checks[SIGNALS_CHECKERS];

/* NULL: the signal is not watched. */
static struct kept *find_kept(int signal)
{
	for (int i = 0; i < WATCHED; i++)
		if (watched[i] == signal && __atomic_load_n(&kept[i].current, __ATOMIC_ACQUIRE) != 0)
			return &kept[i];
	return NULL;
}

/* Copies the current one. Returns its number; 0: there is none. */
static uint32_t read_current(const struct kept *k, struct sigaction *action)
{
	const struct setting *s;
	uint32_t current, version;

	do {
		current = __atomic_load_n(&k->current, __ATOMIC_ACQUIRE);
		s = &k->settings[current ? current - 1 : 0];
		version = __atomic_load_n(&s->version, __ATOMIC_ACQUIRE);
		*action = s->action;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (version % 2 != 0 || __atomic_load_n(&s->version, __ATOMIC_RELAXED) != version);
	return current;
}

static struct setting *take_setting(struct kept *k)
{
	for (uint32_t i = 0;; i++) {
		struct setting *s = &k->settings[i % SETTINGS];

		if (!__atomic_exchange_n(&s->is_taken, 1, __ATOMIC_ACQUIRE))
			return s;
	}
}

/* Makes an action the current one. Returns its number. If `expected` is not NULL, another one than
 * that must not be current: then nothing changes, and 0 is returned. */
static uint32_t keep_action(struct kept *k, const struct sigaction *action, uint32_t *expected)
{
	struct setting *s = take_setting(k);
	uint32_t number = (uint32_t)(s - k->settings) + 1, before;

	__atomic_store_n(&s->version, s->version + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	s->action = *action;
	__atomic_store_n(&s->version, s->version + 1, __ATOMIC_RELEASE);
	if (!expected) {
		before = __atomic_exchange_n(&k->current, number, __ATOMIC_SEQ_CST);
	} else {
		before = *expected;
		if (!__atomic_compare_exchange_n(&k->current, &before, number, false,
						 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			before = number;
	}
	if (before)
		__atomic_store_n(&k->settings[before - 1].is_taken, 0, __ATOMIC_RELEASE);
	return before == number ? 0 : number;
}

/* The instruction runs once more, and the default action ends the process. A signal that no
 * instruction raised is sent again for that. */
static void die_of(int signal, const siginfo_t *info)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	real_sigaction(signal, &action, NULL);
	if (info->si_code <= 0 || (signal == SIGBUS && info->si_code == BUS_MCEERR_AO))
		kernel_call(SYS_rt_tgsigqueueinfo, getpid(), gettid(), signal, info);
}

static bool is_mended(int signal, const siginfo_t *info, void *context)
{
	for (int i = 0; i < SIGNALS_CHECKERS; i++) {
		signals_check *check = __atomic_load_n(&checks[i], __ATOMIC_ACQUIRE);

		if (check && check(signal, info, context))
			return true;
	}
	return false;
}

static bool is_handler(const struct sigaction *action)
{
	return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

/* What the host has set, for a signal that it gets. Resets it to the default if it says SA_RESETHAND, as
 * the kernel would. */
static struct sigaction take_action(struct kept *k)
{
	struct sigaction host, reset;
	uint32_t current;

	do {
		current = read_current(k, &host);
		reset = host;
		reset.sa_handler = SIG_DFL;
	} while (host.sa_flags & (int)SA_RESETHAND && !keep_action(k, &reset, &current));
	return host;
}

static void handle_fault(int signal, siginfo_t *info, void *context)
{
	int saved_errno = errno;
	struct sigaction host;
	uint64_t blocked;

	if (is_mended(signal, info, context)) {
		errno = saved_errno;
		return;
	}
	host = take_action(find_kept(signal));
	if (host.sa_handler == SIG_DFL)
		die_of(signal, info);
	if (is_handler(&host)) {
		memcpy(&blocked, &host.sa_mask, sizeof(blocked));
		kernel_block_signals(blocked);
		errno = saved_errno;
		host.sa_sigaction(signal, info, context);
		return;
	}
	errno = saved_errno;
}

static bool is_ours(const struct sigaction *action)
{
	return action->sa_sigaction == handle_fault;
}

/* What the kernel and the C library make of an action, once it is set. */
static struct sigaction as_told(const struct sigaction *action)
{
	static struct sigaction ours;
	struct sigaction told = *action;

	if (!ours.sa_restorer)
		real_sigaction(SIGBUS, NULL, &ours);
	sigdelset(&told.sa_mask, SIGKILL);
	sigdelset(&told.sa_mask, SIGSTOP);
	told.sa_flags |= ours.sa_flags & RESTORER;
	told.sa_restorer = ours.sa_restorer;
	return told;
}

/* Sets the handler in front of what the host has set, with the flags and the mask that the host's
 * handler would get from the kernel; but the other signal that is watched stays open, for the checks of
 * one may raise the other. Returns what the kernel says, 0 or -1. */
static int set_ours(int signal, const struct sigaction *host)
{
	struct sigaction ours = *host;

	if (host->sa_handler == SIG_IGN)
		return real_sigaction(signal, host, NULL);
	if (host->sa_handler == SIG_DFL) {
		sigemptyset(&ours.sa_mask);
		ours.sa_flags = SA_ONSTACK | SA_RESTART;
	}
	ours.sa_sigaction = handle_fault;
	ours.sa_flags = (ours.sa_flags | SA_SIGINFO) & ~(int)SA_RESETHAND;
	for (int i = 0; i < WATCHED; i++)
		if (watched[i] != signal)
			sigdelset(&ours.sa_mask, watched[i]);
	return real_sigaction(signal, &ours, NULL);
}

/*
 * Keeps what the host has set, and puts the handler in front of it. Kept first: a handler that runs
 * already needs something to give way to. Another thread may change it at the same time: whoever finds
 * that another one is current by now sets the kernel right.
 */
static int put_in_front(int signal, struct kept *k, const struct sigaction *host)
{
	struct sigaction current = *host;
	uint32_t number = keep_action(k, host, NULL), now;
	int result = set_ours(signal, host);

	while (result == 0 && (now = read_current(k, &current)) != number) {
		number = now;
		result = set_ours(signal, &current);
	}
	return result;
}

static void watch_signal(int i)
{
	struct sigaction host;

	if (kept[i].current == 0 && real_sigaction(watched[i], NULL, &host) == 0)
		put_in_front(watched[i], &kept[i], &host);
}

void signals_watch(enum signals_checker who, signals_check *check)
{
	if (checks[who])
		return;
	__atomic_store_n(&checks[who], check, __ATOMIC_RELEASE);
	watch_signal(0);
	if (who == SIGNALS_GUARD)
		watch_signal(1);
}

/* In a child of vfork(), which has dispositions of its own, but the memory of its parent:
 * nothing is kept. */
static int pass_action(int signal, const struct sigaction *action, struct sigaction *old,
		       const struct sigaction *host)
{
	int result = real_sigaction(signal, action && is_ours(action) ? host : action, old);

	if (result == 0 && old && is_ours(old))
		*old = *host;
	return result;
}

int signals_action(int signal, const struct sigaction *action, struct sigaction *old)
{
	struct kept *k = find_kept(signal);
	struct sigaction before, wanted;
	int result = 0;

	if (!k)
		return real_sigaction(signal, action, old);
	if (action)
		wanted = *action; /* `old` may be the same place */
	read_current(k, &before);
	if (!process_is_own())
		return pass_action(signal, action ? &wanted : NULL, old, &before);
	/* The host may have ours from a function that is not interposed. */
	if (action && !is_ours(&wanted)) {
		wanted = as_told(&wanted);
		result = put_in_front(signal, k, &wanted);
	}
	if (result == 0 && old)
		*old = before;
	return result;
}

static sighandler_t set_handler(int signal, sighandler_t handler, int flags, bool blocks_itself)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags }, old;

	if (handler == SIG_ERR) {
		errno = EINVAL;
		return SIG_ERR;
	}
	sigemptyset(&action.sa_mask);
	if (blocks_itself)
		sigaddset(&action.sa_mask, signal);
	return signals_action(signal, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}

sighandler_t signals_set(int signal, sighandler_t handler)
{
	return find_kept(signal) ? set_handler(signal, handler, SA_RESTART, true)
				 : real_signal(signal, handler);
}

sighandler_t signals_set_sysv(int signal, sighandler_t handler)
{
	return find_kept(signal)
		       ? set_handler(signal, handler, (int)SA_RESETHAND | SA_NODEFER, false)
		       : real_sysv_signal(signal, handler);
}
