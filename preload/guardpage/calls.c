/* SPDX-License-Identifier: MIT */
#include "preload/guardpage/calls.h"
#include "include/secpkg.h"
#include "preload/base/slots.h"
#include "preload/guardpage/guarded.h"

#include "preload/base/poison.h"

typedef void(SECPKG_CALL free_function)(PVOID);

/* What is not guarded goes to the host: its own blocks and sections, and those made before
 * tracing began. */
#define HOST(type, slot) ((type *)calls_host[CONVENTION][slot])

/* What cannot be guarded, the host makes or refuses. */
static void *count_made(void *made)
{
	if (made)
		guarded_count_unguarded();
	return made;
}

static PVOID SECPKG_CALL create_section(ULONG max_size, ULONG initial_size)
{
	PVOID section = initial_size <= max_size ? guarded_create(max_size) : NULL;

	if (section)
		return section;
	return count_made(
		HOST(LSA_CREATE_SHARED_MEMORY, SLOT_CreateSharedMemory)(max_size, initial_size));
}

static PVOID SECPKG_CALL allocate_in_section(PVOID section, ULONG size)
{
	if (guarded_owns(section))
		return guarded_allocate(section, size);
	return HOST(LSA_ALLOCATE_SHARED_MEMORY, SLOT_AllocateSharedMemory)(section, size);
}

/* A guarded block is never passed to the host, even if it belongs to another section or heap:
 * the host would crash. */
static void SECPKG_CALL free_in_section(PVOID section, PVOID memory)
{
	if (guarded_owns(section) || guarded_owns(memory))
		guarded_free(section, memory);
	else
		HOST(LSA_FREE_SHARED_MEMORY, SLOT_FreeSharedMemory)(section, memory);
}

static BOOLEAN SECPKG_CALL delete_section(PVOID section)
{
	if (guarded_owns(section))
		return guarded_delete(section);
	return HOST(LSA_DELETE_SHARED_MEMORY, SLOT_DeleteSharedMemory)(section);
}

static PVOID SECPKG_CALL allocate_lsa(ULONG length)
{
	PVOID block = guarded_allocate_heap(FAMILY_LSA_HEAP, length);

	if (block)
		return block;
	return count_made(HOST(LSA_ALLOCATE_LSA_HEAP, SLOT_AllocateLsaHeap)(length));
}

static PVOID SECPKG_CALL allocate_private(SIZE_T length)
{
	PVOID block = guarded_allocate_heap(FAMILY_PRIVATE_HEAP, length);

	if (block)
		return block;
	return count_made(HOST(LSA_ALLOCATE_PRIVATE_HEAP, SLOT_AllocatePrivateHeap)(length));
}

static void free_or_pass(enum slot slot, PVOID memory)
{
	if (guarded_owns(memory))
		guarded_free_heap(slot_family[slot], memory);
	else
		HOST(free_function, slot)(memory);
}

static void SECPKG_CALL free_lsa(PVOID memory)
{
	free_or_pass(SLOT_FreeLsaHeap, memory);
}

static void SECPKG_CALL free_return_buffer(PVOID memory)
{
	free_or_pass(SLOT_FreeReturnBuffer, memory);
}

static void SECPKG_CALL free_private(PVOID memory)
{
	free_or_pass(SLOT_FreePrivateHeap, memory);
}

PVOID CONVENTION_OF(calls_allocate_lsa)(ULONG length)
{
	return HOST(LSA_ALLOCATE_LSA_HEAP, SLOT_AllocateLsaHeap)(length);
}

void *const CONVENTION_OF(calls)[SLOT_COUNT] = {
	[SLOT_CreateSharedMemory] = (void *)create_section,
	[SLOT_AllocateSharedMemory] = (void *)allocate_in_section,
	[SLOT_FreeSharedMemory] = (void *)free_in_section,
	[SLOT_DeleteSharedMemory] = (void *)delete_section,
	[SLOT_AllocateLsaHeap] = (void *)allocate_lsa,
	[SLOT_FreeLsaHeap] = (void *)free_lsa,
	[SLOT_FreeReturnBuffer] = (void *)free_return_buffer,
	[SLOT_AllocatePrivateHeap] = (void *)allocate_private,
	[SLOT_FreePrivateHeap] = (void *)free_private,
};
