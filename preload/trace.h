/* SPDX-License-Identifier: MIT */
/*
 * The trace of this process: made when the first function table is handed out, made anew by a forked
 * child at its first call, ended when the process exits or executes another program.
 */
#ifndef LSATRACE_TRACE_H
#define LSATRACE_TRACE_H

#include <stdbool.h>

#include "../include/trace_format.h"
#include "guard.h"

/* The mapped header; NULL before the first trace. */
extern struct trace_header *trace_header;
/* Counts the traces of this process and its ancestors: what was cached for an older one is void. */
extern uint32_t trace_generation;

/* Notes the current folder, in which a relative output pattern is meant. At start-up. */
void trace_init(void);

/* Makes the trace unless there is one. False: there is none, and one line on standard error has
 * said why; it is not tried again. */
bool trace_ensure(void);

/* Is the trace this process's own, ready to be written? */
static inline bool trace_is_mine(void)
{
	return __atomic_load_n(&guard->owner, __ATOMIC_ACQUIRE);
}

/* For a forked child, at its first call: makes its own trace, with what it inherits. False: it is
 * not traced. */
bool trace_after_fork(void);

void trace_lose(enum trace_lost what);

/* Notes how the process is about to end. Does nothing in a process whose trace it is not, such as a
 * child of vfork(). */
void trace_end(enum trace_end end, int status);

/* Moves the newer clock point to now. */
void trace_touch_clock(void);

#endif
