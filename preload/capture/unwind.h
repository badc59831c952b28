/* SPDX-License-Identifier: MIT */
/*
 * Incremental unwinding: finds the stack of a thread again at the cost of what changed in it.
 *
 * Each thread keeps its *history*: the frames of the stack that it found last. The next time, only
 * the inner frames are stepped. As soon as a frame is met that was there before, in the same place,
 * the outer ones are only compared:
 *
 *	innermost                                              outermost
 *	    f1 ──step──▶ f2 ──step──▶ f3 = a frame of the history
 *	                               │ the word at each place is read again and compared
 *	                               ▼
 *	                               h3 ──▶ h4 ──▶ h5 ──▶ h6     all equal: the rest is as it was
 *	                                       ✗                   a change: step again from there
 *
 * A *place* is where on the stack a return address lies; a *cell* is where on the stack rbp was saved.
 * What a signal has interrupted has no return address on its stack: its place is where one would
 * lie that the instruction had just popped.
 *
 * Why this is exact: where a frame leads depends on its place, on its return address, and, if its
 * rule says so, on rbp. So a frame whose place, return address and (where it matters) rbp are equal
 * leads to the same caller. If its rule is not plain (cfi.h), where it leads lies in memory as well:
 * it is stepped again, and what that leads to is compared. Nothing on the stack is changed, and nothing is believed without being
 * read again.
 *
 * Invariants:
 *	1. A place or cell of a frame is read only after the frame inside of it was found equal, or was
 *	   stepped: only then is it known to be a place.
 *	2. What is read lies on the thread's own stack, on pages that can be read (stack_pages.h); behind a signal, on the stack that it interrupted.
 *	3. A history is believed in its own epoch only (host/images.h).
 *	4. `frames` is 0 while the history is being changed: a signal handler may leave by longjmp().
 *	   Whatever changes it also makes `stack` 0.
 *	5. `rbp` and `rbp_cell` of a frame of the history are set only where rbp matters.
 *
 * Only frames for which there are rules are handled here (cfi.h); step.h does the others. A history
 * is used by one thread.
 */
#ifndef LSATRACE_PRELOAD_CAPTURE_UNWIND_H
#define LSATRACE_PRELOAD_CAPTURE_UNWIND_H

#include <stdbool.h>
#include <stdint.h>

#include "preload/capture/cfi.h"
#include "preload/capture/stack_pages.h"
#include "preload/file/lanes.h"

enum { UNWIND_FRAMES_MOST = 512 };

struct unwind_frame {
	uint64_t place; /* where the return address lies */
	uint64_t pc; /* the return address (cfi.h); 0: the frame inside of this one is the outermost */
	uint64_t rbp;      /* in this frame, at pc */
	uint64_t rbp_cell; /* the cell from which rbp was read; 0: rbp is that of the inner frame */
	struct cfi_rule rule; /* at pc */
	uint32_t node;        /* of the frame and all outer ones (tree.h) */
	/* Bit 0: rbp matters to where the frame, or an outer one, leads. Above it: how many cells
	 * of the frame and all outer ones matter. A frame that is not plain counts as one. */
	uint32_t rbp_links;
};

static inline bool unwind_rbp_matters(const struct unwind_frame *f)
{
	return f->rbp_links & 1;
}

static inline bool unwind_has_cells(const struct unwind_frame *f)
{
	return f->rbp_links > 1;
}

/* Frames 1 to `frames`, outermost first. Frame 0 is a sentinel: its place lies above all others. Its
 * node is the root of the epoch's tree, or 0 while something is being unloaded. */
struct unwind_history {
	uint64_t epoch; /* in which it is believed (images.h); 0: never again */
	uint64_t salt;  /* of that epoch, for cfi_find() */
	struct stack_pages pages;
	struct cfi_own_row rules[CFI_OWN_ROWS];
	uint32_t frames;
	uint32_t stack; /* reference of the stack, for backtrace.h; 0: not known */
	struct unwind_frame frame[UNWIND_FRAMES_MOST + 1];
	/* The frames that are new this time, innermost first: here, because stacks may be small.
	 * Their nodes and links are not known yet. */
	struct unwind_frame fresh[UNWIND_FRAMES_MOST];
};

/* How a lane keeps a history: lanes_init() is given this. */
extern const struct lane_history unwind_lane_history;

/* Where the tracer's own code lies. */
extern uint64_t unwind_own_start, unwind_own_bytes;

static inline bool unwind_is_own(uint64_t pc)
{
	return pc - unwind_own_start < unwind_own_bytes;
}

/*
 * Brings a thread's history up to date. `frame_address` is the frame address of a function of the
 * tracer, from __builtin_frame_address(0): the innermost frame of the result is the one that called
 * this function. Frames of the tracer itself get the node of the frame around them. Returns false,
 * with an empty history, if there is no rule for a frame or there are more than UNWIND_FRAMES_MOST.
 */
bool unwind_take(struct unwind_history *history, const void *frame_address);

/* Is the whole stack as it was? If so, unwind_take() would change nothing. */
bool unwind_is_unchanged(struct unwind_history *history, const void *frame_address);

#endif
