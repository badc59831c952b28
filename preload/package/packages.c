/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "preload/base/lock.h"
#include "preload/base/reentry.h"
#include "preload/capture/modules.h"
#include "preload/file/log.h"
#include "preload/file/trace.h"
#include "preload/host/images.h"
#include "preload/host/maps.h"
#include "preload/ledger/gaps.h"
#include "preload/package/packages.h"
#include "preload/package/wrapped.h"

#include "preload/base/poison.h"

enum { NAME_BYTES = 256 };

struct package {
	const void *code;  /* an address in its library; NULL: the number is free */
	uint32_t image;    /* that holds the code (images.h); 0: none does */
	uint32_t position; /* of its table in the library's array */
	enum convention convention;
	bool has_index; /* it was handed a table, and has not ended since */
	uint32_t index;
	ULONG_PTR id;
	char name[NAME_BYTES];
	size_t name_bytes;
};

static struct package packages[WRAPPED_PACKAGES];
static uint32_t indices_used; /* without the shared one */

uint32_t packages_add(const void *code, uint32_t position, enum convention convention)
{
	for (uint32_t number = 0; number < WRAPPED_PACKAGES; number++)
		if (!packages[number].code) {
			packages[number].code = code;
			packages[number].image = images_number(code);
			packages[number].position = position;
			packages[number].convention = convention;
			packages[number].index = TRACE_PACKAGE_OTHER;
			return number;
		}
	trace_lose(TRACE_LOST_PACKAGES);
	return PACKAGE_NONE;
}

const void *packages_code(uint32_t number)
{
	return packages[number].code;
}

uint32_t packages_image(uint32_t number)
{
	return packages[number].image;
}

uint32_t packages_index(uint32_t number)
{
	return packages[number].index;
}

static void define_name(const struct package *p)
{
	log_text(TRACE_RECORD_PACKAGE_NAME, p->index, p->name, p->name_bytes);
}

static void define_record(const struct trace_package *what)
{
	struct trace_package *record = log_begin(TRACE_RECORD_PACKAGE, sizeof(*record));

	if (!record) {
		trace_lose(TRACE_LOST_DEFINITIONS);
		return;
	}
	memcpy(&record->index, &what->index, sizeof(*what) - offsetof(struct trace_package, index));
	log_commit(record);
}

static void define_package(const struct package *p, uint32_t flags)
{
	uint32_t module = modules_id((uint64_t)(uintptr_t)p->code);

	if (p->position != TRACE_TABLE_OF_HOST)
		originals_modules[p->index] = module;
	define_record(&(struct trace_package){
		.index = p->index,
		.module = module,
		.package_id = p->id,
		.table = p->position,
		.flags = flags,
	});
	if (p->name_bytes)
		define_name(p);
}

/* The record says nothing but the index: what is true of one of the packages that share it is not
 * true of the others. */
static void define_other(void)
{
	static bool is_defined;

	if (!is_defined)
		define_record(&(struct trace_package){ .index = TRACE_PACKAGE_OTHER,
						       .flags = TRACE_PACKAGE_NO_ID });
	is_defined = true;
}

static void give_index(struct package *p)
{
	p->has_index = true;
	p->index = indices_used < TRACE_PACKAGE_OTHER ? indices_used++ : TRACE_PACKAGE_OTHER;
}

/* Under the cold lock. */
static void define_if_new(struct package *p, ULONG_PTR id, enum table_kind kind)
{
	bool is_known = p->has_index && p->id == id;

	if (!p->has_index)
		give_index(p);
	p->id = id;
	if (p->index == TRACE_PACKAGE_OTHER)
		define_other();
	else if (!is_known)
		define_package(p, kind == TABLE_DLL ? TRACE_PACKAGE_NO_ID : 0);
}

uint32_t packages_define_table(const void *table, const char *name, size_t name_bytes)
{
	struct package p = { .code = table, .position = TRACE_TABLE_OF_HOST };

	give_index(&p);
	p.name_bytes = name_bytes < NAME_BYTES ? name_bytes : NAME_BYTES;
	memcpy(p.name, name, p.name_bytes);
	if (p.index == TRACE_PACKAGE_OTHER)
		define_other();
	else
		define_package(&p, TRACE_PACKAGE_NO_ID);
	return p.index;
}

/* Says in the trace that functions of a table are passed on untraced. What they give cannot be told
 * from what is nobody's. */
