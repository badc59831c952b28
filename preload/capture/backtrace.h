/* SPDX-License-Identifier: MIT */
/*
 * The frames of the package that called: by the incremental unwinder, and by libunwind where a
 * frame is not plain. What knows libunwind is here; what knows the processor, here and in unwind.
 */
#ifndef LSATRACE_PRELOAD_CAPTURE_BACKTRACE_H
#define LSATRACE_PRELOAD_CAPTURE_BACKTRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

struct lane;

/* Loads libunwind (libunwind.h). Returns false if that is not possible; then `*why` says why. At
 * start-up only. */
bool backtrace_init(const char **why);

/*
 * Who called the function of ours whose frame address, by __builtin_frame_address(0), is given.
 * Returns the reference of the stack; 0: it could not be stored, which is counted. `*caller`
 * becomes the return address of the call that is traced.
 */
uint32_t backtrace_take(struct lane *lane, const void *frame_address, uint64_t *caller);

/* The same from where a signal came, which its handler was told: the first frame is the one that
 * was interrupted. Holds on to nothing of the thread's. */
uint32_t backtrace_take_at(const ucontext_t *context);

/* Is there a frame that returns to `pc` in the backtrace that the thread took last? True as well
 * when that is not known. */
bool backtrace_has(const struct lane *lane, uint64_t pc);

#endif
