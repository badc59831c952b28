/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "include/secpkg.h"
#include "preload/base/lock.h"
#include "preload/base/reentry.h"
#include "preload/base/vm.h"
#include "preload/file/trace.h"
#include "preload/host/images.h"
#include "preload/host/maps.h"
#include "preload/package/lsa_mode.h"
#include "preload/package/packages.h"

#include "preload/base/poison.h"

enum { LIBRARIES = WRAPPED_PACKAGES, SLOTS_MOST = SECPKG_PACKAGE_SLOT_COUNT };

/* A slot of a package's table that is ours in the copy. */
struct wrapped_slot {
	enum wrapped wrapped;
	size_t offset;
};

/* What the arrays of a mode are made of. */
struct layout {
	const struct wrapped_slot *slot;
	size_t slots;
	size_t certain; /* so many of them are in every package's table */
	unsigned (*slots_of_version)(ULONG version); /* 0: unknown */
	const unsigned char *lengths; /* of tables, in slots; the longest comes last, then 0 */
	size_t bytes_most;            /* of a table */
};

#define LSA_SLOT(name, ...) { WRAPPED_##name, offsetof(SECPKG_FUNCTION_TABLE, name) },
#define USER_SLOT(name) { WRAPPED_##name, offsetof(SECPKG_USER_FUNCTION_TABLE, name) },
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct wrapped_slot lsa_slots[] = { WRAPPED_LSA_SLOTS(LSA_SLOT, LSA_SLOT) };
static const struct wrapped_slot user_slots[] = { WRAPPED_USER_SLOTS(USER_SLOT) };
static const unsigned char lsa_lengths[] = { 27, 28, 29, 30, 34, 35, 36, 38, 0 };
static const unsigned char user_lengths[] = { 14, 15, 0 };

static const struct layout layouts[] = {
	[LIBRARY_LSA] = { lsa_slots, COUNT(lsa_slots), 2, secpkg_slots_of_version, lsa_lengths,
			  sizeof(SECPKG_FUNCTION_TABLE) },
	[LIBRARY_USER] = { user_slots, COUNT(user_slots), 1, secpkg_user_slots_of_version,
			   user_lengths, sizeof(SECPKG_USER_FUNCTION_TABLE) },
};

/* Both entry points have one prototype but for the tables' type. */
typedef NTSTATUS initialize_function(ULONG version, PULONG package_version, void **tables,
				     PULONG count);

struct library {
	initialize_function *real; /* NULL: the place is free */
	uint32_t image;            /* which holds that function (images.h); 0: none */
	const struct layout *layout;
	const char *tables; /* the array that it returned last */
	ULONG count;
	size_t stride;
	char *copy; /* stays, for the next library in this place */
	size_t copy_bytes;
};

/* The own table of the package of a number, and our copy of it for the host. */
struct package_table {
	const struct library *library;
	const void *own;
	void **copy;
	size_t bytes; /* how much of it is the package's, or may be */
};

static struct library libraries[LIBRARIES];
static struct package_table tables_of[WRAPPED_PACKAGES];
static void *(*behind_export)(void *function, const void *code);

void lsa_mode_init(void *(*behind)(void *function, const void *code))
{
	behind_export = behind;
}

static size_t stride_of(const struct layout *layout, ULONG version)
{
	unsigned slots = layout->slots_of_version(version);

	return slots ? slots * sizeof(void *) : layout->bytes_most;
}

static void **slot_at(const void *tables, size_t stride, uint32_t table, size_t offset)
{
	return (void **)((const char *)tables + table * stride + offset);
}

/* Which of the first `count` wrapped slots of a table hold code? */
static void find_code(const struct layout *layout, const void *table, size_t count, bool *is_code)
{
	uint64_t address[WRAPPED_COUNT];

	for (size_t i = 0; i < count; i++)
		address[i] = (uint64_t)(uintptr_t)*slot_at(table, 0, 0, layout->slot[i].offset);
	maps_find_code(address, is_code, count);
}

/* Does every table of the array, at this stride, have what every package has? */
static bool is_plausible(const struct layout *layout, const void *tables, size_t stride,
			 uint32_t count)
{
	size_t last = layout->slot[layout->certain - 1].offset + sizeof(void *);
	size_t bytes = (count - 1) * stride + last;
	bool is_code[WRAPPED_COUNT];

	if (maps_readable(tables, bytes) < bytes)
		return false;
	for (uint32_t table = 0; table < count; table++) {
		find_code(layout, slot_at(tables, stride, table, 0), layout->certain, is_code);
		for (size_t i = 0; i < layout->certain; i++)
			if (!is_code[i])
				return false;
	}
	return true;
}

