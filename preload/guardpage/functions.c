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

/* What is not guarded goes to the host: its own blocks and sections, and those made before
 * tracing began. */
static void *host_function[SLOT_COUNT]; /* NULL: nothing stands in front of it */

#define HOST(type, slot) ((type *)host_function[slot])

/* What cannot be guarded, the host makes or refuses. */
static void *count_made(void *made)
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
	return count_made(
		HOST(LSA_CREATE_SHARED_MEMORY, SLOT_CreateSharedMemory)(max_size, initial_size));
}

static PVOID allocate_in_section(PVOID section, ULONG size)
{
	if (guarded_owns(section))
		return guarded_allocate(section, size);
	return HOST(LSA_ALLOCATE_SHARED_MEMORY, SLOT_AllocateSharedMemory)(section, size);
}

/* A guarded block is never passed to the host, even if it belongs to another section or heap:
 * the host would crash. */
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
	return count_made(HOST(LSA_ALLOCATE_LSA_HEAP, SLOT_AllocateLsaHeap)(length));
}

static PVOID allocate_private(SIZE_T length)
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

static void *const guardpage_functions[SLOT_COUNT] = {
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

/* Prepares the guard at the first call. Returns whether it can be used. */
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

/* Whether the user asked for it. A function that frees is always taken, even if its family is
 * not guarded: it may be given a guarded block of another family. */
static bool is_wanted(enum slot slot)
{
	enum trace_role role = slot_role[slot];

	return role == TRACE_ROLE_FREE || role == TRACE_ROLE_FREE_IN_SECTION ||
	       options_list_has(config->guard_families, config->guard_families_bytes,
				family_name[slot_family[slot]]);
}

void *guardpage_function(enum slot slot, void *host)
{
	void *function = guardpage_functions[slot];

	if (!function || host == function || config->allocator != ALLOCATOR_GUARD ||
	    !is_wanted(slot) || !is_ready())
		return host;
	/* The arguments of a call do not tell which host is meant: there can be only one. */
	if (host_function[slot] && host_function[slot] != host)
		return host;
	host_function[slot] = host;
	return function;
}

void *guardpage_host_function(enum slot slot)
{
	return host_function[slot];
}
