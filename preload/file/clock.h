/* SPDX-License-Identifier: MIT */
/*
 * The time of a call, in ticks: of the processor's time stamp counter, if that runs at a constant
 * rate and the process may read it, else of CLOCK_MONOTONIC in nanoseconds. The trace has two
 * moments by both clocks, from which a reader computes the rate. Any thread; async-signal-safe; no
 * system call with the counter.
 */
#ifndef LSATRACE_PRELOAD_FILE_CLOCK_H
#define LSATRACE_PRELOAD_FILE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "include/trace_format.h"
#include "preload/base/compiler.h"

/* Ticks are read from the time stamp counter. */
extern bool clock_has_tsc;

/* Chooses the clock, and notes the first moment. Once, at start-up. */
void clock_init(void);
const struct trace_clock *clock_first(void);

/* This moment, by both clocks. */
struct trace_clock clock_now(void);

/* The host is about to forbid itself the counter: from now on ticks go on without it, at its rate. */
void clock_leave_counter(void);

/* CLOCK_MONOTONIC. */
uint64_t clock_monotonic_ns(void);

/* The ticks without the counter. */
uint64_t clock_ticks_otherwise(void);

static inline uint64_t clock_ticks(void)
{
#if defined(__x86_64__)
	if (likely(peek(clock_has_tsc)))
		return __builtin_ia32_rdtsc();
#endif
	return clock_ticks_otherwise();
}

/* The processor may read the counter before earlier loads are done. This one is read after them. */
static inline uint64_t clock_ticks_after(void)
{
#if defined(__x86_64__)
	__builtin_ia32_lfence();
#endif
	return clock_ticks();
}

#endif
