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
	char *base;
} __attribute__((aligned(64)));

static struct heap lsa_heap, private_heap;

static bool reserve(struct heap *h, uint64_t bytes)
{
	h->arena = arena_new(bytes);
	h->base = h->arena ? vm_reserve(ARENA_GRANULE + bytes) : NULL;
	if (!h->base && h->arena)
		arena_release(h->arena);
	return h->base != NULL;
}

static uint64_t most_bytes(void)
{
	uint64_t share = maps_share(BYTES_MOST, 16);

	return share > BYTES_LEAST ? share : BYTES_LEAST;
}

static bool init(struct heap *h)
{
	for (uint64_t bytes = most_bytes(); !h->base && bytes >= BYTES_LEAST; bytes /= 2)
		reserve(h, bytes);
	return h->base != NULL;
}

bool heaps_init(void)
{
	return init(&lsa_heap) && init(&private_heap);
}

static void *allocate(struct heap *h, uint64_t bytes)
{
	uint64_t offset;

	if (bytes > ARENA_BYTES_MOST || !biased_lock_take(&h->lock))
		return NULL;
	offset = arena_allocate(h->arena, bytes);
	biased_lock_release(&h->lock);
	return offset ? memset(h->base + offset, 0, arena_round(bytes)) : NULL;
}

static void give_back(struct heap *h, const void *block)
{
	if (!biased_lock_take(&h->lock))
		return;
	arena_free(h->arena, (uintptr_t)block - (uintptr_t)h->base);
	biased_lock_release(&h->lock);
}

PVOID heaps_allocate_lsa(ULONG Length)
{
	return allocate(&lsa_heap, Length);
}

void heaps_free_lsa(PVOID Base)
{
	give_back(&lsa_heap, Base);
}

PVOID heaps_allocate_private(SIZE_T Length)
{
	return allocate(&private_heap, Length);
}

void heaps_free_private(PVOID Base)
{
	give_back(&private_heap, Base);
}

void heaps_before_fork(void)
{
	lsa_heap.held_for_fork = biased_lock_acquire(&lsa_heap.lock);
	private_heap.held_for_fork = biased_lock_acquire(&private_heap.lock);
}

void heaps_after_fork(bool is_child)
{
	biased_lock_forked(&lsa_heap.lock, lsa_heap.held_for_fork, is_child);
	biased_lock_forked(&private_heap.lock, private_heap.held_for_fork, is_child);
}
