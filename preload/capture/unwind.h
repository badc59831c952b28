/* SPDX-License-Identifier: MIT */
/*
 * Incremental unwinding. A thread keeps the stack that it found last. The next time, frames are
 * stepped from the innermost one outward until one is met that was there before, in the same place;
 * from there on each return address, and each saved rbp that matters to an outer frame, is read
 * again and compared with what it was. What compares equal would be found by stepping as well:
 * where a frame leads depends on nothing else. Nothing in the target is patched, nothing is trusted
 * unread.
 *
 * Only plain frames (cfi.h). One history a thread.
 */
#ifndef LSATRACE_PRELOAD_CAPTURE_UNWIND_H
#define LSATRACE_PRELOAD_CAPTURE_UNWIND_H

#include <stdbool.h>
#include <stdint.h>

#include "preload/capture/cfi.h"
#include "preload/file/lanes.h"

enum { UNWIND_FRAMES_MOST = 512 };

struct unwind_frame {
	uint64_t slot;        /* where the return address lies */
	uint64_t pc;          /* the return address; 0: the frame inside of this one is outermost */
	uint64_t rbp;         /* in this frame, at pc */
	uint64_t rbp_cell;    /* where that was read; 0: it is the inner frame's */
	struct cfi_rule rule; /* at pc */
	uint32_t node;        /* of tree.h, of the frame and all outer ones */
	/* Bit 0: rbp matters to where the frame, or an outer one, leads. Above it: how many cells
	 * of the frame and all outer ones matter. */
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

/* Frames 1 to `frames`, outermost first. Frame 0 is none: its slot lies above all others, and its
 * node is the root of the epoch's tree, or 0 while something is being unloaded. */
struct unwind_history {
	uint64_t epoch; /* in which it is believed (images.h); 0: never again */
	uint64_t salt;  /* of that epoch, for cfi_find() */
	/* The stack that the thread was on last, as far as it is known that it can be read. */
	uint64_t stack_low, stack_bytes;
	uint32_t frames;
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
 * Brings a thread's history up to date. `frame_address` is that of a function of ours, as
 * __builtin_frame_address(0) gives it: the innermost frame is the one that called it. The tracer's
 * own frames have the node of the frame around them. False: a frame is not plain, or there are too
 * many; the history is empty then.
 */
bool unwind_take(struct unwind_history *history, const void *frame_address);

#endif
