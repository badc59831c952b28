/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <string.h>

#include "../include/secpkg.h"
#include "config.h"
#include "embedded/functions.h"
#include "maps.h"
#include "shims.h"
#include "table.h"

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

static bool is_wanted(enum slot slot)
{
	return options_list_has(config->families, config->families_bytes,
				family_name[slot_family[slot]]);
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
		table_original[package][slot] =
			functions_behind(slot, behind_shims(table[slot_index[slot]], slot));
		table[slot_index[slot]] = shims[slot][package];
	}
}

void *table_substitute(const void *host_table, size_t slots, uint32_t package)
{
	bool is_dispatch = slots * sizeof(void *) <= sizeof(LSA_DISPATCH_TABLE);
	void **copy = copies[package][is_dispatch ? DISPATCH : FULL];
	void *fresh[TABLE_SLOTS] = { 0 };

	memcpy(fresh, host_table, maps_readable(host_table, sizeof(fresh)));
	hook(fresh, slots, package);
	/* Slot by slot: a package that is initialised again may be calling through its copy. */
	for (size_t i = 0; i < TABLE_SLOTS; i++)
		__atomic_store_n(&copy[i], fresh[i], __ATOMIC_RELEASE);
	return copy;
}
