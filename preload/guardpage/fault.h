/* SPDX-License-Identifier: MIT */
/*
 * Accesses to guarded memory that fault. Ours is the first handler of SIGSEGV and SIGBUS once the
 * guard is in use: it notes what it knows of the access, then the signal goes on to where it was
 * going: to the host's own handler, with the same arguments, or to the default action, by which the
 * process dies as it would have died.
 *
 * The host sees the dispositions that it has set: sigaction() and signal() of ours answer with them
 * (signals.c). A disposition of SIG_IGN is left alone: a program that is executed inherits it.
 */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_FAULT_H
#define LSATRACE_PRELOAD_GUARDPAGE_FAULT_H

#include <signal.h>
#include <stdbool.h>

/* Gets in front of what the host has set. Once, when the guard is first used. */
void fault_init(void);

/* Is a signal's disposition kept here? */
bool fault_watches(int signal);

/* sigaction(), for any signal. */
int fault_sigaction(int signal, const struct sigaction *action, struct sigaction *old);

#endif
