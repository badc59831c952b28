/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "preload/base/vm.h"
#include "preload/host/maps.h"
#include "preload/package/own_tables.h"
#include "preload/package/packages.h"
#include "preload/package/wrapped.h"

#include "preload/base/poison.h"

/* Of a copied table. The newest SDK knows 43. */
enum { SLOTS_MOST = 64 };

struct wrapped_slot {
	enum wrapped wrapped;
	size_t offset; /* in a table */
};

/* What the tables of a mode look like. */
struct layout {
	const struct wrapped_slot *slot;
	size_t slots;
	size_t certain; /* the first ones of them, which every package has */
	unsigned (*slots_of_version)(ULONG version); /* length of a table; 0: unknown version */
	const unsigned char *lengths; /* of tables, in slots; the longest comes last, then 0 */
	size_t bytes;                 /* of a table whose version is unknown */
	bool may_be_shorter;          /* than its version says: headers do not agree */
};

#define LSA_SLOT(name, member, ...) { WRAPPED_##name, offsetof(SECPKG_FUNCTION_TABLE, member) },
#define USER_SLOT(name, member, ...) \
	{ WRAPPED_##name, offsetof(SECPKG_USER_FUNCTION_TABLE, member) },
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct wrapped_slot lsa_slots[] = { WRAPPED_LSA_SLOTS(LSA_SLOT, LSA_SLOT) };
static const struct wrapped_slot user_slots[] = { WRAPPED_USER_SLOTS(USER_SLOT, USER_SLOT) };
static const unsigned char lsa_lengths[] = { 27, 28, 29, 30, 34, 35, 36, 38, 39, 42, 43, 0 };
static const unsigned char user_lengths[] = { 14, 15, 0 };

/* Versions 9 to 11 are newer than secpkg.h. */
static unsigned count_lsa_slots(ULONG version)
{
	switch (version) {
	case 0x01000000:
		return 39;
	case 0x02000000:
		return 42;
	case 0x04000000:
		return 43;
	default:
		return secpkg_slots_of_version(version);
	}
}

static const struct layout layouts[] = {
	[LIBRARY_LSA] = { lsa_slots, COUNT(lsa_slots), 2, count_lsa_slots, lsa_lengths,
			  sizeof(SECPKG_FUNCTION_TABLE), false },
	[LIBRARY_USER] = { user_slots, COUNT(user_slots), 1, secpkg_user_slots_of_version,
			   user_lengths, sizeof(SECPKG_USER_FUNCTION_TABLE), true },
};

/* A package's own table, and its copy. */
struct package_table {
	const struct own_tables *array;
	const void *own;
	void **copy;
	size_t bytes;
};

static struct package_table table_of[WRAPPED_PACKAGES]; /* by the package's number */
static void *(*behind_export)(void *function, const void *code);

void own_tables_init(void *(*behind)(void *function, const void *code))
{
	behind_export = behind;
}

static void **slot_at(const void *array, size_t stride, uint32_t position, size_t offset)
{
	return (void **)((const char *)array + position * stride + offset);
}

/* Sets is_code[] for the first `count` wrapped slots of a table. */
static void find_code(const struct layout *layout, const void *table, size_t count, bool *is_code)
{
	uint64_t address[WRAPPED_COUNT];

	for (size_t i = 0; i < count; i++)
		address[i] = (uint64_t)(uintptr_t)*slot_at(table, 0, 0, layout->slot[i].offset);
	maps_find_code(address, is_code, count);
}

/* Does every table of the array, at this stride, have the functions that every package has; or none in their place, if
 * it may lack them? */
static bool is_plausible(const struct layout *layout, const void *array, size_t stride,
			 uint32_t count, bool may_lack)
{
	size_t last = layout->slot[layout->certain - 1].offset + sizeof(void *);
	size_t bytes = (count - 1) * stride + last;
	bool is_code[WRAPPED_COUNT];

	if (maps_readable(array, bytes) < bytes)
		return false;
	for (uint32_t position = 0; position < count; position++) {
		find_code(layout, slot_at(array, stride, position, 0), layout->certain, is_code);
		for (size_t i = 0; i < layout->certain; i++)
			if (!is_code[i] &&
			    (!may_lack || *slot_at(array, stride, position, layout->slot[i].offset)))
				return false;
	}
	return true;
}

/* The stride should follow from the version, but real libraries report an older version than that
 * of their tables. One table needs no stride. Returns 0 if the array makes no sense at any. */
static size_t find_stride(const struct layout *layout, const void *array, uint32_t count,
			  ULONG version)
{
	unsigned slots = layout->slots_of_version(version);
	size_t of_version = slots ? slots * sizeof(void *) : layout->bytes, stride;

	if (count == 1 || is_plausible(layout, array, of_version, count, false))
		return of_version;
	/* At a shorter one, functions at the end of a table may be taken for those of the next. */
	for (const unsigned char *length = layout->lengths; *length; length++) {
		stride = *length * sizeof(void *);
		if ((*length > slots || layout->may_be_shorter) &&
		    is_plausible(layout, array, stride, count, false))
			return stride;
	}
	/* An authentication package needs neither Initialize nor GetInfo. */
	return slots && is_plausible(layout, array, of_version, count, true) ? of_version : 0;
}

/* Puts the wrappers into the copy of a table. What is no code stays: the package has no such
 * function, or the table is not that long. */
static void put_wrappers(void *table, const struct own_tables *array, uint32_t number)
{
	const struct layout *layout = &layouts[array->mode];
	bool is_code[WRAPPED_COUNT];

	find_code(layout, table, layout->slots, is_code);
	for (size_t i = 0; i < layout->slots; i++) {
		enum wrapped wrapped = layout->slot[i].wrapped;
		void **slot = slot_at(table, 0, 0, layout->slot[i].offset), *wrapper;

		if (array->is_for_wine && wrapped == WRAPPED_InitializePackage && !*slot &&
		    number != PACKAGE_NONE)
			*slot = wrappers_at(array->convention, wrapped, number);
		if (!is_code[i])
			continue;
		if (behind_export)
			*slot = behind_export(*slot, array->code);
		if (number == PACKAGE_NONE)
			continue;
		wrapper = wrappers_at(array->convention, wrapped, number);
		if (*slot == wrapper)
			continue;
		originals_of_wrappers[number][wrapped] = *slot;
		*slot = wrapper;
	}
}

static void copy_table(const struct package_table *t, uint32_t number)
{
	void *fresh[SLOTS_MOST] = { 0 };

	maps_copy(fresh, t->own, t->bytes);
	put_wrappers(fresh, t->array, number);
	/* Slot by slot: the host may be calling through the copy. */
	for (size_t i = 0; i < t->bytes / sizeof(void *); i++)
		__atomic_store_n(&t->copy[i], fresh[i], __ATOMIC_RELEASE);
}

void own_tables_refresh(uint32_t number)
{
	int saved_errno = errno;

	copy_table(&table_of[number], number);
	errno = saved_errno;
}

static void copy_again(const struct own_tables *tables)
{
	for (uint32_t n = 0; n < WRAPPED_PACKAGES; n++)
		if (table_of[n].array == tables && packages_code(n) == tables->code)
			copy_table(&table_of[n], n);
}

static void copy_first(const struct own_tables *tables)
{
	for (uint32_t position = 0; position < tables->count; position++) {
		bool is_last = position + 1 == tables->count;
		struct package_table t = {
			.array = tables,
			.own = slot_at(tables->array, tables->stride, position, 0),
			.copy = slot_at(tables->copy, tables->stride, position, 0),
			.bytes = is_last ? SLOTS_MOST * sizeof(void *) : tables->stride,
		};
		uint32_t number = packages_add(tables->code, position, tables->convention);

		if (number != PACKAGE_NONE)
			table_of[number] = t;
		copy_table(&t, number);
	}
}

bool own_tables_take(struct own_tables *tables, const void *array, uint32_t count, ULONG version)
{
	const struct layout *layout = &layouts[tables->mode];
	size_t stride, bytes;
	void *copy;

	if (tables->array && tables->array == array && tables->count == count) {
		copy_again(tables);
		return true;
	}
	stride = find_stride(layout, array, count, version);
	if (!stride)
		return false;
	bytes = (count - 1) * stride + SLOTS_MOST * sizeof(void *);
	/* The host may still use the copy of an array that the library has returned before. */
	if (tables->array || tables->copy_bytes < bytes) {
		copy = vm_reserve(bytes);
		if (!copy)
			return false;
		tables->copy = copy;
		tables->copy_bytes = bytes;
	}
	tables->array = array;
	tables->count = count;
	tables->stride = stride;
	copy_first(tables);
	return true;
}
