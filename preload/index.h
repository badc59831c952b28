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

enum { INDEX_LEVELS = 9, INDEX_WAYS = 8, INDEX_FIRST_BUCKETS = 512 };

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
	unsigned level, choice, way;
	uint64_t *at; /* the word that was returned last */
};

static inline struct index_bucket *index_bucket(const struct index_level *level, uint64_t hash,
						unsigned choice)
{
	uint64_t place = choice ? index_mix(hash) : hash;

	return &level->bucket[place & (level->buckets - 1)];
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
	walk->way = 0;
	walk->bucket = index_bucket(walk->index->level[walk->level], walk->hash, walk->choice);
	return true;
}

static inline uint32_t index_next_masked(struct index_walk *walk, uint64_t mask)
{
	if (!walk->bucket && !index_go_on(walk))
		return 0;
	do {
		while (walk->way < INDEX_WAYS) {
			uint64_t *at = &walk->bucket->word[walk->way++];
			uint64_t word = __atomic_load_n(at, __ATOMIC_ACQUIRE);

			if (word == 0 || ((word ^ walk->hash) & mask))
				continue;
			walk->at = at;
			return (uint32_t)word;
		}
	} while (index_go_on(walk));
	return 0;
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
