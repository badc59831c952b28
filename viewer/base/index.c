/* SPDX-License-Identifier: MIT */
#include "viewer/base/index.h"

#include <stdlib.h>

#include "viewer/base/memory.h"

void index_init(struct index *x, size_t most)
{
	size_t slots = 16;

	/* At most two thirds are in use, so that a search ends soon. */
	while (slots < most + most / 2)
		slots *= 2;
	x->slot = memory_new(slots, sizeof(*x->slot));
	x->mask = (uint32_t)(slots - 1);
}

void index_release(struct index *x)
{
	free(x->slot);
	*x = (struct index){ 0 };
}

/* Returns the slot of the item, or a free one. */
static uint32_t *find_slot(const struct index *x, uint64_t hash,
			   bool (*is_wanted)(const void *context, uint32_t item),
			   const void *context)
{
	uint32_t tag = (uint32_t)hash & ~x->mask, at = (uint32_t)(hash >> 32) & x->mask;

	for (; x->slot[at]; at = (at + 1) & x->mask)
		if ((x->slot[at] & ~x->mask) == tag &&
		    is_wanted(context, (x->slot[at] & x->mask) - 1))
			break;
	return &x->slot[at];
}

uint32_t index_find(const struct index *x, uint64_t hash,
		    bool (*is_wanted)(const void *context, uint32_t item), const void *context)
{
	return *find_slot(x, hash, is_wanted, context) & x->mask;
}

uint32_t index_add(const struct index *x, uint64_t hash,
		   bool (*is_wanted)(const void *context, uint32_t item), const void *context,
		   size_t item)
{
	uint32_t *slot = find_slot(x, hash, is_wanted, context);

	if (!*slot)
		*slot = ((uint32_t)hash & ~x->mask) | ((uint32_t)item + 1);
	return *slot & x->mask;
}
