/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "include/secpkg.h"
#include "preload/base/config.h"
#include "preload/file/trace.h"
#include "preload/host/images.h"
#include "preload/host/symtab.h"
#include "preload/package/inplace.h"
#include "preload/ways_in/table_symbols.h"

#include "preload/base/poison.h"

/* The shortest table is the one that LsaApInitializePackage is given. */
enum { BYTES_LEAST = sizeof(LSA_DISPATCH_TABLE) };

struct named_table {
	char name[OPTIONS_TABLE_BYTES + 1];
	void **table;   /* NULL: not found */
	uint32_t image; /* in which it lies */
	size_t slots;
};

/* Written under the loader's lock, but for the names. */
static struct named_table tables[OPTIONS_TABLES];
static uint32_t tables_used;

void table_symbols_init(void)
{
	const char *name = config->tables, *end = name + config->tables_bytes;

	for (tables_used = 0; name && name < end && tables_used < OPTIONS_TABLES; name++) {
		const char *comma = memchr(name, ',', (size_t)(end - name));
		size_t bytes = (size_t)((comma ? comma : end) - name);

		memcpy(tables[tables_used++].name, name, bytes);
		name += bytes;
	}
}

bool table_symbols_find(const struct link_map *map, bool is_base)
{
	bool has_none = true;
	struct symbol symbol;

	(void)is_base;
	if (elf_image_is_own(map->l_ld))
		return true;
	for (uint32_t i = 0; i < tables_used; i++) {
		struct named_table *t = &tables[i];

		if (t->table && images_is_loaded(t->image)) {
			has_none &= t->image != images_number(map->l_ld);
			continue;
		}
		if (!symtab_find(map, t->name, BYTES_LEAST, &symbol))
			continue;
		has_none = false;
		t->image = images_number(map->l_ld);
		t->slots = symbol.bytes / sizeof(void *);
		t->table = t->image ? (void **)symbol.address : NULL;
	}
	return has_none;
}

/* Under the loader's lock, where no trace may be made, because that takes LOCK_COLD for long. Sets
 * `*needs_trace` if one is needed first. */
static void hook_all(void *needs_trace)
{
	for (uint32_t i = 0; i < tables_used; i++) {
		struct named_table *t = &tables[i];

		if (!t->table || t->image != images_number(t->table))
			continue;
		if (trace_is_mine())
			inplace_hook(t->table, t->slots, CONVENTION_SYSV, t->name);
		else
			*(bool *)needs_trace |= inplace_has_work(t->table, t->slots);
	}
}

void table_symbols_hook(void)
{
	bool needs_trace = false;

	if (tables_used == 0)
		return;
	link_maps_run(hook_all, &needs_trace);
	if (needs_trace && trace_begin())
		link_maps_run(hook_all, &needs_trace);
}
