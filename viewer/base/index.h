/* SPDX-License-Identifier: MIT */
/*
 * A hash index of an array of known greatest length: finds an item by what makes it distinct, in 6 to
 * 12 bytes an item. The array stays with the caller, who says whether an item is the one wanted.
 *
 * A zeroed struct can be released. For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_BASE_INDEX_H
#define LSATRACE_VIEWER_BASE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index {
	uint32_t *slot; /* 1 + the number of an item; 0: free */
	uint32_t mask;  /* number of slots, a power of two, less 1 */
};

/* `most` is the greatest number of items, below 2^31. */
void index_init(struct index *x, size_t most);
void index_release(struct index *x);

/*
 * Returns the slot of the item with this hash for which is_wanted(context, item) is true. If there is
 * none, returns a free slot for it: the caller stores 1 + its number there.
 */
uint32_t *index_find(const struct index *x, uint64_t hash,
		     bool (*is_wanted)(const void *context, uint32_t item), const void *context);

#endif
