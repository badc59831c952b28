/* SPDX-License-Identifier: MIT */
/*
 * Makes the trace of a process: when it hands the first function table to a package, and once more
 * in each forked child, at the child's first call. What a process has:
 *
 *	no trace ──────── trace_begin() ───────▶ its own ──── fork() ────▶ its parent's
 *	   │                                         ▲                           │
 *	   │                                         └────── trace_renew() ──────┤
 *	   └─ failure ─▶ none, and it is not tried again ◀─ failure, or follow=no ┘
 *
 * trace.h tells the states apart. Each step is made under the cold lock, while the thread is inside
 * the tracer. After a failure one line in the session file says why, or on standard error if there
 * is no such file.
 */
#ifndef LSATRACE_PRELOAD_LIFE_NEW_TRACE_H
#define LSATRACE_PRELOAD_LIFE_NEW_TRACE_H

/* Sets trace_begin and trace_renew, and notes the current folder, to which a relative pattern for
 * the name refers. At start-up. */
void new_trace_init(void);

#endif
