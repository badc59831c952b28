/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "guard.h"
#include "log.h"
#include "maps.h"
#include "modules.h"
#include "packages.h"
#include "table.h"
#include "trace.h"
#include "tracing.h"
#include "vm.h"
#include "wrappers.h"

#include "poison.h"

enum {
	LIBRARIES = 64,
	TABLE_BYTES_MOST = sizeof(SECPKG_FUNCTION_TABLE),
	TABLES_MOST = WRAPPED_PACKAGES, /* of one library */
	NAME_BYTES = 256,
};

struct library {
	SpLsaModeInitializeFn real;
	const char *tables; /* the array that it returned last */
	ULONG count;
	size_t stride;
	char *copy;
};

struct package {
	SpLsaModeInitializeFn library; /* its entry point: tells where the package's code is */
	uint32_t position;             /* of its table in the library's array */
	const void *table;             /* its own table, and our copy of it for the host */
	void **copy;
	size_t table_bytes; /* how much of it is the package's, or may be */
	ULONG_PTR id;
	bool initialized; /* has been given a table */
	char name[NAME_BYTES];
	size_t name_bytes;
};

static struct library libraries[LIBRARIES];
static uint32_t libraries_used;
static struct package packages[WRAPPED_PACKAGES];
static uint32_t packages_used;

static void define(uint32_t index)
{
	const struct package *p = &packages[index];
	uint32_t module = modules_id((uint64_t)(uintptr_t)p->library);
	struct trace_package *record = log_begin(TRACE_RECORD_PACKAGE, sizeof(*record));

	if (!record) {
		trace_lose(TRACE_LOST_DEFINITIONS);
		return;
	}
	record->index = index;
	record->module = module;
	record->package_id = p->id;
	record->table = p->position;
	log_commit(record);
	if (p->name_bytes)
		log_text(TRACE_RECORD_PACKAGE_NAME, index, p->name, p->name_bytes);
}

static void define_new(uint32_t index)
{
	if (!cold_lock()) {
		trace_lose(TRACE_LOST_DEFINITIONS);
		return;
	}
	define(index);
	cold_unlock();
}

void *packages_hand_out(uint32_t index, ULONG_PTR id, void *table, size_t slots)
{
	struct package *p = &packages[index];
	int saved_errno = errno;
	void *ours = table;

	p->id = id;
	if (table && tracing_ensure()) {
		guard_inside = true;
		define_new(index);
		p->initialized = true;
		ours = table_substitute(table, slots, index);
		guard_inside = false;
	}
	errno = saved_errno;
	return ours;
}

bool packages_add_table(const void *table, const char *name, size_t name_bytes, uint32_t *package)
{
	struct package *p = &packages[packages_used];

	if (packages_used == WRAPPED_PACKAGES)
		return false;
	p->library = (SpLsaModeInitializeFn)(uintptr_t)table;
	p->initialized = true;
	p->name_bytes = name_bytes < NAME_BYTES ? name_bytes : NAME_BYTES;
	memcpy(p->name, name, p->name_bytes);
	define(packages_used);
	*package = packages_used++;
	return true;
}

static size_t utf8_of(unsigned c, char *to)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	to[0] = (char)(0xe0 | c >> 12);
	to[1] = (char)(0x80 | (c >> 6 & 0x3f));
	to[2] = (char)(0x80 | (c & 0x3f));
	return 3;
}

/* Names of packages are of the basic plane; what is not becomes U+FFFD. */
static size_t name_to_utf8(const WCHAR *name, char *to)
{
	WCHAR copy[NAME_BYTES / 3];
	size_t readable = maps_readable(name, sizeof(copy)), bytes = 0;

	memcpy(copy, name, readable);
	for (size_t i = 0; i < readable / sizeof(WCHAR) && copy[i]; i++)
		bytes += utf8_of(copy[i] >= 0xd800 && copy[i] < 0xe000 ? 0xfffd : copy[i],
				 to + bytes);
	return bytes;
}

