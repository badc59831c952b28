/* SPDX-License-Identifier: MIT */
/*
 * Hands out blocks of a range of memory without ever looking into it: what is in the range is its
 * users', who may not be trusted, and all that is known of it lies elsewhere.
 *
 * The range is cut into granules of 16 bytes. One byte a granule says what begins or ends there, and
 * three words hold what it has no room for; only those of granules at which a block begins or ends
 * are ever touched. Small blocks that were freed are kept by their size for the next one that asks
 * for it. The rest is a two-level segregated fit: free blocks are in lists by size, bits say which
 * lists hold any, and free neighbours are merged. Both operations take constant time.
 *
 * One thread at a time. Places in the range are offsets; offset 0 is no block's, so that the address
 * of the range is never that of a block.
 */
#ifndef LSATRACE_PRELOAD_SHAREDMEM_ARENA_H
#define LSATRACE_PRELOAD_SHAREDMEM_ARENA_H

#include <stdint.h>

#define ARENA_GRANULE 16u
#define ARENA_BYTES_MOST (1ull << 33)

struct arena;

/* The size of the block that is handed out for so many bytes: 0 bytes get a block of their own. */
static inline uint64_t arena_round(uint64_t bytes)
{
	return bytes ? (bytes + ARENA_GRANULE - 1) & ~(uint64_t)(ARENA_GRANULE - 1) : ARENA_GRANULE;
}

/* For a range of ARENA_GRANULE + `bytes` bytes, of which `bytes`, a multiple of ARENA_GRANULE and at
 * most ARENA_BYTES_MOST, can be handed out. NULL: no memory. */
struct arena *arena_new(uint64_t bytes);
void arena_release(struct arena *arena);

/* The offset of a block of arena_round(bytes) bytes, or 0: there is no room. */
uint64_t arena_allocate(struct arena *arena, uint64_t bytes);

/* Frees the block that begins at an offset, which may be any number. Returns its size, or 0: no block
 * begins there, and nothing was changed. */
uint64_t arena_free(struct arena *arena, uint64_t offset);

#endif