static void note_doubt(uint32_t index, unsigned slot)
{
	log_text(TRACE_RECORD_DOUBT, index | slot << 8, "", 0);
	trace_lose(TRACE_LOST_PACKAGES);
	gaps_open();
}

/* Under the cold lock. */
static void *hand_out(uint32_t number, ULONG_PTR id, void *table, enum table_kind handed)
{
	struct package *p = &packages[number];
	unsigned doubt;
	enum table_kind kind = table_kind_of(table, handed, &doubt);
	void *copy;

	define_if_new(p, id, kind);
	copy = table_substitute(table, handed, kind, p->convention, number, p->index);
	if (doubt)
		note_doubt(p->index, doubt);
	return copy;
}

void *packages_hand_out(uint32_t number, ULONG_PTR id, void *table, enum table_kind kind)
{
	int saved_errno = errno;
	void *copy = table;

	if ((table || table_stands_for_null(kind)) && trace_begin()) {
		reentry_inside = true;
		if (lock_take(LOCK_COLD)) {
			copy = hand_out(number, id, table, kind);
			lock_release(LOCK_COLD);
		} else {
			trace_lose(TRACE_LOST_PACKAGES);
		}
		reentry_inside = false;
	}
	errno = saved_errno;
	return copy;
}

/* Does the trace know the package by an index that it shares with no other? */
static bool is_known_alone(const struct package *p)
{
	return p->has_index && p->index != TRACE_PACKAGE_OTHER && trace_is_mine();
}

/* `why` is the text of the record. Under the cold lock. */
static void end_package(struct package *p, const char *why)
{
	if (is_known_alone(p))
		log_text(TRACE_RECORD_PACKAGE_GONE, p->index, why, strlen(why));
	p->has_index = false;
}

static void end_with(uint32_t number, const char *why)
{
	uintptr_t was_inside = reentry_inside;
	int saved_errno = errno;

	reentry_inside = true;
	if (lock_take(LOCK_COLD)) {
		end_package(&packages[number], why);
		lock_release(LOCK_COLD);
	} else {
		trace_lose(TRACE_LOST_DEFINITIONS);
	}
	reentry_inside = was_inside;
	errno = saved_errno;
}

void packages_end(uint32_t number)
{
	end_with(number, "");
}

void packages_fail(uint32_t number)
{
	end_with(number, "failed to initialise");
}

void packages_remove(uint32_t number)
{
	end_package(&packages[number], "");
	table_forget(number);
	memset(&packages[number], 0, sizeof(packages[number]));
	memset(originals_of_wrappers[number], 0, sizeof(originals_of_wrappers[number]));
}

/* Writes a character of the basic plane, and returns how many bytes it has. */
static size_t write_utf8(unsigned c, char *to)
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

/* Names of packages are of the basic plane; surrogates become U+FFFD. */
static size_t convert_name(const WCHAR *name, char *to)
{
	WCHAR copy[NAME_BYTES / 3];
	size_t readable = maps_copy(copy, name, sizeof(copy)), bytes = 0;

	for (size_t i = 0; i < readable / sizeof(WCHAR) && copy[i]; i++)
		bytes += write_utf8(copy[i] >= 0xd800 && copy[i] < 0xe000 ? 0xfffd : copy[i],
				    to + bytes);
	return bytes;
}

static void note_name(struct package *p, size_t name_bytes)
{
	p->name_bytes = name_bytes;
	if (!is_known_alone(p))
		return;
	if (lock_take(LOCK_COLD)) {
		define_name(p);
		lock_release(LOCK_COLD);
	} else {
		trace_lose(TRACE_LOST_DEFINITIONS);
	}
}

void packages_name(uint32_t number, const WCHAR *name)
{
	struct package *p = &packages[number];
	int saved_errno = errno;

	if (p->name_bytes == 0)
		note_name(p, convert_name(name, p->name));
	errno = saved_errno;
}

void packages_name_narrow(uint32_t number, const LSA_STRING *name)
{
	struct package *p = &packages[number];
	int saved_errno = errno;
	size_t bytes;

	if (p->name_bytes == 0 && maps_readable(name, sizeof(*name)) == sizeof(*name)) {
		bytes = name->Length < NAME_BYTES ? name->Length : NAME_BYTES;
		note_name(p, maps_copy(p->name, name->Buffer, bytes));
	}
	errno = saved_errno;
}
