/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "../include/secpkg.h"
#include "config.h"
#include "maps.h"
#include "shims.h"
#include "table.h"
#include "trace.h"

#include "poison.h"

enum table_type { TYPE_LSA, TYPE_DLL };

#define SLOT_TYPE(table, name, family, role, shim) TYPE_##table,
#define SLOT_INDEX(table, name, family, role, shim) \
	offsetof(SLOT_TABLE_##table, name) / sizeof(void *),
#define SLOT_FAMILY(table, name, family, role, shim) FAMILY_##family,
#define FAMILY_NAME(constant, text) text,

static const enum table_type slot_type[] = { TRACED_SLOTS(SLOT_TYPE) };
static const size_t slot_index[] = { TRACED_SLOTS(SLOT_INDEX) };
static const enum family slot_family[] = { TRACED_SLOTS(SLOT_FAMILY) };
static const char *const family_name[] = { "", TRACED_FAMILIES(FAMILY_NAME) };

static const enum table_type kind_type[TABLE_KINDS] = { TYPE_LSA, TYPE_LSA, TYPE_DLL };
static const size_t kind_slots[TABLE_KINDS] = {
	sizeof(LSA_SECPKG_FUNCTION_TABLE) / sizeof(void *),
	sizeof(LSA_DISPATCH_TABLE) / sizeof(void *),
	sizeof(SECPKG_DLL_FUNCTIONS) / sizeof(void *),
};

_Static_assert(sizeof(LSA_SECPKG_FUNCTION_TABLE) <= TABLE_SLOTS * sizeof(void *), "table");

void *table_original[TRACE_PACKAGES][SLOT_COUNT];

static void *copies[WRAPPED_PACKAGES][TABLE_KINDS][TABLE_SLOTS];

static bool is_wanted(enum slot slot)
{
	return options_list_has(config->families, config->families_bytes,
				family_name[slot_family[slot]]);
}

static bool has_slot(enum table_kind kind, enum slot slot)
{
	return slot_type[slot] == kind_type[kind] && slot_index[slot] < kind_slots[kind];
}

/* The host's function behind a slot: what is there, unless a package was handed another one's table. */
static void *behind_shims(void *function, enum slot slot)
{
	for (uint32_t index = 0; index < TRACE_PACKAGES; index++)
		if (function == shims[slot][index])
			return table_original[index][slot];
	return function;
}

/* Packages that share an index share its shims, and what is behind them. */
static bool is_taken(enum slot slot, uint32_t index, const void *function)
{
	const void *original = table_original[index][slot];

	return index == TRACE_PACKAGE_OTHER && original && original != function;
}

#define LSA_INDEX(name) (offsetof(LSA_SECPKG_FUNCTION_TABLE, name) / sizeof(void *))

/* As far as the oldest table known: functions, or none, and those that packages are after. */
static bool goes_on(const void *const *table)
{
	uint64_t address[LSA_INDEX(DeleteSharedMemory) + 1];
	bool is_code[LSA_INDEX(DeleteSharedMemory) + 1];

	if (maps_readable(table, sizeof(address)) < sizeof(address))
		return false;
	memcpy(address, table, sizeof(address));
	maps_find_code(address, is_code, sizeof(is_code));
	for (size_t i = LSA_INDEX(ImpersonateClient); i <= LSA_INDEX(DeleteSharedMemory); i++)
		if (!is_code[i] && (address[i] || i >= LSA_INDEX(CreateSharedMemory)))
			return false;
	return true;
}

enum table_kind table_kind_of(const void *host_table, enum table_kind kind)
{
	return kind == TABLE_DISPATCH && goes_on(host_table) ? TABLE_FULL : kind;
}

/* Puts the shims into `table`, and notes what was there. */
static void hook(void **table, enum table_kind kind, uint32_t index)
{
	uint64_t address[SLOT_COUNT];
	bool is_code[SLOT_COUNT], is_whole = true;

	for (enum slot slot = 0; slot < SLOT_COUNT; slot++)
		address[slot] = (uint64_t)(uintptr_t)table[slot_index[slot]];
	maps_find_code(address, is_code, SLOT_COUNT);
	for (enum slot slot = 0; slot < SLOT_COUNT; slot++) {
		void *function;

		if (!is_code[slot] || !has_slot(kind, slot) || !is_wanted(slot))
			continue;
		function = behind_shims(table[slot_index[slot]], slot);
		if (is_taken(slot, index, function)) {
			table[slot_index[slot]] = function;
			is_whole = false;
			continue;
		}
		table_original[index][slot] = function;
		table[slot_index[slot]] = shims[slot][index];
	}
	if (!is_whole)
		trace_lose(TRACE_LOST_PACKAGES);
}

void *table_substitute(const void *host_table, enum table_kind kind, uint32_t number, uint32_t index)
{
	void **copy = copies[number][kind];
	void *fresh[TABLE_SLOTS] = { 0 };

	memcpy(fresh, host_table, maps_readable(host_table, sizeof(fresh)));
	hook(fresh, kind, index);
	/* Slot by slot: a package that is initialised again may be calling through its copy. */
	for (size_t i = 0; i < TABLE_SLOTS; i++)
		__atomic_store_n(&copy[i], fresh[i], __ATOMIC_RELEASE);
	return copy;
}
