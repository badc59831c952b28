/* SPDX-License-Identifier: MIT */
/*
 * Backtraces, each distinct one stored once. Looking one up takes no lock; storing a new one takes
 * the cold lock.
 */
#ifndef LSATRACE_PRELOAD_CAPTURE_STACKS_H
#define LSATRACE_PRELOAD_CAPTURE_STACKS_H

#include <stdbool.h>
#include <stdint.h>

#include "include/trace_format.h"

/* Frames in full, for what is not found in the tree. */
struct backtrace {
	uint32_t frames;                    /* at least 1 */
	bool truncated;                     /* there were more */
	uint64_t pc[TRACE_FRAMES_MAX + 16]; /* return addresses, innermost first: the call's own first */
};

/* The reference of a backtrace; 0: there was no room for it, which is counted. */
uint32_t stacks_find(const struct backtrace *b);

/* Do two references stand for the same frames? A stack is stored again when it passes through a
 * module that there was no room for. */
bool stacks_are_alike(uint32_t one, uint32_t other);

/* For a new file: forgets all stacks; takes one over from the old file, and returns its
 * reference. */
void stacks_reset(void);
uint32_t stacks_copy(const struct trace_stack *old);

#endif
