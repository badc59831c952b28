/* SPDX-License-Identifier: MIT */
/*
 * The trace of this process as every module sees it: its header, whose it is, what it lost, how it
 * ends.
 */
#ifndef LSATRACE_PRELOAD_FILE_TRACE_H
#define LSATRACE_PRELOAD_FILE_TRACE_H

#include <stdbool.h>

#include "include/trace_format.h"
#include "preload/base/process.h"
#include "preload/base/reentry.h"

/* The mapped header; NULL while there is none. */
extern struct trace_header *trace_header;

/*
 * How a trace comes into being, set once at start-up (new_trace_init()): whoever needs one asks here, far
 * below the code that makes it. Both may wait up to a second for another thread that is at it. Before they
 * are set they return false.
 *
 * trace_begin: makes the trace unless there is one. False: there is none; a line on standard error has
 * said why, and it is not tried again.
 * trace_renew: makes the trace of a forked child, which inherits what is live in its parent. For the
 * child's first call, where trace_is_mine() is false. False: the child is not traced.
 */
extern bool (*trace_begin)(void);
extern bool (*trace_renew)(void);

/* The number of the trace that is this process's own, ready to be written; 0: it has none. Counts the
 * traces of a process and its ancestors: what was kept for an older one is void. */
static inline uint32_t trace_number(void)
{
	return __atomic_load_n(&process_page->trace, __ATOMIC_ACQUIRE);
}

static inline bool trace_is_mine(void)
{
	return trace_number() != 0;
}

/* The same, and this is not a child of vfork() that borrows its parent's memory. */
bool trace_is_of_this_process(void);

/* Counts what could not be kept, now or, without a trace, in the next one. */
void trace_lose(enum trace_lost what);
/* Counts in a new trace what was lost before there was one. */
void trace_count_earlier(void);

/* Notes how the process is about to end. Does nothing in a process whose trace it is not, such as a
 * child of vfork(). */
void trace_end(enum trace_end end, int status);

/* Moves the newer clock point to now. */
void trace_touch_clock(void);

#endif
