/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stddef.h>

#include "include/secpkg.h"
#include "include/trace_format.h"
#include "preload/base/config.h"
#include "preload/base/slots.h"
#include "preload/base/text.h"
#include "preload/guardpage/fault.h"
#include "preload/guardpage/functions.h"
#include "preload/guardpage/guarded.h"

#include "preload/base/poison.h"

typedef void free_function(PVOID);

/* What is not the guard's goes to the host: its own buffers and sections, and what was there before. */
static void *host_function[SLOT_COUNT];

#define HOST(type, slot) ((type *)host_function[slot])

/* What cannot be guarded is the host's to make, or to refuse. */
static void *made_by_host(void *made)
{
	if (made)
		guarded_count_unguarded();
	return made;
}

static PVOID create_section(ULONG max_size, ULONG initial_size)
{
	PVOID section = initial_size <= max_size ? guarded_create(max_size) : NULL;

	if (section)
		return section;
	return made_by_host(
		HOST(LSA_CREATE_SHARED_MEMORY, SLOT_CreateSharedMemory)(max_size, initial_size));
}

static PVOID allocate_in_section(PVOID section, ULONG size)
{
	if (guarded_owns(section))
		return guarded_allocate(section, size);
	return HOST(LSA_ALLOCATE_SHARED_MEMORY, SLOT_AllocateSharedMemory)(section, size);
}

/* A guarded block is never passed to the host, be it another section's or heap's: that would be the
 * end of it. */
static void free_in_section(PVOID section, PVOID memory)
{
	if (guarded_owns(section) || guarded_owns(memory))
		guarded_free(section, memory);
	else
		HOST(LSA_FREE_SHARED_MEMORY, SLOT_FreeSharedMemory)(section, memory);
}

static BOOLEAN delete_section(PVOID section)
{
	if (guarded_owns(section))
		return guarded_delete(section);
	return HOST(LSA_DELETE_SHARED_MEMORY, SLOT_DeleteSharedMemory)(section);
}

static PVOID allocate_lsa(ULONG length)
{
	PVOID block = guarded_allocate_heap(FAMILY_LSA_HEAP, length);

	if (block)
		return block;
	return made_by_host(HOST(LSA_ALLOCATE_LSA_HEAP, SLOT_AllocateLsaHeap)(length));
}

static PVOID allocate_private(SIZE_T length)
{
	PVOID block = guarded_allocate_heap(FAMILY_PRIVATE_HEAP, length);

	if (block)
		return block;
	return made_by_host(HOST(LSA_ALLOCATE_PRIVATE_HEAP, SLOT_AllocatePrivateHeap)(length));
}

static void free_or_pass(enum slot slot, PVOID memory)
{
	if (guarded_owns(memory))
		guarded_free_heap(slot_family[slot], memory);
	else
		HOST(free_function, slot)(memory);
}

static void free_lsa(PVOID memory)
{
	free_or_pass(SLOT_FreeLsaHeap, memory);
}

static void free_return_buffer(PVOID memory)
{
	free_or_pass(SLOT_FreeReturnBuffer, memory);
}

static void free_private(PVOID memory)
{
	free_or_pass(SLOT_FreePrivateHeap, memory);
}

static void *const guarded[SLOT_COUNT] = {
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

static bool is_ready(void)
{
	static enum { UNTRIED, READY, FAILED } state;
	char line[TEXT_LINE_BYTES];
	struct text t = TEXT_IN(line);

	if (state == UNTRIED) {
		state = guarded_init() ? READY : FAILED;
		if (state == READY) {
			fault_init();
		} else {
			text_add(&t, "not guarding: there is no address space for it");
			text_say(&t);
		}
	}
	return state == READY;
}

static bool can_guard(void)
{
	return config->allocator == ALLOCATOR_GUARD && is_ready();
}

static bool is_release(enum slot slot)
{
	return slot_role[slot] == TRACE_ROLE_FREE || slot_role[slot] == TRACE_ROLE_FREE_IN_SECTION;
}

/* A release is looked at even if its family is not guarded: what it is given may be another's. */
static bool is_wanted(enum slot slot)
{
	return is_release(slot) ||
	       options_list_has(config->guard_families, config->guard_families_bytes,
				family_name[slot_family[slot]]);
}

void *functions_behind(enum slot slot, void *host)
{
	if (!guarded[slot] || host == guarded[slot] || !is_wanted(slot) || !can_guard())
		return host;
	/* Nothing that a function is given says whose host is meant: there can be one. */
	if (host_function[slot] && host_function[slot] != host)
		return host;
	host_function[slot] = host;
	return guarded[slot];
}

void *functions_of_host(enum slot slot)
{
	return host_function[slot];
}
