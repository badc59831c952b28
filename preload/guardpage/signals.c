/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "preload/base/kernel.h"
#include "preload/file/trace.h"
#include "preload/guardpage/signals.h"
#include "preload/host/real.h"

#include "preload/base/poison.h"

static const int watched[] = { SIGSEGV, SIGBUS };
enum { WATCHED = sizeof(watched) / sizeof(watched[0]) };

/* What the host has set, as the kernel would tell it. The handler may interrupt a change: of the
 * two copies, it reads the one that is not being written. */
static struct kept {
	struct sigaction action[2];
	uint32_t turn;
} kept[WATCHED];

static signals_handler *our_handler;
static bool is_watching; /* all of `kept` is there */

static int find_watched(int signal)
{
	for (int i = 0; i < WATCHED; i++)
		if (watched[i] == signal)
			return i;
	return -1;
}

static bool is_kept(int signal)
{
	return is_watching && find_watched(signal) >= 0;
}

static const struct sigaction *kept_action(int i)
{
	return &kept[i].action[__atomic_load_n(&kept[i].turn, __ATOMIC_ACQUIRE) & 1];
}

static void keep_action(int i, const struct sigaction *action)
{
	uint32_t turn = kept[i].turn + 1;

	kept[i].action[turn & 1] = *action;
	__atomic_store_n(&kept[i].turn, turn, __ATOMIC_RELEASE);
}

static bool is_ours(const struct sigaction *action)
{
	return action->sa_sigaction == our_handler;
}

/* Keeps what the host has set, and puts the handler in front of it, with the flags and the mask
 * that the host's handler would get from the kernel. */
static void put_in_front(int i, const struct sigaction *host)
{
	struct sigaction ours = *host;

	keep_action(i, host);
	if (host->sa_handler == SIG_IGN)
		return;
	if (host->sa_handler == SIG_DFL) {
		sigemptyset(&ours.sa_mask);
		ours.sa_flags = SA_ONSTACK | SA_RESTART;
	}
	ours.sa_sigaction = our_handler;
	ours.sa_flags = (ours.sa_flags | SA_SIGINFO) & ~(int)SA_RESETHAND;
	real_sigaction(watched[i], &ours, NULL);
}

void signals_watch(signals_handler *handler)
{
	struct sigaction host;

	our_handler = handler;
	for (int i = 0; i < WATCHED; i++)
		if (real_sigaction(watched[i], NULL, &host) == 0)
			put_in_front(i, &host);
	is_watching = true;
}

struct sigaction signals_deliver(int signal)
{
	int i = find_watched(signal);
	struct sigaction host = *kept_action(i), reset = host;

	reset.sa_handler = SIG_DFL;
	if (host.sa_flags & (int)SA_RESETHAND)
		keep_action(i, &reset);
	return host;
}

/* Lets the kernel have it first: it refuses what it would refuse, and tells what it made of it. */
static int change_action(int i, const struct sigaction *action)
{
	struct sigaction host;

	if (is_ours(action))
		return 0; /* the host got it from a function that is not interposed */
	if (real_sigaction(watched[i], action, NULL) != 0 ||
	    real_sigaction(watched[i], NULL, &host) != 0)
		return -1;
	put_in_front(i, &host);
	return 0;
}

/* In a child of vfork(), which has dispositions of its own, but the memory of its parent:
 * nothing is kept. */
static int pass_action(int i, const struct sigaction *action, struct sigaction *old)
{
	const struct sigaction *host = kept_action(i);
	int result;

	result = real_sigaction(watched[i], action && is_ours(action) ? host : action, old);
	if (result == 0 && old && is_ours(old))
		*old = *host;
	return result;
}

int signals_action(int signal, const struct sigaction *action, struct sigaction *old)
{
	int i = find_watched(signal), result = 0;
	struct sigaction before, wanted;
	uint64_t blocked_before;

	if (!is_kept(signal))
		return real_sigaction(signal, action, old);
	if (action)
		wanted = *action; /* `old` may be the same place */
	if (trace_is_mine() && !trace_is_of_this_process())
		return pass_action(i, action ? &wanted : NULL, old);
	blocked_before = kernel_block_signals(MASK_ALL);
	before = *kept_action(i);
	if (action)
		result = change_action(i, &wanted);
	kernel_restore_signals(blocked_before);
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
	return is_kept(signal) ? set_handler(signal, handler, SA_RESTART, true)
			       : real_signal(signal, handler);
}

sighandler_t signals_set_sysv(int signal, sighandler_t handler)
{
	return is_kept(signal) ? set_handler(signal, handler, (int)SA_RESETHAND | SA_NODEFER, false)
			       : real_sysv_signal(signal, handler);
}
