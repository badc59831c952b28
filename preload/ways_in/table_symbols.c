/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "include/secpkg.h"
#include "preload/base/config.h"
#include "preload/host/image.h"
#include "preload/host/symtab.h"
#include "preload/package/inplace.h"
#include "preload/ways_in/table_symbols.h"

#include "preload/base/poison.h"

/* As short as a table may be: the one that LsaApInitializePackage is handed. */
enum { BYTES_LEAST = sizeof(LSA_DISPATCH_TABLE) };

struct named {
	char name[OPTIONS_TABLE_BYTES + 1];
	const struct link_map *map;
	size_t slots;
	void **table; /* NULL: not found */
};

static struct named tables[OPTIONS_TABLES];
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

static bool is_still_there(const struct named *t, void **table)
{
	return image_at(table, NULL, NULL) == t->map;
}

/* Which of the tables that nobody has found yet lie in an object. False: one of them lies there. */
bool table_symbols_find(const struct link_map *map, bool is_base)
{
	bool has_none = true;
	struct symbol symbol;

	(void)is_base;
	if (map == image_at((const void *)&table_symbols_find, NULL, NULL))
		return true;
	for (uint32_t i = 0; i < tables_used; i++) {
		struct named *t = &tables[i];
		void **table = __atomic_load_n(&t->table, __ATOMIC_ACQUIRE);

		if (table) {
			has_none &= t->map != map;
			continue;
		}
		if (!symtab_find(map, t->name, BYTES_LEAST, &symbol))
			continue;
		has_none = false;
		t->map = map;
		t->slots = symbol.bytes / sizeof(void *);
		__atomic_store_n(&t->table, (void **)symbol.address, __ATOMIC_RELEASE);
	}
	return has_none;
}

void table_symbols_hook(void)
{
	for (uint32_t i = 0; i < tables_used; i++) {
		void **table = __atomic_load_n(&tables[i].table, __ATOMIC_ACQUIRE);

		if (table && is_still_there(&tables[i], table))
			inplace_hook(table, tables[i].slots, tables[i].name);
	}
}

void table_symbols_unloaded(void)
{
	for (uint32_t i = 0; i < tables_used; i++) {
		void **table = __atomic_load_n(&tables[i].table, __ATOMIC_ACQUIRE);

		if (!table || is_still_there(&tables[i], table))
			continue;
		inplace_forget(table);
		__atomic_store_n(&tables[i].table, NULL, __ATOMIC_RELEASE);
	}
}
