/* SPDX-License-Identifier: MIT */
/*
 * What the host has set for SIGSEGV and SIGBUS, while the tracer's handler stands in front of it.
 * The host sees only what it has set itself: sigaction() and signal(), which the library exports,
 * answer with that. All other signals, and these two before signals_watch(), go to the C library.
 *
 * If the host ignores one of the signals, nothing stands in front: a program that is executed
 * inherits that.
 *
 * Any thread. signals_action() and those that set need nothing but real_init(): a sanitizer in the
 * host calls them before there is an environment.
 */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_SIGNALS_H
#define LSATRACE_PRELOAD_GUARDPAGE_SIGNALS_H

#include <signal.h>

typedef void signals_handler(int signal, siginfo_t *info, void *context);

/* Puts a handler in front of what the host has set, now and later. Called once. */
void signals_watch(signals_handler *handler);

/* In that handler: what the host has set for the signal, for which the signal is meant. Resets
 * it to the default first if it says SA_RESETHAND, as the kernel would. */
struct sigaction signals_deliver(int signal);

/* sigaction(), and signal(), as the host calls them; any signal. */
int signals_action(int signal, const struct sigaction *action, struct sigaction *old);
sighandler_t signals_set(int signal, sighandler_t handler);
/* signal() in programs that are compiled for System V: the handler is reset when it is called. */
sighandler_t signals_set_sysv(int signal, sighandler_t handler);

#endif
