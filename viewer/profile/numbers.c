/* SPDX-License-Identifier: MIT */
#include "viewer/profile/numbers.h"

#include <stdlib.h>

#include "viewer/base/hash.h"
#include "viewer/base/memory.h"

struct numbers_slot {
	uint64_t hash;
	uint32_t number; /* 0: free */
};

static struct numbers_slot *find_slot(const struct numbers *n, uint64_t hash)
{
	size_t at = hash & (n->slots - 1);

	while (n->slot[at].number && n->slot[at].hash != hash)
		at = (at + 1) & (n->slots - 1);
	return &n->slot[at];
}

static void grow(struct numbers *n)
{
	struct numbers old = *n;

	n->slots = old.slots ? old.slots * 2 : 256;
	n->slot = memory_new(n->slots, sizeof(*n->slot));
	for (size_t i = 0; i < old.slots; i++)
		if (old.slot[i].number)
			*find_slot(n, old.slot[i].hash) = old.slot[i];
	free(old.slot);
}

uint32_t numbers_give(struct numbers *n, const void *bytes, size_t count, bool *is_new)
{
	uint64_t hash = hash_bytes(bytes, count);
	struct numbers_slot *slot;

	if (n->count >= n->slots / 4 * 3)
		grow(n);
	slot = find_slot(n, hash);
	*is_new = slot->number == 0;
	if (*is_new)
		*slot = (struct numbers_slot){ hash, ++n->count };
	return slot->number;
}

uint32_t numbers_find(const struct numbers *n, const void *bytes, size_t count)
{
	return n->slots ? find_slot(n, hash_bytes(bytes, count))->number : 0;
}

void numbers_release(struct numbers *n)
{
	free(n->slot);
	*n = (struct numbers){ 0 };
}
