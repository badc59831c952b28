/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <string.h>

#include "../include/secpkg.h"
#include "config.h"
#include "embedded/embedded.h"
#include "embedded/heaps.h"
#include "guard.h"
#include "log.h"
#include "maps.h"
#include "shims.h"
#include "table.h"
#include "trace.h"

#include "poison.h"

#define SLOT_INDEX(name, family, role, shim) \
	offsetof(LSA_SECPKG_FUNCTION_TABLE, name) / sizeof(void *),
#define SLOT_FAMILY(name, family, role, shim) FAMILY_##family,
#define FAMILY_NAME(constant, text) text,

_Static_assert(sizeof(LSA_SECPKG_FUNCTION_TABLE) <= TABLE_SLOTS * sizeof(void *), "table");

void *table_original[TRACE_PACKAGES][SLOT_COUNT];

/* Of a full table and of a dispatch table each its own: a package may be given one after the other. */
enum { FULL, DISPATCH, KINDS };
static void *copies[TRACE_PACKAGES][KINDS][TABLE_SLOTS];

static const size_t slot_index[] = { TRACED_SLOTS(SLOT_INDEX) };
static const enum family slot_family[] = { TRACED_SLOTS(SLOT_FAMILY) };
static const char *const family_name[] = { "", TRACED_FAMILIES(FAMILY_NAME) };

/* Our functions, by what the user asked for; NULL: none. */
static void *const *const implementations[ALLOCATOR_COUNT] = {
	[ALLOCATOR_AUTO] = embedded_functions,
	[ALLOCATOR_EMBEDDED] = embedded_functions,
};

static bool is_family_wanted(enum family family)
{
	return options_list_has(config->families, config->families_bytes, family_name[family]);
}

static bool is_wanted(enum slot slot)
{
	return is_family_wanted(slot_family[slot]);
}

/* The host's function behind a slot: what is there, unless a package was handed another one's table. */
static void *behind_shims(void *function, enum slot slot)
{
	for (uint32_t package = 0; package < TRACE_PACKAGES; package++)
		if (function == shims[slot][package])
			return table_original[package][slot];
	return function;
}

/* Puts the shims into `table`, and notes what was there. */
static void hook(void **table, size_t slots, uint32_t package)
{
	uint64_t address[SLOT_COUNT];
	bool is_code[SLOT_COUNT];

	for (enum slot slot = 0; slot < SLOT_COUNT; slot++)
		address[slot] = (uint64_t)(uintptr_t)table[slot_index[slot]];
	maps_find_code(address, is_code, SLOT_COUNT);
	for (enum slot slot = 0; slot < SLOT_COUNT; slot++) {
		if (!is_code[slot] || slot_index[slot] >= slots || !is_wanted(slot))
			continue;
		table_original[package][slot] = behind_shims(table[slot_index[slot]], slot);
		table[slot_index[slot]] = shims[slot][package];
	}
}

/* A dispatch table has no slots of shared memory: there, nothing of ours is missing. */
static bool may_provide(size_t slots)
{
	return implementations[config->allocator] && is_family_wanted(FAMILY_SHARED_MEMORY) &&
	       slots * sizeof(void *) > sizeof(LSA_DISPATCH_TABLE);
}

bool table_stands_for_null(size_t slots)
{
	return may_provide(slots);
}

/* A family works as a whole or not at all: a block of one implementation is none of another's. */
static bool is_whole(void *const *table, enum family family)
{
	for (enum slot slot = 0; slot < SLOT_COUNT; slot++)
		if (slot_family[slot] == family && !table[slot_index[slot]])
			return false;
	return true;
}

static void note(uint32_t package, enum family family, enum trace_allocator allocator)
{
	uint32_t number = package | (uint32_t)family << 8 | (uint32_t)allocator << 16;

	if (!trace_is_mine())
		return;
	if (cold_lock()) {
		log_text(TRACE_RECORD_ALLOCATOR, number, "", 0);
		cold_unlock();
	} else {
		trace_lose(TRACE_LOST_DEFINITIONS);
	}
}

/* Puts our functions of a family in the place of the host's. */
static void provide(void **table, uint32_t package, enum family family)
{
	void *const *functions = implementations[config->allocator];

	for (enum slot slot = 0; slot < SLOT_COUNT; slot++) {
		if (slot_family[slot] != family || !functions[slot])
			continue;
		table_original[package][slot] = functions[slot];
		table[slot_index[slot]] = is_wanted(slot) ? shims[slot][package] : functions[slot];
	}
}

static void provide_shared_memory(void **table, uint32_t package)
{
	bool is_missing = !is_whole(table, FAMILY_SHARED_MEMORY);

	if (!is_missing && config->allocator == ALLOCATOR_AUTO)
		return;
	provide(table, package, FAMILY_SHARED_MEMORY);
	note(package, FAMILY_SHARED_MEMORY,
	     is_missing ? TRACE_ALLOCATOR_EMBEDDED : TRACE_ALLOCATOR_EMBEDDED_INSTEAD);
}

static void provide_heap(void **table, uint32_t package, enum family family)
{
	provide(table, package, family);
	note(package, family, TRACE_ALLOCATOR_EMBEDDED);
}

static bool have_heaps(void)
{
	bool are_there = false;

	if (cold_lock()) {
		are_there = heaps_init();
		cold_unlock();
	}
	return are_there;
}

static void read_host_table(void **table, const void *host_table, size_t bytes)
{
	if (host_table)
		memcpy(table, host_table, maps_readable(host_table, bytes));
}

void *table_substitute(const void *host_table, size_t slots, uint32_t package)
{
	bool is_dispatch = slots * sizeof(void *) <= sizeof(LSA_DISPATCH_TABLE);
	void **copy = copies[package][is_dispatch ? DISPATCH : FULL];
	void *fresh[TABLE_SLOTS] = { 0 };

	if (!host_table && !have_heaps())
		return NULL;
	read_host_table(fresh, host_table, sizeof(fresh));
	hook(fresh, slots, package);
	if (may_provide(slots))
		provide_shared_memory(fresh, package);
	if (!host_table) {
		provide_heap(fresh, package, FAMILY_LSA_HEAP);
		provide_heap(fresh, package, FAMILY_PRIVATE_HEAP);
	}
	/* Slot by slot: a package that is initialised again may be calling through its copy. */
	for (size_t i = 0; i < TABLE_SLOTS; i++)
		__atomic_store_n(&copy[i], fresh[i], __ATOMIC_RELEASE);
	return copy;
}
