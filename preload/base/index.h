/* SPDX-License-Identifier: MIT */
/*
 * A concurrent hash index: from 64-bit hashes to 32-bit numbers, which are never 0.
 *
 * It does not know keys. It stores one word for each number: the upper half of the hash, and the
 * number. What a number stands for, and whether its key is the one that is looked for, the caller's
 * index_is_it() decides.
 *
 * Growth: the index has up to INDEX_LEVELS levels, each four times as large as the one before, but the
 * second one eight times: nearly all processes get by with the first, and the others with few more. A
 * hash has two buckets of one cache line (INDEX_WAYS words) in each level. A number goes into the
 * oldest level in which one of its two buckets has room; when none has, a level is added. Nothing
 * moves, and no level goes away before index_clear().
 *
 *	level 0    2,048 buckets   ▲
 *	level 1   16,384 buckets   │
 *	level 2   65,536 buckets   │ readers begin at the newest level
 *
 * Readers take no lock: each word is read by one atomic load.
 *
 * Writers take no lock either: each change is one compare-and-swap of one word. A thread may stop
 * anywhere, for good, and is in nobody's way. Two threads that add the same key at once add two
 * numbers.
 *
 * Removing: a number stays until index_replace() puts another one, or none, in its place. Users may
 * also leave the numbers of things that are gone, and let index_is_it() refuse them.
 */
#ifndef LSATRACE_PRELOAD_BASE_INDEX_H
#define LSATRACE_PRELOAD_BASE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The thread sanitizer must see single words. */
#if defined(__SSE2__) && !defined(__SANITIZE_THREAD__)
#define INDEX_VECTORS 1
#include <emmintrin.h>
#endif

#include "preload/base/compiler.h"

enum { INDEX_LEVELS = 8, INDEX_WAYS = 8, INDEX_FIRST_BUCKETS = 2048 };

struct index_bucket {
	uint64_t word[INDEX_WAYS];
} __attribute__((aligned(64)));

/* Starts zeroed. */
struct index {
	struct index_bucket *level[INDEX_LEVELS]; /* index_buckets() each; NULL: not there yet */
	uint32_t levels;                          /* in which readers look */
	uint32_t refused; /* calls since there was no memory for a level; 0: there was */
};

/* After there was no memory for a level, only one call of INDEX_PATIENCE asks the system again. */
enum { INDEX_PATIENCE = 1024 };

/* Hashes a number. */
static inline uint64_t index_mix(uint64_t x)
{
	x ^= x >> 32;
	x *= 0x9e3779b97f4a7c15u;
	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9u;
	return x ^ (x >> 32);
}

/* How many buckets a level has: a power of two. */
static inline uint64_t index_buckets(unsigned level)
{
	return (uint64_t)INDEX_FIRST_BUCKETS << (2 * level + (level > 0));
}

/* The first (choice 0) or second (choice 1) bucket of a hash in a level that is there. */
static inline struct index_bucket *index_bucket(const struct index *index, unsigned level,
						uint64_t hash, unsigned choice)
{
	uint64_t place = choice ? index_mix(hash) : hash;

	return &peek(index->level[level])[place & (index_buckets(level) - 1)];
}

/* Returns, as bits, which words of a bucket have the upper half of a hash. Without a branch,
 * which would be mispredicted. Not atomic: the caller reads a word again, by one load, before it
 * believes it. */
static inline unsigned index_match(const struct index_bucket *bucket, uint64_t hash)
{
#ifdef INDEX_VECTORS
	const __m128 *word = (const __m128 *)bucket->word;
	__m128i tag = _mm_set1_epi32((int)(hash >> 32));
	__m128i low = _mm_castps_si128(_mm_shuffle_ps(word[0], word[1], 0xdd));
	__m128i high = _mm_castps_si128(_mm_shuffle_ps(word[2], word[3], 0xdd));
	__m128i equal = _mm_packs_epi32(_mm_cmpeq_epi32(low, tag), _mm_cmpeq_epi32(high, tag));

	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(equal, _mm_setzero_si128()));
#else
	unsigned ways = 0;

	for (unsigned way = 0; way < INDEX_WAYS; way++)
		ways |= (unsigned)((peek(bucket->word[way]) ^ hash) >> 32 == 0) << way;
	return ways;
#endif
}

/* Whether a number is the one that is looked for. `sought` is what the caller passed to
 * index_find(). */
typedef bool index_is_it(uint32_t number, void *sought);

/* Looks into one bucket. */
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

/* Fetches the buckets of a hash into the cache. Where there are many they lie far apart, and in no
 * cache: who will look into several, has all misses at once. */
void index_fetch(const struct index *index, uint64_t hash);

/* The rest of index_find(), if the number is not in the first bucket. */
uint32_t index_find_further(const struct index *index, uint64_t hash, index_is_it *is_it,
			    void *sought);

/* Returns the first number, newest level first, whose hash has the same upper half and for which
 * is_it() returns true; 0 if there is none. */
static inline __attribute__((always_inline)) uint32_t
index_find(const struct index *index, uint64_t hash, index_is_it *is_it, void *sought)
{
	uint32_t levels = __atomic_load_n(&index->levels, __ATOMIC_ACQUIRE), number;

	if (unlikely(levels == 0))
		return 0;
	number = index_find_in(index_bucket(index, levels - 1, hash, 0), hash, is_it, sought);
	return likely(number) ? number : index_find_further(index, hash, is_it, sought);
}

/* A walk over all words in the buckets of a hash. All zero at first, except index and hash. */
struct index_walk {
	const struct index *index;
	uint64_t hash;
	unsigned place; /* of the next bucket */
	unsigned ways;  /* words of this one that are still to be looked at, as bits */
	struct index_bucket *bucket;
	uint64_t *at; /* the word that was returned last */
};

/* Returns the next number in the buckets of a hash, whatever its own hash is; 0 at the end. */
uint32_t index_next_neighbour(struct index_walk *walk);

/* Returns the next number whose hash has the same upper half; 0 at the end. What nobody adds or
 * replaces meanwhile is returned, perhaps twice. */
uint32_t index_next(struct index_walk *walk);

/* How many numbers index_next() would return. */
unsigned index_count(const struct index *index, uint64_t hash);

/* Gets memory ahead of need, as far as there is any. */
void index_prepare(struct index *index);

/* Adds a number. Returns false if there is no memory for another level, or all levels are full. */
bool index_add(struct index *index, uint64_t hash, uint32_t number);

/* Puts `number`, with the hash of the walk, in the place of `old`, which the walk returned last; 0 only
 * removes it. Returns false if another thread has replaced it meanwhile. */
bool index_replace(const struct index_walk *walk, uint32_t old, uint32_t number);

/* Removes all numbers, and frees all levels. No other thread may use the index meanwhile. */
void index_clear(struct index *index);

#endif
