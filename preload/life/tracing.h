/* SPDX-License-Identifier: MIT */
/*
 * Starts tracing: when the first function table is handed out, and anew in a forked child, at its
 * first call.
 */
#ifndef LSATRACE_PRELOAD_LIFE_TRACING_H
#define LSATRACE_PRELOAD_LIFE_TRACING_H

#include <stdbool.h>

/* Notes the current folder, in which a relative output pattern is meant. At start-up. */
void tracing_init(void);

/* Makes the trace unless there is one. False: there is none, and one line on standard error has
 * said why; it is not tried again. */
bool tracing_ensure(void);

/* For a forked child, at its first call: makes its own trace, with what it inherits. False: it is
 * not traced. */
bool tracing_after_fork(void);

#endif
