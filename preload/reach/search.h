/* SPDX-License-Identifier: MIT */
/*
 * Finds out which live blocks and sections something still points to, and shows it in the trace. When
 * nobody else uses the memory any more (reach.h).
 *
 * Each aligned word is taken for an address, wherever it lies. An address counts if it is that of a block,
 * or lies in one. Where it is found tells what it is worth:
 *
 *	writable memory outside of blocks: data of images,      the block is reachable
 *	stacks and their registers, the C library's heap ...
 *	in a block that is reachable, or is meant to stay       reachable as well
 *	in memory of a block that was freed                     possibly lost, and so is what it points to
 *	in a block that is lost                                 indirectly lost
 *	nowhere else, or only in the block itself               lost
 *
 * An address of the last 8 bytes of a block counts like one in freed memory: glibc's malloc() has such
 * addresses itself, of the chunk that comes next.
 *
 * Of blocks that point to each other in a circle, and to which nothing else points, one is called lost and
 * the others indirectly lost.
 *
 * If the process had other threads, lost blocks are only possibly lost: their registers are not seen.
 */
#ifndef LSATRACE_PRELOAD_REACH_SEARCH_H
#define LSATRACE_PRELOAD_REACH_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "include/trace_format.h"

struct search_start {
	uint64_t stack; /* where the stack of the thread that ended the process began: what is below
			   has no meaning any more */
	uint64_t windows_stack; /* the upper end of a stack of the same thread, above which that may lie;
				   0: it has no other one */
	const void *innermost; /* what lay there then, with the registers; it was written over since */
	uint64_t innermost_bytes;
	bool is_unsure; /* some memory of the process is not seen, such as registers */
};

/* Returns DONE, or why nothing is known. Bounded in time. */
enum trace_search search_all(const struct search_start *start);

#endif
