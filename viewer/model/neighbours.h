/* SPDX-License-Identifier: MIT */
/*
 * Finds the live blocks beside an address, in the same section or heap. The blocks of a model are
 * sorted once, when the first address is asked for.
 *
 * A zeroed struct can be released. For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_MODEL_NEIGHBOURS_H
#define LSATRACE_VIEWER_MODEL_NEIGHBOURS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model;
struct trace_entry;

/* The blocks of one model. */
struct neighbours {
	const struct trace_entry **block; /* NULL: not sorted yet */
	size_t blocks;
};

/* A place in a section, or in a heap. */
struct neighbours_place {
	uint8_t family;
	bool in_section;
	uint64_t section; /* its handle, or 0 */
	uint64_t address;
};

/*
 * Sets *before and *after to the nearest blocks at lower and higher addresses, or to NULL. A block at
 * the address itself is neither.
 */
void neighbours_find(struct neighbours *n, const struct model *model,
		     const struct neighbours_place *place, const struct trace_entry **before,
		     const struct trace_entry **after);
void neighbours_release(struct neighbours *n);

#endif
