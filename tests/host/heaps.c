/* SPDX-License-Identifier: MIT */
#include "heaps.h"

#include <stdlib.h>
#include <uthash.h>

#include "stripes.h"

static const size_t largest_block = (size_t)256 << 20;

struct allocation {
	void *address; /* of the block; the key */
	UT_hash_handle hh;
	_Alignas(16) unsigned char memory[];
};

/* The allocations with addresses in this stripe, protected by its lock. */
struct heap {
	struct allocation *live[STRIPE_COUNT];
};

struct heap lsa_heap;
struct heap private_heap;

void *heap_allocate(struct heap *heap, size_t size)
{
	struct allocation *allocation = NULL;
	unsigned int stripe;

	if (size <= largest_block)
		allocation = malloc(sizeof(*allocation) + size);
	if (!allocation)
		return NULL;
	allocation->address = allocation->memory;
	stripe = stripe_lock((uintptr_t)allocation->address);
	HASH_ADD_PTR(heap->live[stripe], address, allocation);
	stripe_unlock(stripe);
	return allocation->memory;
}

bool heap_free(struct heap *heap, void *memory)
{
	struct allocation *allocation;
	unsigned int stripe = stripe_lock((uintptr_t)memory);

	HASH_FIND_PTR(heap->live[stripe], &memory, allocation);
	if (allocation)
		HASH_DELETE(hh, heap->live[stripe], allocation);
	stripe_unlock(stripe);
	free(allocation);
	return allocation != NULL;
}
