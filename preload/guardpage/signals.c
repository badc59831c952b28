/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stddef.h>

#include "preload/guardpage/fault.h"
#include "preload/guardpage/signals.h"
#include "preload/host/real.h"

#include "preload/base/poison.h"

int signals_action(int signal, const struct sigaction *action, struct sigaction *old)
{
	return fault_sigaction(signal, action, old);
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
	return fault_sigaction(signal, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}

sighandler_t signals_set(int signal, sighandler_t handler)
{
	return fault_watches(signal) ? set_handler(signal, handler, SA_RESTART, true)
				     : real_signal(signal, handler);
}

sighandler_t signals_set_sysv(int signal, sighandler_t handler)
{
	return fault_watches(signal)
		       ? set_handler(signal, handler, (int)SA_RESETHAND | SA_NODEFER, false)
		       : real_sysv_signal(signal, handler);
}
