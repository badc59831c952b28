/* SPDX-License-Identifier: MIT */
#ifndef HOST_HEAPS_H
#define HOST_HEAPS_H

/*
 * The host's heaps. Each knows the addresses that it handed out, so that freeing a block twice,
 * or another heap's, does no harm. All functions may be called from any thread.
 */

#include <stdbool.h>
#include <stddef.h>

struct heap;

/* Two heaps: what one handed out is foreign to the other. */
extern struct heap lsa_heap;
extern struct heap private_heap;

/* Returns memory aligned to 16 bytes, or NULL. */
void *heap_allocate(struct heap *heap, size_t size);

/* Returns whether memory was a block of this heap; if not, nothing has changed. */
bool heap_free(struct heap *heap, void *memory);

#endif
