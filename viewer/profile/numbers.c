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

static uint32_t add_hash(const struct numbers *n, uint64_t hash, uint32_t item)
{
	struct wanted wanted = { n, hash };

	return index_add(&n->index, hash, has_hash, &wanted, item);
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
		add_hash(n, n->hash[i], i);
}

uint32_t numbers_give(struct numbers *n, const void *bytes, size_t count, bool *is_new)
{
	uint64_t hash = hash_bytes(bytes, count);
	uint32_t number;

	if (n->count >= count_places(n))
		grow(n);
	number = add_hash(n, hash, n->count);
	*is_new = number > n->count;
	if (*is_new) {
		memory_room(n->hash, n->count, n->room);
		n->hash[n->count++] = hash;
	}
	return number;
}

uint32_t numbers_find(const struct numbers *n, const void *bytes, size_t count)
{
	struct wanted wanted = { n, hash_bytes(bytes, count) };

	return n->count ? index_find(&n->index, wanted.hash, has_hash, &wanted) : 0;
}

void numbers_release(struct numbers *n)
{
	index_release(&n->index);
	free(n->hash);
	*n = (struct numbers){ 0 };
}
