/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/mman.h>

#include "preload/base/vm.h"
#include "preload/host/maps.h"
#include "preload/sharedmem/arena.h"
#include "preload/sharedmem/biased_lock.h"
#include "preload/sharedmem/heaps.h"

#include "preload/base/poison.h"

#define BYTES_MOST ARENA_BYTES_MOST
#define BYTES_LEAST (1ull << 20)

struct heap {
	struct biased_lock lock;
	uint32_t held_for_fork;
	struct arena *arena;
	char *base; /* NULL: no memory is reserved yet */
} __attribute__((aligned(64)));

static struct heap lsa_heap, private_heap;

static void reserve_heap(struct heap *h, uint64_t bytes)
{
	h->arena = arena_new(bytes);
	h->base = h->arena ? vm_reserve(ARENA_GRANULE + bytes) : NULL;
	if (!h->base && h->arena)
		arena_release(h->arena);
}

static bool init_heap(struct heap *h)
{
	uint64_t bytes = maps_share(BYTES_MOST, 16);

	if (bytes < BYTES_LEAST)
		bytes = BYTES_LEAST;
	for (; !h->base && bytes >= BYTES_LEAST; bytes /= 2)
		reserve_heap(h, bytes);
	return h->base != NULL;
}

bool heaps_init(void)
{
	return init_heap(&lsa_heap) && init_heap(&private_heap);
}

static void *allocate_block(struct heap *h, uint64_t bytes)
{
	uint64_t offset;

	if (bytes > ARENA_BYTES_MOST || !biased_lock_take(&h->lock))
		return NULL;
	offset = arena_allocate(h->arena, bytes);
	biased_lock_release(&h->lock);
	return offset ? memset(h->base + offset, 0, arena_round(bytes)) : NULL;
}

static void free_block(struct heap *h, const void *block)
{
	if (!biased_lock_take(&h->lock))
		return;
	arena_free(h->arena, (uintptr_t)block - (uintptr_t)h->base);
	biased_lock_release(&h->lock);
}

PVOID heaps_allocate_lsa(ULONG Length)
{
	return allocate_block(&lsa_heap, Length);
}

void heaps_free_lsa(PVOID Base)
{
	free_block(&lsa_heap, Base);
}

PVOID heaps_allocate_private(SIZE_T Length)
{
	return allocate_block(&private_heap, Length);
}

void heaps_free_private(PVOID Base)
{
	free_block(&private_heap, Base);
}

void heaps_before_fork(void)
{
	lsa_heap.held_for_fork = biased_lock_enter(&lsa_heap.lock);
	private_heap.held_for_fork = biased_lock_enter(&private_heap.lock);
}

void heaps_after_fork(bool is_child)
{
	biased_lock_exit_after_fork(&lsa_heap.lock, lsa_heap.held_for_fork, is_child);
	biased_lock_exit_after_fork(&private_heap.lock, private_heap.held_for_fork, is_child);
}
