/* SPDX-License-Identifier: MIT */
/*
 * The handler of SIGSEGV and SIGBUS. It notes a wrong access to guarded memory as a finding. Then
 * it passes the signal on to where it would have gone: to the host's handler, with the same
 * arguments, or to the default action, so that the process dies as it would have died.
 */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_FAULT_H
#define LSATRACE_PRELOAD_GUARDPAGE_FAULT_H

/* Installs the handler in front of what the host has set (signals.h). Called once, when the
 * guard is first used. Without memory it does nothing. */
void fault_init(void);

#endif
