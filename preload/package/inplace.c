/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "preload/base/lock.h"
#include "preload/base/reentry.h"
#include "preload/file/trace.h"
#include "preload/host/images.h"
#include "preload/host/maps.h"
#include "preload/host/patch.h"
#include "preload/package/inplace.h"
#include "preload/package/packages.h"
#include "preload/package/table.h"

#include "preload/base/poison.h"

enum { SLOTS_MOST = 64 }; /* of a table: more than get shims */

struct inplace {
	void **table;   /* NULL: another table lies at its place now */
	uint32_t image; /* that holds it (images.h); 0: none does */
	size_t slots;
	enum convention convention;
	uint32_t package;           /* index */
	uint64_t hooked;            /* a bit for each slot that has held a shim */
	void *original[SLOTS_MOST]; /* behind the shim; NULL: the slot has been empty so far */
};

static struct inplace tables[TRACE_PACKAGE_OTHER];
static uint32_t tables_used;

static struct inplace *find_table(void *const *table)
{
	uint32_t used = __atomic_load_n(&tables_used, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < used; i++)
		if (tables[i].table == table && tables[i].image == images_number(table))
			return &tables[i];
	return NULL;
}

/* Should a shim stand in the slot that holds `now`? inplace.h has the cases. */
static bool needs_shim(const struct inplace *t, size_t slot, void *now)
{
	void *original = t ? t->original[slot] : NULL;

	if (!now || (original && (original != now || !(t->hooked >> slot & 1))))
		return false;
	return !elf_image_is_own(now);
}

static bool has_work(const struct inplace *t, void *const *table, size_t slots)
{
	for (size_t slot = 0; slot < slots; slot++)
		if (needs_shim(t, slot, table[slot]))
			return true;
	return false;
}

/* Returns NULL if there are too many packages. */
static struct inplace *add_table(void **table, size_t slots, enum convention convention,
				 const char *name)
{
	struct inplace *t = &tables[tables_used];

	if (tables_used == TRACE_PACKAGE_OTHER) {
		trace_lose(TRACE_LOST_PACKAGES);
		return NULL;
	}
	t->package = packages_define_table(table, name, strlen(name));
	t->image = images_number(table);
	t->table = table;
	t->slots = slots;
	t->convention = convention;
	__atomic_store_n(&tables_used, tables_used + 1, __ATOMIC_RELEASE);
	return t;
}

/* The slots that need shims are copied, get them in the copy, and are written back. */
static void put_shims(struct inplace *t, bool is_filled)
{
	void *fresh[SLOTS_MOST] = { 0 }, *now[SLOTS_MOST] = { 0 };

	for (size_t slot = 0; slot < t->slots; slot++)
		if (needs_shim(t, slot, t->table[slot]))
			t->original[slot] = now[slot] = fresh[slot] = t->table[slot];
	originals_are_late[t->package] |= is_filled;
	table_put_shims(fresh, t->slots, t->convention, t->package);
	/* Else the host may be about to fill it: then its empty slots are no sign of anything. */
	if (is_filled && !t->hooked)
		table_provide(fresh, t->slots, t->convention, t->package);
	for (size_t slot = 0; slot < t->slots; slot++) {
		if (fresh[slot] == now[slot])
			continue;
		t->hooked |= 1ull << slot;
		if (!patch_pointer(&t->table[slot], fresh[slot]))
			trace_lose(TRACE_LOST_PACKAGES);
	}
}

/* How many slots of a table may be looked at. */
static size_t count_slots(const struct inplace *t, void **table, size_t slots)
{
	if (slots > SLOTS_MOST)
		slots = SLOTS_MOST;
	if (!t)
		return maps_readable(table, slots * sizeof(*table)) / sizeof(*table);
	return slots < t->slots ? slots : t->slots;
}

bool inplace_has_work(void **table, size_t slots)
{
	struct inplace *t = find_table(table);

	return has_work(t, table, count_slots(t, table, slots));
}

static void hook_table(void **table, size_t slots, enum convention convention, const char *name,
		       bool is_filled)
{
	struct inplace *t = find_table(table);
	int saved_errno = errno;

	slots = count_slots(t, table, slots);
	if (has_work(t, table, slots) && trace_begin()) {
		if (lock_take(LOCK_COLD)) {
			/* Another thread may have added it meanwhile. */
			t = find_table(table);
			reentry_inside = true;
			if (!t)
				t = add_table(table, slots, convention, name);
			if (t)
				put_shims(t, is_filled);
			reentry_inside = false;
			lock_release(LOCK_COLD);
		} else {
			trace_lose(TRACE_LOST_PACKAGES);
		}
	}
	errno = saved_errno;
}

void inplace_hook(void **table, size_t slots, enum convention convention, const char *name)
{
	hook_table(table, slots, convention, name, false);
}

/* Another table lies there from now on. */
static void forget_table(void **table)
{
	struct inplace *t;

	if (!lock_take(LOCK_COLD)) {
		trace_lose(TRACE_LOST_PACKAGES);
		return;
	}
	t = find_table(table);
	if (t)
		t->table = NULL;
	lock_release(LOCK_COLD);
}

void inplace_hook_anew(void **table, size_t slots, enum convention convention, const char *name)
{
	const struct inplace *t = find_table(table);

	for (size_t slot = 0; t && slot < t->slots && slot < slots; slot++)
		if (table[slot] && t->original[slot] && table[slot] != t->original[slot] &&
		    !elf_image_is_own(table[slot])) {
			forget_table(table);
			break;
		}
	hook_table(table, slots, convention, name, true);
}
