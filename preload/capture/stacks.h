/* SPDX-License-Identifier: MIT */
/*
 * Backtraces, each distinct one stored once: or more often, if several threads do so at the same time, but
 * then all get one reference. Any thread. Only a stack for which more is needed, such as a module that is
 * not defined yet, takes LOCK_COLD.
 */
#ifndef LSATRACE_PRELOAD_CAPTURE_STACKS_H
#define LSATRACE_PRELOAD_CAPTURE_STACKS_H

#include <stdbool.h>
#include <stdint.h>

#include "include/trace_format.h"

/* All frames of a backtrace, for a stack that is not in the tree (tree.h). */
struct backtrace {
	uint32_t frames; /* at least 1 */
	bool truncated;  /* there were more */
	uint64_t pc[TRACE_FRAMES_MAX +
		    16]; /* return addresses, innermost first; the first one is the traced call's */
};

/* Finds or stores a backtrace. Returns its reference, or 0 if there was no room, which is counted. */
uint32_t stacks_find(const struct backtrace *b);

/* Do two references stand for the same frames? A stack that passes through a module for which there was
 * no room is stored each time. */
bool stacks_are_alike(uint32_t one, uint32_t other);

/* Gets memory ahead of need. */
void stacks_prepare(void);

/* For a new trace file: stacks_reset() forgets all stacks; stacks_copy() stores a stack of the old file
 * in the new one, and returns its reference. */
void stacks_reset(void);
uint32_t stacks_copy(const struct trace_stack *old);

#endif
