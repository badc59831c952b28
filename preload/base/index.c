/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/mman.h>

#include "preload/base/index.h"
#include "preload/base/vm.h"

#include "preload/base/poison.h"

#define TAG_MASK (~0ull << 32)

static uint64_t word_of(uint64_t hash, uint32_t number)
{
	return (hash & TAG_MASK) | number;
}

static bool add_to_bucket(struct index_bucket *bucket, uint64_t word)
{
	for (unsigned way = 0; way < INDEX_WAYS; way++) {
		uint64_t none = 0;

		if (peek(bucket->word[way]) == 0 &&
		    __atomic_compare_exchange_n(&bucket->word[way], &none, word, false,
						__ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

static size_t level_bytes(unsigned level)
{
	return index_buckets(level) * sizeof(struct index_bucket);
}

/* Several threads may add a level at once: one of them wins, and all use its level. */
static bool add_level(struct index *index, unsigned which)
{
	/* Soon there is something in each page of the first one. */
	struct index_bucket *level = which ? vm_reserve(level_bytes(which))
					   : vm_reserve_filled(level_bytes(which)),
			    *none = NULL;

	if (!level)
		return false;
	if (!__atomic_compare_exchange_n(&index->level[which], &none, level, false,
					 __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		munmap(level, level_bytes(which));
	return true;
}

/* Makes readers look into the first `count` levels. Before a number is put into a level, this
 * must be done. */
static void show_levels(struct index *index, uint32_t count)
{
	uint32_t seen = peek(index->levels);

	while (unlikely(seen < count) &&
	       !__atomic_compare_exchange_n(&index->levels, &seen, count, false, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED))
		;
}

static bool may_ask(struct index *index)
{
	return peek(index->refused) == 0 ||
	       __atomic_fetch_add(&index->refused, 1, __ATOMIC_RELAXED) % INDEX_PATIENCE == 0;
}

/* Is a level there? Makes it if it is not. False: there is no memory. */
static bool give_level(struct index *index, unsigned which)
{
	bool is_granted;

	if (likely(__atomic_load_n(&index->level[which], __ATOMIC_ACQUIRE)))
		return true;
	if (!may_ask(index))
		return false;
	is_granted = add_level(index, which);
	poke(index->refused, !is_granted);
	return is_granted;
}

void index_prepare(struct index *index)
{
	uint32_t levels = peek(index->levels);

	if (levels < INDEX_LEVELS)
		give_level(index, levels);
}

bool index_add(struct index *index, uint64_t hash, uint32_t number)
{
	for (unsigned which = 0; which < INDEX_LEVELS; which++) {
		if (!give_level(index, which))
			return false;
		show_levels(index, which + 1);
		if (add_to_bucket(index_bucket(index, which, hash, 0), word_of(hash, number)) ||
		    add_to_bucket(index_bucket(index, which, hash, 1), word_of(hash, number)))
			return true;
	}
	return false;
}

/* The buckets of a hash in the order in which readers look into them; NULL after the last one. */
static struct index_bucket *bucket_at(const struct index *index, uint64_t hash, unsigned place)
{
	uint32_t levels = __atomic_load_n(&index->levels, __ATOMIC_ACQUIRE);

	if (place / 2 >= levels)
		return NULL;
	return index_bucket(index, levels - 1 - place / 2, hash, place % 2);
}

void index_fetch(const struct index *index, uint64_t hash)
{
	const struct index_bucket *bucket;

	for (unsigned place = 0; (bucket = bucket_at(index, hash, place)) != NULL; place++)
		__builtin_prefetch(bucket);
}

APART uint32_t index_find_further(const struct index *index, uint64_t hash, index_is_it *is_it,
				  void *sought)
{
	const struct index_bucket *bucket;
	uint32_t number = 0;

	index_fetch(index, hash);
	for (unsigned i = 1; !number && (bucket = bucket_at(index, hash, i)) != NULL; i++)
		number = index_find_in(bucket, hash, is_it, sought);
	return number;
}

/* Goes on to the next bucket. */
static bool next_bucket(struct index_walk *walk)
{
	if (walk->place == 0 && unlikely(peek(walk->index->levels) > 1))
		index_fetch(walk->index, walk->hash);
	walk->bucket = bucket_at(walk->index, walk->hash, walk->place++);
	return walk->bucket != NULL;
}

/* The next word of the bucket. */
static uint64_t next_word(struct index_walk *walk)
{
	walk->at = &walk->bucket->word[__builtin_ctz(walk->ways)];
	walk->ways &= walk->ways - 1;
	return __atomic_load_n(walk->at, __ATOMIC_ACQUIRE);
}

uint32_t index_next_neighbour(struct index_walk *walk)
{
	for (;;) {
		while (walk->ways) {
			uint32_t number = (uint32_t)next_word(walk);

			if (number)
				return number;
		}
		if (!next_bucket(walk))
			return 0;
		walk->ways = (1u << INDEX_WAYS) - 1;
	}
}

uint32_t index_next(struct index_walk *walk)
{
	for (;;) {
		while (walk->ways) {
			uint64_t word = next_word(walk);

			if (likely((word ^ walk->hash) >> 32 == 0 && (uint32_t)word != 0))
				return (uint32_t)word;
		}
		if (!next_bucket(walk))
			return 0;
		walk->ways = index_match(walk->bucket, walk->hash);
	}
}

unsigned index_count(const struct index *index, uint64_t hash)
{
	const struct index_bucket *bucket;
	unsigned count = 0;

	for (unsigned i = 0; (bucket = bucket_at(index, hash, i)) != NULL; i++)
		for (unsigned ways = index_match(bucket, hash); ways; ways &= ways - 1)
			count++;
	return count;
}

bool index_replace(const struct index_walk *walk, uint32_t old, uint32_t number)
{
	uint64_t was = peek(*walk->at);

	return (uint32_t)was == old &&
	       __atomic_compare_exchange_n(walk->at, &was, number ? word_of(walk->hash, number) : 0,
					   false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

void index_clear(struct index *index)
{
	for (unsigned which = 0; which < INDEX_LEVELS; which++) {
		if (index->level[which])
			munmap(index->level[which], level_bytes(which));
		index->level[which] = NULL;
	}
	index->levels = 0;
	index->refused = 0;
}
