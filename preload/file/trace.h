/* SPDX-License-Identifier: MIT */
/*
 * The trace of this process: one file, mapped shared, which include/trace_format.h specifies. It is
 * made of chunks of 16 KiB. Each chunk holds items of one kind, and one module writes them:
 *
 *	┌────────┬────────┬────────┬────────┬──────────┬────────┬────────┬────────┬ ─ ─
 *	│ header │  log   │ lanes  │  ring  │ counters │ ledger │  ring  │  log   │  up to the bound
 *	└────────┴────────┴────────┴────────┴──────────┴────────┴────────┴────────┴ ─ ─
 *
 *	kind       holds                                         written by
 *	header     what the trace is, its end, what it lost      this module, life/facts
 *	log        stacks, modules, packages, texts              log
 *	ledger     sections and blocks that are live             ledger/
 *	findings   distinct misuses, with their counts           findings
 *	lanes      threads, and their calls in flight            lanes
 *	counters   totals by lane, package and function          lanes
 *	ring       events: the history, overwritten              ring
 *
 * chunks hands the chunks out, room lets the file grow, trace_file gives it its name.
 *
 * This header is what every module needs of it: whether there is a trace and whose it is, what it
 * lost, how the process ended. What is said of a thread's calls is in lanes.h and ring.h.
 *
 * Any thread, without a lock, where nothing else is said.
 */
#ifndef LSATRACE_PRELOAD_FILE_TRACE_H
#define LSATRACE_PRELOAD_FILE_TRACE_H

#include <stdbool.h>

#include "include/trace_format.h"
#include "preload/base/process.h"
#include "preload/base/reentry.h"

/* The mapped header. NULL: this process and its ancestors have made no trace. */
extern struct trace_header *trace_header;

/*
 * The number of this process's own trace; 0: it has none. With a trace_header, 0 means that the
 * process is a forked child, and that the trace is its parent's. Numbers count the traces of a
 * process and its ancestors: whatever was kept for an older number is void.
 */
static inline uint32_t trace_number(void)
{
	return __atomic_load_n(&process_page->trace, __ATOMIC_ACQUIRE);
}

static inline bool trace_is_mine(void)
{
	return trace_number() != 0;
}

/* The same, and the process is not a child of vfork(), which runs in its parent's memory. */
bool trace_is_of_this_process(void);

/*
 * How a trace is made. life/new_trace sets both at start-up, because the modules that need a trace
 * are far below those that make one; before that they return false. Both may wait up to a second
 * for another thread that is making the trace.
 *
 * trace_begin: makes the trace, unless there is one. False: there is none; one line on standard
 * error has said why, and it is not tried again.
 * trace_renew: makes the trace of a forked child, which inherits what is live in its parent. For
 * the child's first call, when trace_is_mine() is false. False: the child is not traced.
 */
extern bool (*trace_begin)(void);
extern bool (*trace_renew)(void);

/* Counts something that could not be kept; if there is no trace, then in the next one.
 * Async-signal-safe. */
void trace_lose(enum trace_lost what);

/* Adds to a new trace, when it is this process's, what was counted before. */
void trace_count_earlier(void);

/*
 * Notes how the process is about to end; `status` is that of an exit, else 0. Does nothing in a
 * process that has no trace of its own, such as a child of vfork(). Async-signal-safe.
 */
void trace_end(enum trace_end end, int status);

/*
 * Eras number spans of time, from 0 at the first trace on; each thing that is made is of one. A
 * checkpoint begins one, and so does the ring from time to time: but the ring stops at half of the
 * numbers, so that those of checkpoints always last.
 */
extern uint32_t trace_last_era;
uint32_t trace_begin_era(void);
void trace_begin_era_of_ring(void);

static inline uint32_t trace_era(void)
{
	return __atomic_load_n(&trace_last_era, __ATOMIC_RELAXED);
}

/* Counts the return of an entry point of a package; `function` is a TRANSFER function. */
void trace_count_return(uint32_t function);

/* Notes what time it is now by both clocks, so that a reader knows the rate of the ticks. */
void trace_touch_clock(void);

#endif
