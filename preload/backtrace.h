/* SPDX-License-Identifier: MIT */
/*
 * The frames of the package that called. What knows libunwind, and what knows the processor, is here.
 */
#ifndef LSATRACE_BACKTRACE_H
#define LSATRACE_BACKTRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "../include/trace_format.h"

struct backtrace {
	uint32_t frames;                    /* at least 1 */
	bool truncated;                     /* there were more */
	uint64_t pc[TRACE_FRAMES_MAX + 16]; /* return addresses, innermost first: the call's own first */
};

/*
 * Loads libunwind, out of sight of the target: libunwind.so.8 exports a weak backtrace() that would
 * replace the C library's. False: it cannot be had; `*why` says so. Not from a hot path.
 */
bool backtrace_init(const char **why);

/* Who called: up to `depth` frames from the one that returns to `caller`. `unwinding` is the calling
 * thread's own flag, which it shows to a thread that is about to fork. */
void backtrace_take(struct backtrace *b, uint32_t depth, uint64_t caller, uint32_t *unwinding);

/* Before and after a fork: the unwinder's locks, held by another thread, would never come free in
 * the child. Between the two no thread is inside the unwinder. */
void backtrace_before_fork(void);
void backtrace_after_fork(void);

/* Forgets what is known of code that may be gone. */
void backtrace_forget(void);

#endif
