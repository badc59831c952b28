/* SPDX-License-Identifier: MIT */
/*
 * The frames of the package that called: by the incremental unwinder, and by libunwind where a frame
 * is not plain. What knows libunwind is here; what knows the processor, here and in unwind.
 */
#ifndef LSATRACE_PRELOAD_CAPTURE_BACKTRACE_H
#define LSATRACE_PRELOAD_CAPTURE_BACKTRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

#include "include/trace_format.h"

struct lane;

/* Frames in full, for what is not found in the tree. */
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

/*
 * Who called the function of ours whose frame address, by __builtin_frame_address(0), is given.
 * Returns the reference of the stack; 0: it could not be stored, which is counted. `*caller` becomes
 * the return address of the call that is traced.
 */
uint32_t backtrace_take(struct lane *lane, const void *frame_address, uint64_t *caller);

/* The same from where a signal came, which its handler was told: the first frame is the one that was
 * interrupted. Holds on to nothing of the thread's. */
uint32_t backtrace_take_at(const ucontext_t *context);

/* Is there a frame that returns to `pc` in the backtrace that the thread took last? True as well when
 * that is not known. */
bool backtrace_has(const struct lane *lane, uint64_t pc);

/* Before and after a fork: libunwind's locks, held by another thread, would never come free in the
 * child. Between the two no thread is inside it. */
void backtrace_before_fork(void);
void backtrace_after_fork(void);

/* Forgets what is known of code that may be gone. */
void backtrace_forget(void);

/* In a child that begins a trace of its own: until then no one told us what was unloaded. Asks the
 * loader nothing, whose lock may be held for good here. */
void backtrace_inherit(void);

#endif
