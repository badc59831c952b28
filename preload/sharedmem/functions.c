/* SPDX-License-Identifier: MIT */
#include "preload/sharedmem/functions.h"
#include "preload/sharedmem/entries.h"
#include "preload/sharedmem/heaps.h"
#include "preload/sharedmem/sections.h"

#include "preload/base/poison.h"

static void *const functions_sysv[SLOT_COUNT] = {
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

void *const *const sharedmem_functions[CONVENTION_COUNT] = { functions_sysv, sharedmem_entries };

static __thread bool is_forking;

/* In a signal handler whose thread holds a lock, sections_before_fork() fails: it would wait for
 * itself. */
void sharedmem_before_fork(void)
{
	is_forking = sections_before_fork();
	if (is_forking)
		heaps_before_fork();
}

static void release_after_fork(bool is_child)
{
	if (!is_forking)
		return;
	is_forking = false;
	heaps_after_fork(is_child);
	sections_after_fork(is_child);
}

void sharedmem_after_fork(void)
{
	release_after_fork(false);
}

void sharedmem_after_fork_in_child(void)
{
	release_after_fork(true);
}
