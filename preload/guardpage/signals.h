/* SPDX-License-Identifier: MIT */
/*
 * sigaction() and signal() as the host calls them. For the signals that the guard watches, while it is
 * in use, the host sees the dispositions that it has set itself (fault.h); for all others the C
 * library answers. They need nothing but real_init().
 */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_SIGNALS_H
#define LSATRACE_PRELOAD_GUARDPAGE_SIGNALS_H

#include <signal.h>

int signals_action(int signal, const struct sigaction *action, struct sigaction *old);
sighandler_t signals_set(int signal, sighandler_t handler);
/* signal() in programs that are compiled for System V: the handler is reset when it is called. */
sighandler_t signals_set_sysv(int signal, sighandler_t handler);

#endif
