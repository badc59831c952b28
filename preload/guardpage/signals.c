/* SPDX-License-Identifier: MIT */
/*
 * sigaction() and signal(): the host is to see the dispositions that it has set itself. Nothing comes
 * in between but for the signals that the guard watches, while it is in use. So nothing has to be ready but
 * the real ones: a sanitizer that the host has in it comes before there is an environment.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stddef.h>

#include "preload/guardpage/fault.h"
#include "preload/host/real.h"

#include "preload/base/poison.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT int sigaction(int signal, const struct sigaction *action, struct sigaction *old)
{
	real_init();
	return fault_sigaction(signal, action, old);
}

static sighandler_t set(int signal, sighandler_t handler, int flags, bool blocks_itself)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags }, old;

	if (handler == SIG_ERR) {
		errno = EINVAL;
		return SIG_ERR;
	}
	sigemptyset(&action.sa_mask);
	if (blocks_itself)
		sigaddset(&action.sa_mask, signal);
	return fault_sigaction(signal, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}

EXPORT sighandler_t signal(int signal, sighandler_t handler)
{
	real_init();
	return fault_watches(signal) ? set(signal, handler, SA_RESTART, true)
				     : real_signal(signal, handler);
}

/* What signal() is to programs that are compiled for System V alone. */
EXPORT sighandler_t __sysv_signal(int signal, sighandler_t handler)
{
	real_init();
	return fault_watches(signal) ? set(signal, handler, (int)SA_RESETHAND | SA_NODEFER, false)
				     : real_sysv_signal(signal, handler);
}
