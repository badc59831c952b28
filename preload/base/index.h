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
#ifndef LSATRACE_PRELOAD_BASE_INDEX_H
#define LSATRACE_PRELOAD_BASE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "preload/base/compiler.h"

enum { INDEX_LEVELS = 8, INDEX_WAYS = 8, INDEX_FIRST_BUCKETS = 4096 };

struct index_bucket {
	uint64_t word[INDEX_WAYS];
} __attribute__((aligned(64)));

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

static inline struct index_bucket *index_bucket(const struct index_level *level, uint64_t hash,
						unsigned choice)
{
	uint64_t place = choice ? index_mix(hash) : hash;

	return &level->bucket[place & (level->buckets - 1)];
}

/* The ways of a bucket that match, as bits: without a branch, for which one it is nobody can foresee.
 * What it reads is read again, by one load, before it is believed. */
static inline unsigned index_match(const struct index_bucket *bucket, uint64_t hash)
{
#ifdef __SSE2__
	const __m128 *word = (const __m128 *)bucket->word;
	__m128i tag = _mm_set1_epi32((int)(hash >> 32));
	__m128i low = _mm_castps_si128(_mm_shuffle_ps(word[0], word[1], 0xdd));
	__m128i high = _mm_castps_si128(_mm_shuffle_ps(word[2], word[3], 0xdd));
	__m128i equal = _mm_packs_epi32(_mm_cmpeq_epi32(low, tag), _mm_cmpeq_epi32(high, tag));

	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(equal, _mm_setzero_si128()));
#else
	unsigned ways = 0;

	for (unsigned way = 0; way < INDEX_WAYS; way++)
		ways |= (unsigned)((bucket->word[way] ^ hash) >> 32 == 0) << way;
	return ways;
#endif
}

/* Is it this number that is looked for? */
typedef bool index_is_it(uint32_t number, void *sought);

static inline __attribute__((always_inline)) uint32_t
index_find_in(const struct index_bucket *bucket, uint64_t hash, index_is_it *is_it, void *sought)
{
	for (unsigned ways = index_match(bucket, hash); ways; ways &= ways - 1) {
		unsigned way = (unsigned)__builtin_ctz(ways);
		uint64_t word = __atomic_load_n(&bucket->word[way], __ATOMIC_ACQUIRE);

		if (likely((word ^ hash) >> 32 == 0 && (uint32_t)word != 0) &&
		    likely(is_it((uint32_t)word, sought)))
			return (uint32_t)word;
	}
	return 0;
}

/* index_find() where it is not in the first bucket. */
uint32_t index_find_further(const struct index *index, uint64_t hash, index_is_it *is_it,
			    void *sought);

/* The first number of those whose hash has the same upper half, newest level first, that is_it()
 * agrees to; 0: there is none. Numbers are never 0. */
static inline __attribute__((always_inline)) uint32_t
index_find(const struct index *index, uint64_t hash, index_is_it *is_it, void *sought)
{
	uint32_t levels = __atomic_load_n(&index->levels, __ATOMIC_ACQUIRE), number;

	if (unlikely(levels == 0))
		return 0;
	number = index_find_in(index_bucket(index->level[levels - 1], hash, 0), hash, is_it, sought);
	return likely(number) ? number : index_find_further(index, hash, is_it, sought);
}

/* Walks over all numbers in the buckets of a hash. Starts zeroed but for index and hash. */
struct index_walk {
	const struct index *index;
	uint64_t hash;
	unsigned place; /* how many have been looked at */
	uint64_t *at;   /* the word that was returned last */
};

/* The next number in the buckets of a hash, whatever its own hash; 0: no more. */
uint32_t index_next_neighbour(struct index_walk *walk);

/* Adds a number. False: no memory for another level. */
bool index_add(struct index *index, uint64_t hash, uint32_t number);

/* Puts a number in the place of the one that index_next_neighbour() returned last. */
bool index_replace(const struct index_walk *walk, uint32_t old, uint32_t number);

/* Takes all numbers out. One thread only. */
void index_clear(struct index *index);

#endif
