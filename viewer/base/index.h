/* SPDX-License-Identifier: MIT */
/*
 * A hash index of an array of known greatest length: finds an item by what makes it distinct, in 6 to
 * 12 bytes an item. The array stays with the caller, who says whether an item is the one wanted.
 *
 * A slot has the number of an item in its low bits, as many as the mask has, and above them bits of its
 * hash. So hardly any other item is looked at than the one wanted.
 *
 * A zeroed struct can be released. For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_BASE_INDEX_H
#define LSATRACE_VIEWER_BASE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index {
	uint32_t *slot; /* 0: free */
	uint32_t mask;  /* number of slots, a power of two, less 1 */
};

/* `most` is the greatest number of items, below 2^31. */
void index_init(struct index *x, size_t most);
void index_release(struct index *x);

/* Returns 1 + the number of the item with this hash for which is_wanted(context, item) is true; 0: there
 * is none. */
uint32_t index_find(const struct index *x, uint64_t hash,
		    bool (*is_wanted)(const void *context, uint32_t item), const void *context);

/* Returns the same. If there is none, adds `item`, below `most`, and returns 1 + its number. */
uint32_t index_add(const struct index *x, uint64_t hash,
		   bool (*is_wanted)(const void *context, uint32_t item), const void *context,
		   size_t item);

#endif
