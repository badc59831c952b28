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

struct inplace {
	void **table;   /* NULL: it is gone */
	uint32_t image; /* in which it lies (images.h); 0: in none */
	size_t slots;
	uint32_t package;
	uint64_t hooked;             /* a bit for each slot that has been ours */
	void *original[TABLE_SLOTS]; /* NULL: there was nothing in the slot so far */
};

_Static_assert(TABLE_SLOTS <= 64, "bits of struct inplace");

static struct inplace tables[TRACE_PACKAGE_OTHER];
static uint32_t tables_used;

static struct inplace *find(void *const *table)
{
	uint32_t used = __atomic_load_n(&tables_used, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < used; i++)
		if (tables[i].table == table && tables[i].image == images_number(table))
			return &tables[i];
	return NULL;
}

static bool is_ours(const void *function)
{
	return elf_image_is_own(function);
}

/* Is a shim to stand where `now` stands? */
static bool is_to_hook(const struct inplace *t, size_t slot, void *now)
{
	void *original = t ? t->original[slot] : NULL;

	if (!now || (original && (original != now || !(t->hooked >> slot & 1))))
		return false;
	return !is_ours(now);
}

static bool has_work(const struct inplace *t, void *const *table, size_t slots)
{
	for (size_t slot = 0; slot < slots; slot++)
		if (is_to_hook(t, slot, table[slot]))
			return true;
	return false;
}

/* NULL: there are too many packages. */
static struct inplace *add(void **table, size_t slots, const char *name)
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
	__atomic_store_n(&tables_used, tables_used + 1, __ATOMIC_RELEASE);
	return t;
}

/* What changes is copied, gets its shims in the copy, and comes back. */
static void put_shims(struct inplace *t, bool is_filled)
{
	void *fresh[TABLE_SLOTS] = { 0 }, *now[TABLE_SLOTS] = { 0 };

	for (size_t slot = 0; slot < t->slots; slot++)
		if (is_to_hook(t, slot, t->table[slot]))
			t->original[slot] = now[slot] = fresh[slot] = t->table[slot];
	table_put_shims(fresh, t->slots, t->package);
	/* A table that the host may not have filled yet is not to be found full. */
	if (is_filled && !t->hooked)
		table_provide(fresh, t->slots, t->package);
	for (size_t slot = 0; slot < t->slots; slot++) {
		if (fresh[slot] == now[slot])
			continue;
		t->hooked |= 1ull << slot;
		if (!patch_pointer(&t->table[slot], fresh[slot]))
			trace_lose(TRACE_LOST_PACKAGES);
	}
}

static void hook_under_lock(void **table, size_t slots, const char *name, bool is_filled)
{
	struct inplace *t = find(table);

	reentry_inside = true;
	if (!t)
		t = add(table, slots, name);
	if (t)
		put_shims(t, is_filled);
	reentry_inside = false;
}

/* How many of a table's slots there are to look at. */
static size_t count_slots(const struct inplace *t, void **table, size_t slots)
{
	if (slots > TABLE_SLOTS)
		slots = TABLE_SLOTS;
	if (!t)
		return maps_readable(table, slots * sizeof(*table)) / sizeof(*table);
	return slots < t->slots ? slots : t->slots;
}

bool inplace_has_work(void **table, size_t slots)
{
	struct inplace *t = find(table);

	return has_work(t, table, count_slots(t, table, slots));
}

static void hook(void **table, size_t slots, const char *name, bool is_filled)
{
	struct inplace *t = find(table);
	int saved_errno = errno;

	slots = count_slots(t, table, slots);
	if (has_work(t, table, slots) && trace_begin()) {
		if (lock_take(LOCK_COLD)) {
			hook_under_lock(table, slots, name, is_filled);
			lock_release(LOCK_COLD);
		} else {
			trace_lose(TRACE_LOST_PACKAGES);
		}
	}
	errno = saved_errno;
}

void inplace_hook(void **table, size_t slots, const char *name)
{
	hook(table, slots, name, false);
}

/* Another table lies there from now on. */
static void forget(void **table)
{
	struct inplace *t;

	if (!lock_take(LOCK_COLD)) {
		trace_lose(TRACE_LOST_PACKAGES);
		return;
	}
	t = find(table);
	if (t)
		t->table = NULL;
	lock_release(LOCK_COLD);
}

void inplace_hook_anew(void **table, size_t slots, const char *name)
{
	const struct inplace *t = find(table);

	for (size_t slot = 0; t && slot < t->slots && slot < slots; slot++)
		if (table[slot] && t->original[slot] && table[slot] != t->original[slot] &&
		    !is_ours(table[slot])) {
			forget(table);
			break;
		}
	hook(table, slots, name, true);
}
