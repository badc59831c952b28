/* SPDX-License-Identifier: MIT */
/*
 * Incremental unwinding. A thread keeps the stack that it found last. The next time, frames are
 * stepped from the innermost one outward until one is met that was there before, in the same place;
 * from there on each return address, and each saved rbp that matters to an outer frame, is read again
 * and compared with what it was. What compares equal would be found by stepping as well: where a
 * frame leads depends on nothing else. Nothing in the target is patched, nothing is trusted unread.
 *
 * Only plain frames (cfi.h). One history a thread.
 */
#ifndef LSATRACE_UNWIND_H
#define LSATRACE_UNWIND_H

#include <stdbool.h>
#include <stdint.h>

#include "cfi.h"

enum { UNWIND_FRAMES_MOST = 512 };

struct unwind_frame {
	uint64_t slot;        /* where the return address lies */
	uint64_t pc;          /* the return address; 0: the frame inside of this one is outermost */
	uint64_t rbp;         /* in this frame, at pc */
	uint64_t rbp_cell;    /* where that was read; 0: it is the inner frame's */
	struct cfi_rule rule; /* at pc */
};

/* By column, so that comparing the stack reads no more than it compares. Outermost frame first. */
struct unwind_history {
	uint32_t frames;
	uint32_t root; /* tree_root() when it was made */
	uint64_t slot[UNWIND_FRAMES_MOST];
	uint64_t pc[UNWIND_FRAMES_MOST];
	uint64_t rbp[UNWIND_FRAMES_MOST];
	uint64_t rbp_cell[UNWIND_FRAMES_MOST];
	struct cfi_rule rule[UNWIND_FRAMES_MOST];
	uint32_t node[UNWIND_FRAMES_MOST];    /* of tree.h, of a frame and all outer ones */
	uint32_t cells[UNWIND_FRAMES_MOST];   /* of a frame and all outer ones: cells that matter */
	bool rbp_matters[UNWIND_FRAMES_MOST]; /* to where a frame, or an outer one, leads */
	/* The frames that are new this time, innermost first: here because stacks may be small. */
	uint32_t fresh_frames;
	struct unwind_frame fresh[UNWIND_FRAMES_MOST];
};

/*
 * Brings a thread's history up to date. `frame_address` is that of a function of ours, as
 * __builtin_frame_address(0) gives it: the innermost frame is the one that called it. Frames from
 * own_start to own_end, the tracer's, have the node of the frame around them. False: a frame is not
 * plain, or there are too many; the history is empty then.
 */
bool unwind_take(struct unwind_history *history, const void *frame_address, uint64_t own_start,
		 uint64_t own_end);

#endif
