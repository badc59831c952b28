/* SPDX-License-Identifier: MIT */
#include "embedded.h"
#include "heaps.h"
#include "lock.h"
#include "sections.h"

#include "../poison.h"

void *const embedded_functions[SLOT_COUNT] = {
	[SLOT_CreateSharedMemory] = (void *)sections_create,
	[SLOT_AllocateSharedMemory] = (void *)sections_allocate,
	[SLOT_FreeSharedMemory] = (void *)sections_free,
	[SLOT_DeleteSharedMemory] = (void *)sections_delete,
	[SLOT_AllocateLsaHeap] = (void *)heaps_allocate_lsa,
	[SLOT_FreeLsaHeap] = (void *)heaps_free_lsa,
	[SLOT_FreeReturnBuffer] = (void *)heaps_free_lsa,
	[SLOT_AllocatePrivateHeap] = (void *)heaps_allocate_private,
	[SLOT_FreePrivateHeap] = (void *)heaps_free_private,
};

static __thread bool is_forking;

/* Not from a signal handler that came upon a lock: it would wait for itself. */
void embedded_before_fork(void)
{
	is_forking = sections_before_fork();
	if (is_forking)
		heaps_before_fork();
}

static void after_fork(bool is_child)
{
	if (!is_forking)
		return;
	is_forking = false;
	heaps_after_fork(is_child);
	sections_after_fork(is_child);
}

void embedded_after_fork(void)
{
	after_fork(false);
}

void embedded_after_fork_in_child(void)
{
	after_fork(true);
}
