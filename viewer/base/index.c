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

uint32_t *index_find(const struct index *x, uint64_t hash,
		     bool (*is_wanted)(const void *context, uint32_t item), const void *context)
{
	uint32_t at = (uint32_t)(hash >> 32) & x->mask;

	while (x->slot[at] && !is_wanted(context, x->slot[at] - 1))
		at = (at + 1) & x->mask;
	return &x->slot[at];
}
