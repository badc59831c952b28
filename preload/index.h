/* SPDX-License-Identifier: MIT */
/*
 * A hash index from 64-bit hashes to numbers, for any number of threads at once, without a lock.
 *
 * It stores (upper half of the hash, number) in one word, so that each change is one compare and
 * swap: a thread may stop anywhere, for good, and nothing is in the way. Two choices of a bucket of
 * one cache line each; when both are full, a level four times as large is added, and the older ones
 * go on serving. Nothing moves. What a number stands for, and whether it is the one that is looked
 * for, the caller knows.
 */
#ifndef LSATRACE_INDEX_H
#define LSATRACE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guard.h"

enum { INDEX_LEVELS = 8, INDEX_WAYS = 8, INDEX_FIRST_BUCKETS = 4096 };

struct index_bucket {
	uint64_t word[INDEX_WAYS];
};

struct index_level {
	uint64_t buckets; /* a power of two */
	struct index_bucket *bucket;
};

struct index {
	struct index_level *level[INDEX_LEVELS]; /* NULL: not there yet */
	uint32_t levels;
};

static inline uint64_t index_mix(uint64_t x)
{
	x ^= x >> 32;
	x *= 0x9e3779b97f4a7c15u;
	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9u;
	return x ^ (x >> 32);
}

/* Walks over the numbers that may belong to a hash, newest level first. Starts zeroed but for index
 * and hash. */
struct index_walk {
	const struct index *index;
	uint64_t hash;
	struct index_bucket *bucket; /* that is walked; NULL: not begun */
	unsigned level, choice;
	unsigned ways; /* bits: those of the bucket that are still to be looked at */
	uint64_t *at;  /* the word that was returned last */
};

static inline struct index_bucket *index_bucket(const struct index_level *level, uint64_t hash,
						unsigned choice)
{
	uint64_t place = choice ? index_mix(hash) : hash;

	return &level->bucket[place & (level->buckets - 1)];
}

/* Fetches what a walk reads first. */
static inline void index_prefetch(const struct index *index, uint64_t hash)
{
	uint32_t levels = __atomic_load_n(&index->levels, __ATOMIC_ACQUIRE);

	if (likely(levels))
		__builtin_prefetch(index_bucket(index->level[levels - 1], hash, 0));
}

/* Goes on to the next bucket. False: there is none. */
static inline bool index_go_on(struct index_walk *walk)
{
	if (!walk->bucket)
		walk->level = __atomic_load_n(&walk->index->levels, __ATOMIC_ACQUIRE);
	else if (walk->choice == 0)
		walk->choice = 1;
	else
		walk->choice = 0;
	if (walk->choice == 0 && walk->level-- == 0)
		return false;
	walk->bucket = index_bucket(walk->index->level[walk->level], walk->hash, walk->choice);
	return true;
}

/* The ways of the bucket that match, as bits: without a branch, for which one it is nobody can
 * foresee. */
static inline unsigned index_match(const struct index_walk *walk, uint64_t mask)
{
	unsigned ways = 0;

#pragma GCC unroll 8
	for (unsigned way = 0; way < INDEX_WAYS; way++) {
		uint64_t word = __atomic_load_n(&walk->bucket->word[way], __ATOMIC_RELAXED);

		ways |= (unsigned)(((word ^ walk->hash) & mask) == 0) << way;
	}
	return ways;
}

static inline uint32_t index_next_masked(struct index_walk *walk, uint64_t mask)
{
	for (;;) {
		while (walk->ways) {
			unsigned way = (unsigned)__builtin_ctz(walk->ways);
			uint64_t word;

			walk->ways &= walk->ways - 1;
			walk->at = &walk->bucket->word[way];
			word = __atomic_load_n(walk->at, __ATOMIC_ACQUIRE);
			if ((uint32_t)word != 0 && ((word ^ walk->hash) & mask) == 0)
				return (uint32_t)word;
		}
		if (!index_go_on(walk))
			return 0;
		walk->ways = index_match(walk, mask);
	}
}

/* The next number whose hash has the same upper half; 0: no more. Numbers are never 0. */
static inline uint32_t index_next(struct index_walk *walk)
{
	return index_next_masked(walk, ~0ull << 32);
}

/* The next number in the buckets of a hash, whatever its own hash. */
static inline uint32_t index_next_neighbour(struct index_walk *walk)
{
	return index_next_masked(walk, 0);
}

/* Adds a number. False: no memory for another level. */
bool index_add(struct index *index, uint64_t hash, uint32_t number);

/* Puts a number in the place of the one that index_next_neighbour() returned last. */
bool index_replace(const struct index_walk *walk, uint32_t old, uint32_t number);

/* Takes all numbers out. One thread only. */
void index_clear(struct index *index);

#endif
