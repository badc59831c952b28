/* SPDX-License-Identifier: MIT */
/*
 * Takes the backtrace of a call: by the incremental unwinder (unwind.h); where that has no rule for a
 * frame, step by step (step.h); and by libunwind (libunwind.h) if --unwind asks for it.
 */
#ifndef LSATRACE_PRELOAD_CAPTURE_BACKTRACE_H
#define LSATRACE_PRELOAD_CAPTURE_BACKTRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

struct lane;

/* Finds out where the tracer itself lies. */
void backtrace_init(void);

/* Once, at start-up: loads libunwind if --unwind asks for it. Until then, and if it cannot be loaded,
 * backtraces are taken without. Returns false in that case. */
bool backtrace_start(void);

struct backtrace_taken {
	uint64_t caller; /* the return address of the call */
	uint32_t stack;  /* reference; 0: it could not be stored, which is counted */
};

/* The backtrace of a traced call. `frame_address` is the frame address of the shim, from
 * __builtin_frame_address(0); the first frame is the caller of the shim. */
struct backtrace_taken backtrace_take(struct lane *lane, const void *frame_address);

/* The backtrace of code that a signal has interrupted, from the context that the handler was given. The
 * first frame is the interrupted instruction, as cfi.h has it. Does not use the thread's history. */
uint32_t backtrace_take_at(const ucontext_t *context);

/* Has the backtrace that the thread took last a frame that returns to `pc`? Also true if that is not
 * known. */
bool backtrace_has(const struct lane *lane, uint64_t pc);

#endif
