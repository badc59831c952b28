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
 * it is stepped again, and what that leads to is compared. Nothing on the stack is changed, and nothing is
 * believed without being read again.
 *
 * Invariants:
 *	1. A place or cell of a frame is read only after the frame inside of it was found equal, or was
 *	   stepped: only then is it known to be a place.
 *	2. What is read lies on the thread's own stack, on pages that can be read (stack_pages.h); behind a
 *	   signal, on the stack that it interrupted.
 *	3. A history is believed in its own epoch only (host/images.h).
 *	4. While the history is being changed there are no frames, and while it is being made for a new
 *	   epoch it is of none: a thread may be cancelled there, or a signal handler leave by longjmp(), and
 *	   it, or the next thread with this lane, goes on with what has been written.
 *	5. `rbp` and `rbp_cell` of a frame of the history are set only where rbp matters.
 *	6. Frame 0 lies outside of every place, and where the root's place is lies what is never its pc:
 *	   so neither a search for a place nor a comparison runs past the outermost frame.
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

enum { UNWIND_FRAMES_MOST = 512, UNWIND_ROOT = 1 };

struct unwind_frame {
	uint64_t place; /* where the return address lies */
	uint64_t pc; /* the return address (cfi.h); 0: the frame inside of this one is the outermost */
	uint32_t node;     /* of the frame and all outer ones (tree.h) */
	uint32_t links;    /* enum unwind_links: bits, and the count above them */
	uint64_t rbp;      /* in this frame, at pc */
	uint64_t rbp_cell; /* the cell from which rbp was read; 0: rbp is that of the inner frame */
};

/* By what else than places and return addresses a frame and the outer ones lead on. */
enum unwind_links {
	UNWIND_RBP = 1,    /* rbp in the frame matters to where it, or an outer one, leads */
	UNWIND_CELL = 2,   /* and was read from a cell */
	UNWIND_MEMORY = 4, /* the frame is not plain: where it leads lies in memory */
	UNWIND_COUNT = 8,  /* once for each of these two, in the frame and all outer ones */
};

static inline bool unwind_rbp_matters(const struct unwind_frame *f)
{
	return f->links & UNWIND_RBP;
}

/* A frame that is new: what is known of it before all outer ones are. */
struct unwind_fresh {
	uint64_t place, pc;
	/* These only where the walk needs rbp. */
	struct cfi_rule rule; /* at pc */
	uint64_t rbp, rbp_cell;
};

/* The frames lie behind the root, outermost first, up to `last`. The node of the root is that of the
 * epoch's tree, or 0 while something is being unloaded. */
struct unwind_history {
	uint64_t epoch; /* in which it is believed (images.h); 0: never again */
	uint64_t salt;  /* of that epoch, for cfi_find() */
	struct stack_pages pages;
	struct cfi_own_row rules[CFI_OWN_ROWS];
	struct unwind_frame *last; /* the root: there are none; NULL: not used so far */
	uint32_t stack;            /* reference of the stack, for backtrace.h; 0: not known */
	uint32_t checked;          /* the same where it is only compared: then `stack` is 0 */
	uint32_t unknown; /* counts the frames, taken as a whole, of which tree.h remembered no node */
	struct unwind_frame frame[UNWIND_ROOT + 1 + UNWIND_FRAMES_MOST];
	/* The frames that are new this time, innermost first: here, because stacks may be small. */
	struct unwind_fresh fresh[UNWIND_FRAMES_MOST];
};

static inline struct unwind_frame *unwind_root(struct unwind_history *h)
{
	return &h->frame[UNWIND_ROOT];
}

/* How many frames there are. */
static inline uint32_t unwind_frames(struct unwind_history *h)
{
	return h->last ? (uint32_t)(h->last - unwind_root(h)) : 0;
}

/* Whoever changes the history, or does not believe it, forgets its frames first. The fence, and those where
 * the change ends, are for invariant 4. */
static inline void unwind_forget_frames(struct unwind_history *h)
{
	h->last = unwind_root(h);
	h->stack = 0;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

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
