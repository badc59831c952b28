/* SPDX-License-Identifier: MIT */
#ifndef HOST_HEAPS_H
#define HOST_HEAPS_H

/*
 * The host's heaps. Each knows the addresses that it handed out. So it does no harm to free a block
 * twice, or a block of another heap. Any thread may call these functions.
 */

#include <stdbool.h>
#include <stddef.h>

struct heap;

/* Two heaps. Each refuses the blocks of the other. */
extern struct heap lsa_heap;
extern struct heap private_heap;

/* Returns memory aligned to 16 bytes, or NULL. */
void *heap_allocate(struct heap *heap, size_t size);

/* Returns whether `memory` was a block of this heap. If it was not, nothing changes. */
bool heap_free(struct heap *heap, void *memory);

#endif
