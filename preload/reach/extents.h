/* SPDX-License-Identifier: MIT */
/*
 * Parts of the address space, by address: what the search knows of each block. For one thread.
 */
#ifndef LSATRACE_PRELOAD_REACH_EXTENTS_H
#define LSATRACE_PRELOAD_REACH_EXTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct extent {
	uint64_t start, end; /* of a block without bytes: one byte */
	uint32_t number;     /* in the ledger; 0: it is no block, and is not looked at */
	uint32_t next;       /* 1 + index of the next one that is to be scanned; 0: none */
	uint8_t reach;       /* enum trace_reach */
	bool is_hinted;      /* an address of it was found that is worth little */
	bool is_pointed_at;  /* by a block that is not reachable */
	bool is_kept;        /* it is meant to stay for ever */
};

/* `all` has room for the caller's additions. */
struct extents {
	struct extent *all;
	size_t count;
};

/* Adds one, at the end. */
static inline void extents_add(struct extents *e, struct extent extent)
{
	e->all[e->count++] = extent;
}

/* Sorts them by address. `room` is for as many. */
void extents_sort(struct extents *e, struct extent *room);

/* Finds the one that holds an address, or NULL. Where they overlap, the last one that begins before it
 * counts. */
struct extent *extents_find(const struct extents *e, uint64_t address);

/* What is done with a part of a span. */
typedef void extents_visit(uint64_t start, uint64_t end, void *context);

/* Splits a span into what lies outside of all extents and what lies inside. `inside` may be NULL. */
void extents_split(const struct extents *e, uint64_t start, uint64_t end, extents_visit *outside,
		   extents_visit *inside, void *context);

#endif