/*
 * Real libraries are known to report an older version than their tables are of. One table needs no
 * stride. 0: the array makes no sense at any.
 */
static size_t find_stride(const struct layout *layout, const void *tables, uint32_t count,
			  ULONG version)
{
	size_t stride = stride_of(layout, version);

	if (count == 1 || is_plausible(layout, tables, stride, count))
		return stride;
	for (const unsigned char *length = layout->lengths; *length; length++) {
		stride = *length * sizeof(void *);
		if (is_plausible(layout, tables, stride, count))
			return stride;
	}
	return 0;
}

/* Puts ours into the copy of a table. What is no code stays: the package has no such function, or the
 * table is not that long. */
static void wrap(void *table, const struct library *l, uint32_t number)
{
	const struct layout *layout = l->layout;
	bool is_code[WRAPPED_COUNT];

	find_code(layout, table, layout->slots, is_code);
	for (size_t i = 0; i < layout->slots; i++) {
		enum wrapped wrapped = layout->slot[i].wrapped;
		void **slot = slot_at(table, 0, 0, layout->slot[i].offset);

		if (!is_code[i])
			continue;
		if (behind_export)
			*slot = behind_export(*slot, (const void *)l->real);
		if (number == PACKAGE_NONE || *slot == wrappers[wrapped][number])
			continue;
		originals_of_wrappers[number][wrapped] = *slot;
		*slot = wrappers[wrapped][number];
	}
}

static void copy_table(const struct package_table *t, uint32_t number)
{
	void *fresh[SLOTS_MOST] = { 0 };

	maps_copy(fresh, t->own, t->bytes);
	wrap(fresh, t->library, number);
	/* Slot by slot: the host may be calling through it. */
	for (size_t i = 0; i < t->bytes / sizeof(void *); i++)
		__atomic_store_n(&t->copy[i], fresh[i], __ATOMIC_RELEASE);
}

void lsa_mode_refresh(uint32_t number)
{
	int saved_errno = errno;

	copy_table(&tables_of[number], number);
	errno = saved_errno;
}

/*
 * Numbers the library's packages and copies their tables; behind the last one as much as the longest
 * table would have: the host may know tables to be longer than their version says.
 */
static void copy_tables(const struct library *l)
{
	for (uint32_t position = 0; position < l->count; position++) {
		bool is_last = position + 1 == l->count;
		struct package_table t = {
			.library = l,
			.own = slot_at(l->tables, l->stride, position, 0),
			.copy = slot_at(l->copy, l->stride, position, 0),
			.bytes = is_last ? l->layout->bytes_most : l->stride,
		};
		uint32_t number = packages_add((const void *)l->real, position);

		if (number != PACKAGE_NONE)
			tables_of[number] = t;
		copy_table(&t, number);
	}
}

/* The library may have changed its tables. */
static void copy_again(const struct library *l)
{
	for (uint32_t n = 0; n < WRAPPED_PACKAGES; n++)
		if (tables_of[n].library == l && packages_code(n) == (const void *)l->real)
			copy_table(&tables_of[n], n);
}

/* The copy of an array that the library has returned before may be in use. */
static bool make_room(struct library *l, size_t bytes)
{
	void *copy;

	if (!l->tables && l->copy_bytes >= bytes)
		return true;
	copy = vm_reserve(bytes);
	if (!copy)
		return false;
	l->copy = copy;
	l->copy_bytes = bytes;
	return true;
}

/* Makes the host's array. False: no memory, or nothing that is known. */
static bool take_tables(struct library *l, const void *tables, ULONG count, ULONG version)
{
	size_t stride;

	if (l->tables && l->tables == tables && l->count == count) {
		copy_again(l);
		return true;
	}
	stride = find_stride(l->layout, tables, count, version);
	if (!stride || !make_room(l, (count - 1) * stride + l->layout->bytes_most))
		return false;
	l->tables = tables;
	l->count = count;
	l->stride = stride;
	copy_tables(l);
	return true;
}

static void lose_all(ULONG count)
{
	for (ULONG i = 0; i < count; i++)
		trace_lose(TRACE_LOST_PACKAGES);
}

static NTSTATUS initialize(ULONG version, PULONG package_version, void **tables, PULONG count,
			   uint32_t index)
{
	struct library *l = &libraries[index];
	NTSTATUS status = l->real(version, package_version, tables, count);
	int saved_errno = errno;

	if (!NT_SUCCESS(status) || !tables || !*tables || !count || *count == 0)
		return status;
	if (!lock_take(LOCK_COLD)) {
		lose_all(*count);
		errno = saved_errno;
		return status;
	}
	if (take_tables(l, *tables, *count, package_version ? *package_version : version))
		*tables = l->copy;
	else
		lose_all(*count);
	lock_release(LOCK_COLD);
	errno = saved_errno;
	return status;
}

