/* SPDX-License-Identifier: MIT */
/*
 * The tracer's handler of faults: of SIGBUS, where somebody has shortened the trace file that is
 * mapped, and of SIGSEGV and SIGBUS, where a package goes past a guarded block. It stands in front of
 * what the host has set:
 *
 *	fault ──▶ handler ──▶ each check, until one has mended what faulted ──▶ the instruction runs again
 *	                            │ none has
 *	                            └──▶ the host's handler, with the same arguments, or the default
 *	                                 action: the process dies as it would have died
 *
 * The host sees only what it has set itself: sigaction() and signal(), which the library exports,
 * answer with that. All other signals, and these two before signals_watch(), go to the C library.
 *
 * If the host ignores one of the signals, nothing stands in front: a program that is executed
 * inherits that. Nor does the handler run in a thread that blocks the signal: the kernel ends a process
 * whose instruction raises a signal that is blocked or ignored. To keep these signals open for each
 * call would cost each call two system calls.
 *
 * Any thread. signals_action() and those that set need nothing but real_init(): a sanitizer in the
 * host calls them before there is an environment.
 */
#ifndef LSATRACE_PRELOAD_HOST_SIGNALS_H
#define LSATRACE_PRELOAD_HOST_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* Looks at a fault. Returns true if it has mended what faulted. In a signal handler, which may have
 * interrupted anything; errno need not be kept. */
typedef bool signals_check(int signal, const siginfo_t *info, void *context);

enum signals_checker { SIGNALS_FILE, SIGNALS_GUARD, SIGNALS_CHECKERS };

/* Puts the handler in front of what the host has set for SIGBUS and, for the guard, for SIGSEGV, now and
 * later. From then on it asks `check`. Does nothing the second time. Under the cold lock. */
void signals_watch(enum signals_checker who, signals_check *check);

/* sigaction(), and signal(), as the host calls them; any signal. */
int signals_action(int signal, const struct sigaction *action, struct sigaction *old);
sighandler_t signals_set(int signal, sighandler_t handler);
/* signal() in programs that are compiled for System V: the handler is reset when it is called. */
sighandler_t signals_set_sysv(int signal, sighandler_t handler);

#endif
