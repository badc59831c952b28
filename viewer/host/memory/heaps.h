/* SPDX-License-Identifier: MIT */
/*
 * The heaps that packages get memory from. Each block is zeroed, as those of a real LSA are, and lies on 16 bytes. Blocks
 * are known by their addresses: a wrong address is looked up, and never dereferenced. What is written right behind the end of a
 * block is told when it is freed. A freed block is filled with
 * HEAP_FREED_BYTE, and its address is not used again for a while. Any thread.
 */
#ifndef LSATRACE_HOST_MEMORY_HEAPS_H
#define LSATRACE_HOST_MEMORY_HEAPS_H

#include <stdbool.h>
#include <stddef.h>

/* What lies in HEAP_ANY may be freed by every function: nobody documents by which. */
enum heap { HEAP_LSA, HEAP_PRIVATE, HEAP_USER, HEAP_ANY };
enum heap_state { HEAP_UNKNOWN, HEAP_LIVE, HEAP_FREED };

#define HEAP_FREED_BYTE 0xdd

struct heap_block {
	enum heap_state state;
	enum heap heap;
	size_t bytes;
	size_t offset; /* of the address that was asked for in the block; not 0 only if it is live */
};

/* Returns NULL if there is no memory. */
void *heap_allocate(enum heap heap, size_t bytes);

/* Frees a block for a package, and tells what is wrong with that. NULL is accepted. */
void heap_free(enum heap heap, void *address);

/* Says what lies at an address: a block, its inside, or one that was freed lately. What is no start of a block takes
 * longer, the more blocks are live; heap_find_start() says of the inside of a block that it is unknown. */
struct heap_block heap_find(const void *address);
struct heap_block heap_find_start(const void *address);

/* Frees a live block of any heap for the host itself. Otherwise it does nothing. */
void heap_take(void *address);

/* "the LSA's heap", ... */
const char *heap_name(enum heap heap);

#endif
