/* SPDX-License-Identifier: MIT */
#include "preload/call/ms_abi.h"

#include "include/secpkg.h"
#include "preload/sharedmem/entries.h"
#include "preload/sharedmem/heaps.h"
#include "preload/sharedmem/sections.h"

#include "preload/base/poison.h"

static PVOID SECPKG_CALL create_section(ULONG max_size, ULONG initial_size)
{
	return sections_create(max_size, initial_size);
}

static PVOID SECPKG_CALL allocate_in_section(PVOID section, ULONG size)
{
	return sections_allocate(section, size);
}

static void SECPKG_CALL free_in_section(PVOID section, PVOID memory)
{
	sections_free(section, memory);
}

static BOOLEAN SECPKG_CALL delete_section(PVOID section)
{
	return sections_delete(section);
}

static PVOID SECPKG_CALL allocate_lsa(ULONG length)
{
	return heaps_allocate_lsa(length);
}

static void SECPKG_CALL free_lsa(PVOID memory)
{
	heaps_free_lsa(memory);
}

static PVOID SECPKG_CALL allocate_private(SIZE_T length)
{
	return heaps_allocate_private(length);
}

static void SECPKG_CALL free_private(PVOID memory)
{
	heaps_free_private(memory);
}

void *const sharedmem_entries[SLOT_COUNT] = {
	[SLOT_CreateSharedMemory] = (void *)create_section,
	[SLOT_AllocateSharedMemory] = (void *)allocate_in_section,
	[SLOT_FreeSharedMemory] = (void *)free_in_section,
	[SLOT_DeleteSharedMemory] = (void *)delete_section,
	[SLOT_AllocateLsaHeap] = (void *)allocate_lsa,
	[SLOT_FreeLsaHeap] = (void *)free_lsa,
	[SLOT_FreeReturnBuffer] = (void *)free_lsa,
	[SLOT_AllocatePrivateHeap] = (void *)allocate_private,
	[SLOT_FreePrivateHeap] = (void *)free_private,
};
