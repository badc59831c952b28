/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "include/secpkg.h"
#include "preload/base/config.h"
#include "preload/base/slots.h"
#include "preload/call/fail.h"
#include "preload/call/originals.h"
#include "preload/call/shims.h"
#include "preload/file/log.h"
#include "preload/file/trace.h"
#include "preload/guardpage/functions.h"
#include "preload/host/maps.h"
#include "preload/package/table.h"
#include "preload/package/wrapped.h"
#include "preload/sharedmem/functions.h"
#include "preload/sharedmem/heaps.h"
#include "preload/sharedmem/sections.h"

#include "preload/base/poison.h"

enum table_type { TYPE_LSA, TYPE_DLL, TYPE_NEWEST = TYPE_LSA }; /* whose slots a table has */

#define SLOT_TYPE(table, name, family, role, shim) TYPE_##table,
#define SLOT_INDEX(table, name, family, role, shim) \
	offsetof(SLOT_TABLE_##table, name) / sizeof(void *),

static const enum table_type slot_type[] = { TRACED_SLOTS(SLOT_TYPE) };
static const size_t slot_index[] = { TRACED_SLOTS(SLOT_INDEX) };

/* The same of the slots that are not traced, in the order of their numbers. */
#define UNTRACED_TYPE(table, name, returns, status) TYPE_##table,
#define UNTRACED_INDEX(table, name, returns, status) \
	offsetof(SLOT_TABLE_##table, name) / sizeof(void *),

static const enum table_type untraced_type[] = { UNTRACED_FAILURES(UNTRACED_TYPE) };
static const size_t untraced_index[] = { UNTRACED_FAILURES(UNTRACED_INDEX) };

static const enum table_type kind_type[TABLE_KINDS] = { TYPE_LSA, TYPE_LSA, TYPE_DLL };
static const size_t kind_slots[TABLE_KINDS] = {
	sizeof(LSA_SECPKG_NEWEST_TABLE) / sizeof(void *),
	sizeof(LSA_DISPATCH_TABLE) / sizeof(void *),
	sizeof(SECPKG_DLL_FUNCTIONS) / sizeof(void *),
};

_Static_assert(sizeof(LSA_SECPKG_NEWEST_TABLE) <= TABLE_SLOTS * sizeof(void *), "table");

/* By package number, and by what the table was handed over as. */
static struct copy {
	void *slot[TABLE_SLOTS];
	size_t slots; /* that the host's table has; 0: the package was handed none */
} copies[WRAPPED_PACKAGES][TABLE_KINDS];

/* The functions that can replace a host's, by --allocator. Guarded functions call them. */
static const struct implementation {
	/* By convention and slot: shared memory, and heaps if it has its own; NULL: none. */
	void *const *const *functions;
	originals_descriptor *descriptor; /* of its sections; NULL: they have none */
	bool replaces_whole; /* it also replaces the functions of a host that has all of them */
} implementations[ALLOCATOR_COUNT] = {
	[ALLOCATOR_AUTO] = { sharedmem_functions, sections_descriptor, false },
	[ALLOCATOR_EMBEDDED] = { sharedmem_functions, sections_descriptor, true },
	[ALLOCATOR_GUARD] = { sharedmem_functions, sections_descriptor, false },
};

/* A family of a slot that --fail names is traced in any case. */
static bool is_family_wanted(enum family family)
{
	for (enum slot slot = 0; slot < SLOT_COUNT; slot++)
		if (slot_family[slot] == family && fail_names(slot))
			return true;
	return options_list_has(config->families, config->families_bytes, family_name[family]);
}

static bool is_wanted(enum slot slot)
{
	return is_family_wanted(slot_family[slot]);
}

/* The host's function behind a slot. It stands in the slot itself, unless the package was handed
 * the table of another one. Then its sections are that one's as well. */
static void *find_behind_shims(void *function, enum slot slot, enum convention convention,
			       uint32_t index)
{
	for (uint32_t other = 0; other < TRACE_PACKAGES; other++) {
		if (function != shims_at(convention, slot, other))
			continue;
		if (slot == SLOT_CreateSharedMemory)
			originals_descriptors[index] = originals_descriptors[other];
		return fail_behind(originals_of_shims[other][slot]);
	}
	return function;
}

/* Packages that share an index share its shims, and what is behind them. A function has one calling
 * convention: so the packages that have it have the same. */
static bool is_taken(enum slot slot, uint32_t index, const void *function)
{
	const void *original = fail_behind(originals_of_shims[index][slot]);

	return index == TRACE_PACKAGE_OTHER && original && original != function;
}

#define LSA_INDEX(name) (offsetof(LSA_SECPKG_FUNCTION_TABLE, name) / sizeof(void *))

enum {
	FIRST_BEHIND = LSA_DISPATCH_SLOT_COUNT, /* the first slot that only a full table has */
	SLOTS_LEAST = LSA_INDEX(DeleteSharedMemory) + 1, /* of the oldest full table */
};

/* Does a function of the table that may be traced lie in such a slot? */
static bool is_traced(size_t index)
{
	for (enum slot slot = 0; slot < SLOT_COUNT; slot++)
		if (slot_type[slot] == TYPE_LSA && slot_index[slot] == index)
			return true;
	return false;
}

/* Do so few slots break the rule for a full table that it may be one all the same? On a stack, or
 * in other data, what lies behind a dispatch table holds a few functions by chance. */
static bool is_doubtful(const uint64_t *address, const bool *is_code, size_t readable)
{
	size_t functions = 0, others = 0, traced = 0;

	for (size_t i = FIRST_BEHIND; i < readable; i++) {
		traced += is_code[i] && is_traced(i);
		functions += is_code[i] && i < SLOTS_LEAST;
		others += address[i] && !is_code[i] && i < SLOTS_LEAST;
	}
	return traced && (others <= 2 || functions >= 4 * others);
}

enum table_kind table_kind_of(const void *host_table, enum table_kind handed, unsigned *doubt)
{
	uint64_t address[LSA_SECPKG_SLOT_COUNT];
	bool is_code[LSA_SECPKG_SLOT_COUNT], has_function = false;
	size_t readable, end = FIRST_BEHIND;

	*doubt = 0;
	if (handed != TABLE_DISPATCH)
		return handed;
	readable = maps_copy(address, host_table, sizeof(address)) / sizeof(*address);
	maps_find_code(address, is_code, readable);
	while (end < readable && (is_code[end] || !address[end]))
		has_function |= is_code[end++];
	if (end >= SLOTS_LEAST && has_function)
		return TABLE_FULL;
	if (end < SLOTS_LEAST && end < readable && is_doubtful(address, is_code, readable))
		*doubt = (unsigned)end;
	return handed;
}

/* Puts the shim for a function into its slot. Returns false, and puts the function itself there, if
 * packages that share the index have another function behind that shim. */
static bool put_shim(void **table, enum slot slot, enum convention convention, uint32_t index,
		     void *original)
{
	void *function = guardpage_function(slot, convention, original);

	if (is_taken(slot, index, function)) {
		table[slot_index[slot]] = original;
		return false;
	}
	originals_of_shims[index][slot] = fail_stub_for(slot, index, function);
	table[slot_index[slot]] = shims_at(convention, slot, index);
	return true;
}

/* Which slots of a table hold code. Behind its end none does. */
static void find_code(void *const *table, size_t slots, bool is_code[TABLE_SLOTS])
{
	uint64_t address[TABLE_SLOTS] = { 0 };

	for (size_t i = 0; i < slots; i++)
		address[i] = (uint64_t)(uintptr_t)table[i];
	maps_find_code(address, is_code, TABLE_SLOTS);
}

/* Puts the shims into a table, and notes what was there. */
static void put_all_shims(void **table, enum table_type type, const bool *is_code,
			  enum convention convention, uint32_t index)
{
	bool are_all = true;

	for (enum slot slot = 0; slot < SLOT_COUNT; slot++)
		if (slot_type[slot] == type && is_code[slot_index[slot]] && is_wanted(slot))
			are_all &= put_shim(table, slot, convention, index,
					    find_behind_shims(table[slot_index[slot]], slot,
							      convention, index));
	if (!are_all)
		trace_lose(TRACE_LOST_PACKAGES);
}

/* Puts the stubs of --fail into the slots that are not traced. Packages that share an index share its
 * stubs, as they share its shims. */
static void put_stubs(void **table, enum table_type type, const bool *is_code, uint32_t index)
{
	bool are_all = true;

	if (config->fails == 0)
		return;
	for (uint32_t i = 0; i < UNTRACED_COUNT; i++) {
		void **slot = &table[untraced_index[i]], *function = fail_behind(*slot);
		void *shared =
			index == TRACE_PACKAGE_OTHER ? fail_host(TRANSFER_END + i, index) : NULL;

		if (untraced_type[i] != type || !is_code[untraced_index[i]] ||
		    !fail_names(TRANSFER_END + i))
			continue;
		if (shared && shared != function)
			are_all = false;
		else
			*slot = fail_stub_for(TRANSFER_END + i, index, function);
	}
	if (!are_all)
		trace_lose(TRACE_LOST_PACKAGES);
}

void table_put_shims(void **copy, size_t slots, enum convention convention, uint32_t index)
{
	bool is_code[TABLE_SLOTS];

	find_code(copy, slots, is_code);
	put_all_shims(copy, TYPE_LSA, is_code, convention, index);
	put_stubs(copy, TYPE_LSA, is_code, index);
}

/* Puts the wrapper of UnloadPackage into its slot, which holds code. */
static void wrap_unload(void **slot, enum convention convention, uint32_t number, uint32_t index)
{
	void *function = fail_behind(*slot);

	/* The package may have been handed the table of another one. */
	for (uint32_t n = 0; n < WRAPPED_PACKAGES; n++)
		if (function == wrappers_at(convention, WRAPPED_UnloadPackage, n))
			function = fail_behind(originals_of_wrappers[n][WRAPPED_UnloadPackage]);
	originals_of_wrappers[number][WRAPPED_UnloadPackage] =
		fail_stub_for(UNTRACED_UnloadPackage, index, function);
	*slot = wrappers_at(convention, WRAPPED_UnloadPackage, number);
}

/* May lsatrace's own functions for shared memory be put into such a table? Only a full table has
 * the slots. */
static bool may_provide(enum table_kind kind)
{
	return implementations[config->allocator].functions &&
	       is_family_wanted(FAMILY_SHARED_MEMORY) && kind == TABLE_FULL;
}

bool table_stands_for_null(enum table_kind kind)
{
	return may_provide(kind);
}

/* Has the host all functions of a family? A family is provided as a whole or not at all, because no
 * implementation knows the blocks of another one. */
static bool is_whole(void *const *table, enum family family)
{
	for (enum slot slot = 0; slot < SLOT_COUNT; slot++)
		if (slot_family[slot] == family && !table[slot_index[slot]])
			return false;
	return true;
}

static void note_allocator(uint32_t index, enum family family, enum trace_allocator allocator)
{
	uint32_t number = index | (uint32_t)family << 8 | (uint32_t)allocator << 16;

	if (trace_is_mine())
		log_text(TRACE_RECORD_ALLOCATOR, number, "", 0);
}

void *const *table_functions_of(void *const *functions, enum convention convention,
				enum family family)
{
	for (enum slot slot = 0; slot < SLOT_COUNT; slot++)
		if (slot_family[slot] == family && functions[slot])
			return functions;
	return sharedmem_functions[convention];
}

/* Puts lsatrace's own functions of a family in the place of the host's. */
static void provide_family(void **table, enum convention convention, uint32_t index,
			   enum family family)
{
	void *const *functions = table_functions_of(
		implementations[config->allocator].functions[convention], convention, family);
	bool are_all = true;

	for (enum slot slot = 0; slot < SLOT_COUNT; slot++) {
		if (slot_family[slot] != family || !functions[slot])
			continue;
		if (is_wanted(slot))
			are_all &= put_shim(table, slot, convention, index, functions[slot]);
		else
			table[slot_index[slot]] = functions[slot];
	}
	if (!are_all)
		trace_lose(TRACE_LOST_PACKAGES);
}

static void provide_shared_memory(void **table, enum convention convention, uint32_t index)
{
	const struct implementation *i = &implementations[config->allocator];
	bool is_missing = !is_whole(table, FAMILY_SHARED_MEMORY);

	if (!is_missing && !i->replaces_whole)
		return;
	originals_descriptors[index] = i->descriptor;
	provide_family(table, convention, index, FAMILY_SHARED_MEMORY);
	note_allocator(index, FAMILY_SHARED_MEMORY,
		       is_missing ? TRACE_ALLOCATOR_EMBEDDED : TRACE_ALLOCATOR_EMBEDDED_INSTEAD);
}

void table_provide(void **copy, size_t slots, enum convention convention, uint32_t index)
{
	if (slots > LSA_INDEX(DeleteSharedMemory) && may_provide(TABLE_FULL))
		provide_shared_memory(copy, convention, index);
}

/* Has a table both functions of a heap, or one? */
static bool has_heap(void *const *table, enum slot allocate, enum slot release)
{
	return table[slot_index[allocate]] || table[slot_index[release]];
}

static void provide_heap(void **table, enum convention convention, uint32_t index,
			 enum family family)
{
	provide_family(table, convention, index, family);
	note_allocator(index, family, TRACE_ALLOCATOR_EMBEDDED);
}

/* What a package gets for a table of NULL. The heaps that it has been given already stay: it may
 * free in one table what it has allocated by the other, and the host frees what it returns. */
static void provide_heaps(void **table, enum convention convention, uint32_t index)
{
	if (!has_heap(table, SLOT_AllocateLsaHeap, SLOT_FreeLsaHeap))
		provide_heap(table, convention, index, FAMILY_LSA_HEAP);
	if (!has_heap(table, SLOT_AllocatePrivateHeap, SLOT_FreePrivateHeap))
		provide_heap(table, convention, index, FAMILY_PRIVATE_HEAP);
}

void *table_substitute(const void *host_table, enum table_kind handed, enum table_kind kind,
		       enum convention convention, uint32_t number, uint32_t index)
{
	struct copy *copy = &copies[number][handed], *dispatch = &copies[number][TABLE_DISPATCH];
	void *fresh[TABLE_SLOTS] = { 0 };
	bool is_code[TABLE_SLOTS];

	if (!host_table && !heaps_init())
		return NULL;
	if (host_table)
		maps_copy(fresh, host_table, sizeof(fresh));
	else
		memcpy(fresh, dispatch->slot, dispatch->slots * sizeof(*fresh));
	find_code(fresh, kind_slots[kind], is_code);
	put_all_shims(fresh, kind_type[kind], is_code, convention, index);
	put_stubs(fresh, kind_type[kind], is_code, index);
	if (kind == TABLE_FULL && is_code[LSA_INDEX(UnloadPackage)])
		wrap_unload(&fresh[LSA_INDEX(UnloadPackage)], convention, number, index);
	if (may_provide(kind))
		provide_shared_memory(fresh, convention, index);
	if (!host_table)
		provide_heaps(fresh, convention, index);
	/* Slot by slot: a package that is initialised again may be calling through its copy
	 * meanwhile. */
	for (size_t i = 0; i < TABLE_SLOTS; i++)
		__atomic_store_n(&copy->slot[i], fresh[i], __ATOMIC_RELEASE);
	copy->slots = kind_slots[kind];
	return copy->slot;
}

void table_forget(uint32_t number)
{
	memset(copies[number], 0, sizeof(copies[number]));
}
