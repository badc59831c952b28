/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>

#include "preload/base/compiler.h"
#include "preload/base/vm.h"
#include "preload/host/maps.h"
#include "preload/sharedmem/arena.h"
#include "preload/sharedmem/biased_lock.h"
#include "preload/sharedmem/heaps.h"

#include "preload/base/poison.h"

#define BYTES_MOST ARENA_BYTES_MOST
#define BYTES_LEAST (1ull << 20)

enum { STEP = 1 << 20 }; /* bytes by which a heap grows, at least */

struct heap {
	struct biased_lock lock;
	uint32_t held_for_fork;
	struct arena *arena;
	uint64_t bytes; /* that the arena may hand out */
	struct vm_table table;
} __attribute__((aligned(64)));

static struct heap lsa_heap, private_heap;

static bool init_heap(struct heap *h)
{
	uint64_t most = maps_share(BYTES_MOST, 16);

	if (h->arena)
		return true;
	if (most < BYTES_LEAST)
		most = BYTES_LEAST;
	if (!vm_table_init(&h->table, VM_HOST, ARENA_GRANULE + most, -1))
		return false;
	h->arena = arena_new_growing(most);
	if (!h->arena)
		vm_table_release(&h->table);
	return h->arena != NULL;
}

bool heaps_init(void)
{
	return init_heap(&lsa_heap) && init_heap(&private_heap);
}

/* Under the heap's lock. */
static bool grow_to(struct heap *h, uint64_t bytes)
{
	if (!vm_table_reach(&h->table, ARENA_GRANULE + bytes) || !arena_grow(h->arena, bytes))
		return false;
	h->bytes = bytes;
	return true;
}

/* Makes room for a block of so many bytes. */
static bool grow_for(struct heap *h, uint64_t bytes)
{
	uint64_t step = h->bytes < STEP ? STEP : h->bytes / 8 / STEP * STEP + STEP;

	bytes = arena_round(bytes);
	return grow_to(h, h->bytes + (step > bytes ? step : bytes)) || grow_to(h, h->bytes + bytes);
}

void heaps_prepare(void)
{
	enum { AHEAD = 64 << 20 };
	struct heap *const heaps[] = { &lsa_heap, &private_heap };

	for (size_t i = 0; i < 2; i++)
		if (heaps[i]->arena && biased_lock_take(&heaps[i]->lock)) {
			grow_for(heaps[i], AHEAD);
			biased_lock_release(&heaps[i]->lock);
		}
}

static void *allocate_block(struct heap *h, uint64_t bytes)
{
	uint64_t offset;

	if (bytes > ARENA_BYTES_MOST || !biased_lock_take(&h->lock))
		return NULL;
	offset = arena_allocate(h->arena, bytes);
	if (unlikely(!offset) && grow_for(h, bytes))
		offset = arena_allocate(h->arena, bytes);
	biased_lock_release(&h->lock);
	return offset ? memset(h->table.base + offset, 0, arena_round(bytes)) : NULL;
}

static void free_block(struct heap *h, const void *block)
{
	if (!biased_lock_take(&h->lock))
		return;
	arena_free(h->arena, (uintptr_t)block - (uintptr_t)h->table.base);
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
