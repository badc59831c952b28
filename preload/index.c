/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/mman.h>

#include "guard.h"
#include "index.h"
#include "vm.h"

#include "poison.h"

#define TAG_MASK (~0ull << 32)

static uint64_t word_of(uint64_t hash, uint32_t number)
{
	return (hash & TAG_MASK) | number;
}

static struct index_bucket *bucket_of(const struct index_level *level, uint64_t hash,
				      unsigned choice)
{
	uint64_t place = choice ? index_mix(hash) : hash;

	return &level->bucket[place & (level->buckets - 1)];
}

/* The bucket of a walk's step, newest level first; NULL: past the last. */
static struct index_bucket *bucket_at(const struct index_walk *walk)
{
	unsigned levels = 0;

	while (levels < INDEX_LEVELS &&
	       __atomic_load_n(&walk->index->level[levels], __ATOMIC_ACQUIRE))
		levels++;
	if (walk->step >= 2 * levels)
		return NULL;
	return bucket_of(walk->index->level[levels - 1 - walk->step / 2], walk->hash,
			 walk->step & 1);
}

static uint32_t next(struct index_walk *walk, uint64_t mask)
{
	struct index_bucket *bucket;

	for (; (bucket = bucket_at(walk)) != NULL; walk->step++, walk->way = 0) {
		while (walk->way < INDEX_WAYS) {
			uint64_t *at = &bucket->word[walk->way++];
			uint64_t word = __atomic_load_n(at, __ATOMIC_ACQUIRE);

			if (word == 0 || ((word ^ walk->hash) & mask))
				continue;
			walk->at = at;
			return (uint32_t)word;
		}
	}
	return 0;
}

uint32_t index_next(struct index_walk *walk)
{
	return next(walk, TAG_MASK);
}

uint32_t index_next_neighbour(struct index_walk *walk)
{
	return next(walk, 0);
}

static bool add_to_bucket(struct index_bucket *bucket, uint64_t word)
{
	for (unsigned way = 0; way < INDEX_WAYS; way++) {
		uint64_t none = 0;

		if (__atomic_load_n(&bucket->word[way], __ATOMIC_RELAXED) == 0 &&
		    __atomic_compare_exchange_n(&bucket->word[way], &none, word, false,
						__ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

static size_t level_bytes(uint64_t buckets)
{
	return sizeof(struct index_level) + (buckets + 1) * sizeof(struct index_bucket);
}

/* Several threads may add a level at once; one of them wins, all of them use it. */
static bool add_level(struct index *index, unsigned which)
{
	uint64_t buckets = (uint64_t)INDEX_FIRST_BUCKETS << (2 * which);
	struct index_level *level = vm_reserve(level_bytes(buckets)), *none = NULL;

	if (!level)
		return false;
	level->buckets = buckets;
	level->bucket = (struct index_bucket *)(((uintptr_t)(level + 1) + 63) & ~(uintptr_t)63);
	if (!__atomic_compare_exchange_n(&index->level[which], &none, level, false,
					 __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		munmap(level, level_bytes(buckets));
	return true;
}

bool index_add(struct index *index, uint64_t hash, uint32_t number)
{
	for (unsigned which = 0; which < INDEX_LEVELS; which++) {
		struct index_level *level = __atomic_load_n(&index->level[which], __ATOMIC_ACQUIRE);

		if (!level) {
			if (!add_level(index, which))
				return false;
			level = index->level[which];
		}
		if (add_to_bucket(bucket_of(level, hash, 0), word_of(hash, number)) ||
		    add_to_bucket(bucket_of(level, hash, 1), word_of(hash, number)))
			return true;
	}
	return false;
}

bool index_replace(const struct index_walk *walk, uint32_t old, uint32_t number)
{
	uint64_t was = __atomic_load_n(walk->at, __ATOMIC_RELAXED);

	return (uint32_t)was == old &&
	       __atomic_compare_exchange_n(walk->at, &was, word_of(walk->hash, number), false,
					   __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

void index_clear(struct index *index)
{
	for (unsigned which = 0; which < INDEX_LEVELS; which++) {
		struct index_level *level = index->level[which];

		if (level)
			munmap(level, level_bytes(level->buckets));
		index->level[which] = NULL;
	}
}
