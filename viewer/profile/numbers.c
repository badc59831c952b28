/* SPDX-License-Identifier: MIT */
#include "viewer/profile/numbers.h"

#include <stdlib.h>

#include "viewer/base/hash.h"
#include "viewer/base/memory.h"

struct wanted {
	const struct numbers *numbers;
	uint64_t hash;
};

static bool has_hash(const void *context, uint32_t item)
{
	const struct wanted *wanted = context;

	return wanted->numbers->hash[item] == wanted->hash;
}

static uint32_t *find_slot(const struct numbers *n, uint64_t hash)
{
	struct wanted wanted = { n, hash };

	return index_find(&n->index, hash, has_hash, &wanted);
}

/* An index is full when two thirds of its slots are in use. */
static size_t count_places(const struct numbers *n)
{
	return n->index.slot ? ((size_t)n->index.mask + 1) / 3 * 2 : 0;
}

static void grow(struct numbers *n)
{
	index_release(&n->index);
	index_init(&n->index, n->count ? 2 * (size_t)n->count : 64);
	for (uint32_t i = 0; i < n->count; i++)
		*find_slot(n, n->hash[i]) = i + 1;
}

uint32_t numbers_give(struct numbers *n, const void *bytes, size_t count, bool *is_new)
{
	uint64_t hash = hash_bytes(bytes, count);
	uint32_t *slot;

	if (n->count >= count_places(n))
		grow(n);
	slot = find_slot(n, hash);
	*is_new = *slot == 0;
	if (*is_new) {
		memory_room(n->hash, n->count, n->room);
		n->hash[n->count++] = hash;
		*slot = n->count;
	}
	return *slot;
}

uint32_t numbers_find(const struct numbers *n, const void *bytes, size_t count)
{
	return n->count ? *find_slot(n, hash_bytes(bytes, count)) : 0;
}

void numbers_release(struct numbers *n)
{
	index_release(&n->index);
	free(n->hash);
	*n = (struct numbers){ 0 };
}
