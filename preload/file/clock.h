/* SPDX-License-Identifier: MIT */
/*
 * The time of a call. The processor's time stamp counter where it is invariant and may be read, else
 * CLOCK_MONOTONIC; the trace's clock points give the reader the rate.
 */
#ifndef LSATRACE_PRELOAD_FILE_CLOCK_H
#define LSATRACE_PRELOAD_FILE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "include/trace_format.h"

extern bool clock_has_tsc;

/* Chooses the clock and notes the first clock point. Called once, at start-up. */
void clock_init(void);
const struct trace_clock *clock_first(void);
struct trace_clock clock_now(void);

static inline uint64_t clock_monotonic_ns(void)
{
	struct timespec t;

#if defined(__x86_64__)
	/* Where the counter may not be read, the C library's clock_gettime() may not read it either. */
	if (!clock_has_tsc)
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
	else
#endif
		clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t clock_ticks(void)
{
#if defined(__x86_64__)
	if (clock_has_tsc)
		return __builtin_ia32_rdtsc();
#endif
	return clock_monotonic_ns();
}

/* The counter may be read before earlier loads are done. This is after all that the thread has read. */
static inline uint64_t clock_ticks_after(void)
{
#if defined(__x86_64__)
	__builtin_ia32_lfence();
#endif
	return clock_ticks();
}

#endif