void packages_name(uint32_t index, const WCHAR *name)
{
	struct package *p = &packages[index];
	int saved_errno = errno;

	if (p->name_bytes)
		return;
	p->name_bytes = name_to_utf8(name, p->name);
	if (p->initialized && trace_is_mine() && cold_lock()) {
		log_text(TRACE_RECORD_PACKAGE_NAME, index, p->name, p->name_bytes);
		cold_unlock();
	}
	errno = saved_errno;
}

static NTSTATUS library_initialize(ULONG version, PULONG package_version,
				   PSECPKG_FUNCTION_TABLE *tables, PULONG count, uint32_t index);

/* One function for each library: nothing it is given says whose it is. */
#define EIGHT(m, l) m(l##0) m(l##1) m(l##2) m(l##3) m(l##4) m(l##5) m(l##6) m(l##7)
/* Numbered in octal. */
#define EACH_LIBRARY(m) \
	EIGHT(m, 00) \
	EIGHT(m, 01) EIGHT(m, 02) EIGHT(m, 03) EIGHT(m, 04) EIGHT(m, 05) EIGHT(m, 06) EIGHT(m, 07)

#define ENTRY(l) \
	static NTSTATUS entry_##l(ULONG a, PULONG b, PSECPKG_FUNCTION_TABLE *c, PULONG d) \
	{ \
		return library_initialize(a, b, c, d, l); \
	}
EACH_LIBRARY(ENTRY)

#define ENTRY_ADDRESS(l) entry_##l,
static const SpLsaModeInitializeFn entries[LIBRARIES] = { EACH_LIBRARY(ENTRY_ADDRESS) };

/* The distance of two tables in an array. An unknown version is taken for the newest. */
static size_t stride_of(ULONG version)
{
	unsigned slots = secpkg_slots_of_version(version);

	return slots ? slots * sizeof(void *) : TABLE_BYTES_MOST;
}

/* A slot of a table, in the library's own array or in our copy. */
static void **slot_at(const void *tables, size_t stride, uint32_t table, size_t offset)
{
	return (void **)((const char *)tables + table * stride + offset);
}

#define WRAPPED_OFFSET(name) offsetof(SECPKG_FUNCTION_TABLE, name),
static const size_t offsets[WRAPPED_COUNT] = { WRAPPED_SLOTS(WRAPPED_OFFSET) };

/* Which of the wrapped slots of a table hold code? */
static void find_code(const void *tables, size_t stride, uint32_t table, bool is_code[WRAPPED_COUNT])
{
	uint64_t address[WRAPPED_COUNT];

	for (int i = 0; i < WRAPPED_COUNT; i++)
		address[i] = (uint64_t)(uintptr_t)*slot_at(tables, stride, table, offsets[i]);
	maps_find_code(address, is_code, WRAPPED_COUNT);
}

static size_t array_bytes(size_t stride, uint32_t count)
{
	return (count - 1) * stride + TABLE_BYTES_MOST;
}

/* Does every table of the array, at this stride, have what every package has? */
static bool is_plausible(const void *tables, size_t stride, uint32_t count)
{
	size_t bytes =
		(count - 1) * stride + offsetof(SECPKG_FUNCTION_TABLE, GetInfo) + sizeof(void *);
	bool is_code[WRAPPED_COUNT];

	if (maps_readable(tables, bytes) < bytes)
		return false;
	for (uint32_t table = 0; table < count; table++) {
		find_code(tables, stride, table, is_code);
		if (!is_code[WRAPPED_Initialize] || !is_code[WRAPPED_GetInfo])
			return false;
	}
	return true;
}

/*
 * Real libraries are known to report an older version than their tables are of. One table needs no
 * stride. 0: the array makes no sense at any.
 */
static size_t find_stride(const void *tables, uint32_t count, ULONG version)
{
	size_t stride = stride_of(version);

	if (count == 1 || is_plausible(tables, stride, count))
		return stride;
	for (version = SECPKG_INTERFACE_VERSION; version <= SECPKG_INTERFACE_VERSION_8;
	     version <<= 1) {
		stride = stride_of(version);
		if (is_plausible(tables, stride, count))
			return stride;
	}
	return 0;
}