/* One function for each library: nothing it is given says whose it is. */
#define EIGHT(m, l) m(l##0) m(l##1) m(l##2) m(l##3) m(l##4) m(l##5) m(l##6) m(l##7)
#define SIXTY_FOUR(m, l) \
	EIGHT(m, l##0) \
	EIGHT(m, l##1) \
	EIGHT(m, l##2) EIGHT(m, l##3) EIGHT(m, l##4) EIGHT(m, l##5) EIGHT(m, l##6) EIGHT(m, l##7)
/* Numbered in octal. */
#define EACH_LIBRARY(m) SIXTY_FOUR(m, 00) SIXTY_FOUR(m, 01)

#define ENTRY(l) \
	static NTSTATUS entry_##l(ULONG a, PULONG b, void **c, PULONG d) \
	{ \
		return initialize(a, b, c, d, l); \
	}
EACH_LIBRARY(ENTRY)

#define ENTRY_ADDRESS(l) entry_##l,
static initialize_function *const entries[LIBRARIES] = { EACH_LIBRARY(ENTRY_ADDRESS) };

/*
 * What lies in an image goes with it. Of what lies in none the kernel is asked whether code may still lie
 * there: of all at once, for where one is gone, another may be mapped by another thread a moment later,
 * and a library must not outlive its packages.
 */
static void find_gone(const uint64_t *code, const uint32_t *image, bool *is_gone, size_t count)
{
	bool is_outside = false;

	memset(is_gone, false, count * sizeof(*is_gone));
	for (size_t i = 0; i < count; i++)
		is_outside |= code[i] && !image[i];
	if (is_outside)
		maps_find_code(code, is_gone, count);
	for (size_t i = 0; i < count; i++)
		is_gone[i] = code[i] && (image[i] ? !images_is_loaded(image[i]) : !is_gone[i]);
}

void lsa_mode_forget_unloaded(void)
{
	uint64_t code[LIBRARIES + WRAPPED_PACKAGES];
	uint32_t image[LIBRARIES + WRAPPED_PACKAGES];
	bool is_gone[LIBRARIES + WRAPPED_PACKAGES];

	for (uint32_t i = 0; i < LIBRARIES; i++) {
		code[i] = (uint64_t)(uintptr_t)libraries[i].real;
		image[i] = libraries[i].image;
	}
	for (uint32_t n = 0; n < WRAPPED_PACKAGES; n++) {
		code[LIBRARIES + n] = (uint64_t)(uintptr_t)packages_code(n);
		image[LIBRARIES + n] = packages_image(n);
	}
	find_gone(code, image, is_gone, LIBRARIES + WRAPPED_PACKAGES);
	for (uint32_t i = 0; i < LIBRARIES; i++)
		if (is_gone[i]) {
			libraries[i].real = NULL;
			libraries[i].tables = NULL;
		}
	for (uint32_t n = 0; n < WRAPPED_PACKAGES; n++)
		if (is_gone[LIBRARIES + n])
			packages_remove(n);
}

static struct library *find(const void *real, const struct layout *layout)
{
	for (uint32_t i = 0; i < LIBRARIES; i++)
		if ((const void *)libraries[i].real == real && libraries[i].layout == layout)
			return &libraries[i];
	return NULL;
}

static struct library *find_free(void)
{
	for (uint32_t i = 0; i < LIBRARIES; i++)
		if (!libraries[i].real)
			return &libraries[i];
	return NULL;
}

static void *entry_for(void *real, const struct layout *layout)
{
	/* First: what is there now is noted, and so what lay there before is known to be gone. */
	uint32_t image = images_number(real);
	struct library *l;

	lsa_mode_forget_unloaded();
	l = find(real, layout);
	if (!l && (l = find_free()) != NULL) {
		l->real = (initialize_function *)real;
		l->image = image;
		l->layout = layout;
	}
	if (!l) {
		trace_lose(TRACE_LOST_PACKAGES);
		return real;
	}
	return (void *)entries[l - libraries];
}

void *lsa_mode_entry_for(void *real, enum library_mode mode)
{
	void *entry;

	if (!lock_take(LOCK_COLD)) {
		trace_lose(TRACE_LOST_PACKAGES);
		return real;
	}
	entry = entry_for(real, &layouts[mode]);
	lock_release(LOCK_COLD);
	return entry;
}
