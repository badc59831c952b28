/* SPDX-License-Identifier: MIT */
/*
 * Hands out blocks of a range of memory without ever reading or writing that memory: others may
 * write to it who cannot be trusted. All bookkeeping lies elsewhere.
 *
 * The range is divided into granules of 16 bytes. One byte a granule says what begins or ends
 * there, and three words hold what does not fit into it; only the words of granules at which a free
 * or large block begins or ends are ever touched.
 *
 *	granule   0    1    2    3    4    5    6    7 ...
 *	          ■    [  block  ]    [   free block   ]
 *	byte     USED USED  -    -  FREE   -    -   LAST       with the size of its block in each
 *
 * Small blocks that were freed are kept, by size, for the next request of that size. All others are
 * in a two-level segregated fit: lists of free blocks by size, two levels of bits that say which
 * lists hold any, and free neighbours merged into one block. Both operations take constant time.
 *
 * One thread at a time. A place in the range is its offset in bytes. Offset 0 is no block's, so
 * that the address of the range is never the address of a block.
 */
#ifndef LSATRACE_PRELOAD_SHAREDMEM_ARENA_H
#define LSATRACE_PRELOAD_SHAREDMEM_ARENA_H

#include <stdbool.h>
#include <stdint.h>

#define ARENA_GRANULE 16u
#define ARENA_BYTES_MOST (1ull << 33)

struct arena;

/* The size in bytes of the block that is handed out for a request; a request of 0 bytes gets a
 * granule. */
static inline uint64_t arena_round(uint64_t bytes)
{
	return bytes ? (bytes + ARENA_GRANULE - 1) & ~(uint64_t)(ARENA_GRANULE - 1) : ARENA_GRANULE;
}

/* Makes the bookkeeping for a range of ARENA_GRANULE + `bytes` bytes, of which `bytes` can be
 * handed out. `bytes` is a multiple of ARENA_GRANULE and at most ARENA_BYTES_MOST. Returns NULL if
 * there is no memory. */
struct arena *arena_new(uint64_t bytes);

/* The same for a range that can grow up to `bytes_most` bytes, and of which 0 can be handed out. */
struct arena *arena_new_growing(uint64_t bytes_most);

/* Lets it grow: `bytes`, a multiple of ARENA_GRANULE, can be handed out, more than before. Returns
 * false if there is no memory. May wait for LOCK_MEMORY. */
bool arena_grow(struct arena *arena, uint64_t bytes);

/* Frees the bookkeeping, or keeps it for the next arena. The range is the caller's. */
void arena_release(struct arena *arena);

/* Returns the offset of a block of arena_round(bytes) bytes; 0 if there is no room. */
uint64_t arena_allocate(struct arena *arena, uint64_t bytes);

/* Frees the block that begins at `offset`, which may be any number. Returns its size in bytes; 0
 * if no block begins there, and then changes nothing. */
uint64_t arena_free(struct arena *arena, uint64_t offset);

#endif