/* Copies a package's table and puts ours into it. What is no code stays: the package has no such
 * function, or the table is not that long. */
static void copy_table(uint32_t index)
{
	struct package *p = &packages[index];
	bool is_code[WRAPPED_COUNT];

	memcpy(p->copy, p->table, maps_readable(p->table, p->table_bytes));
	find_code(p->copy, 0, 0, is_code);
	for (int i = 0; i < WRAPPED_COUNT; i++) {
		void **slot = slot_at(p->copy, 0, 0, offsets[i]);

		if (!is_code[i] || *slot == wrappers[i][index])
			continue;
		wrapped_original[index][i] = *slot;
		*slot = wrappers[i][index];
	}
}

void packages_refresh(uint32_t package)
{
	int saved_errno = errno;

	copy_table(package);
	errno = saved_errno;
}

/*
 * Numbers the library's packages and copies their tables; behind the last one as much as the longest
 * table would have: the host may know tables to be longer than their version says.
 */
static void number_packages(const struct library *l)
{
	for (uint32_t position = 0; position < l->count; position++) {
		struct package *p = &packages[packages_used];
		bool last = position + 1 == l->count;

		p->library = l->real;
		p->position = position;
		p->table = slot_at(l->tables, l->stride, position, 0);
		p->copy = slot_at(l->copy, l->stride, position, 0);
		p->table_bytes = last ? (size_t)TABLE_BYTES_MOST : l->stride;
		copy_table(packages_used++);
	}
}

/* Makes the host's array. False: too many packages, no memory, or nothing that is known. */
static bool take_tables(struct library *l, const void *tables, ULONG count, ULONG version)
{
	size_t stride;

	if (l->copy && l->tables == tables && l->count == count)
		return true;
	if (count > TABLES_MOST || packages_used + count > WRAPPED_PACKAGES)
		return false;
	stride = find_stride(tables, count, version);
	if (!stride || !(l->copy = vm_reserve(array_bytes(stride, count))))
		return false;
	l->tables = tables;
	l->count = count;
	l->stride = stride;
	number_packages(l);
	return true;
}

static void lose_all(ULONG count)
{
	for (ULONG i = 0; i < count; i++)
		trace_lose(TRACE_LOST_PACKAGES);
}

static NTSTATUS library_initialize(ULONG version, PULONG package_version,
				   PSECPKG_FUNCTION_TABLE *tables, PULONG count, uint32_t index)
{
	struct library *l = &libraries[index];
	NTSTATUS status = l->real(version, package_version, tables, count);
	int saved_errno = errno;

	if (!NT_SUCCESS(status) || !tables || !*tables || !count || *count == 0)
		return status;
	if (!cold_lock()) {
		errno = saved_errno;
		return status;
	}
	if (take_tables(l, *tables, *count, package_version ? *package_version : version))
		*tables = (PSECPKG_FUNCTION_TABLE)l->copy;
	else
		lose_all(*count);
	cold_unlock();
	errno = saved_errno;
	return status;
}

void packages_unloaded(void)
{
	uint64_t address[LIBRARIES];
	bool is_code[LIBRARIES];

	for (uint32_t i = 0; i < libraries_used; i++)
		address[i] = (uint64_t)(uintptr_t)libraries[i].real;
	maps_find_code(address, is_code, libraries_used);
	for (uint32_t i = 0; i < libraries_used; i++)
		if (!is_code[i])
			libraries[i].real = NULL;
}

static SpLsaModeInitializeFn entry_for(SpLsaModeInitializeFn real)
{
	for (uint32_t i = 0; i < libraries_used; i++)
		if (libraries[i].real == real)
			return entries[i];
	if (libraries_used == LIBRARIES) {
		trace_lose(TRACE_LOST_PACKAGES);
		return real;
	}
	libraries[libraries_used].real = real;
	return entries[libraries_used++];
}

SpLsaModeInitializeFn packages_entry_for(SpLsaModeInitializeFn real)
{
	SpLsaModeInitializeFn entry;

	if (!cold_lock())
		return real;
	entry = entry_for(real);
	cold_unlock();
	return entry;
}
