/* SPDX-License-Identifier: MIT */
/*
 * Compares the tables of secpkg.h with the header of mingw-w64, read as text. If the structures and the
 * lists of slots in secpkg.h were wrong in the same way, no other test would notice.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "include/lsatrace.h"
#include "include/secpkg.h"

#ifndef MINGW_NTSECPKG_H
#define MINGW_NTSECPKG_H "/usr/share/mingw-w64/include/ntsecpkg.h"
#endif

enum { MAX_MEMBERS = 128, MAX_NAME = 64 };

struct slot {
	const char *name;
	size_t offset;
};

struct members {
	char names[MAX_MEMBERS][MAX_NAME];
	size_t count;
};

#define DISPATCH_ROW(number, name) { #name, offsetof(LSA_DISPATCH_TABLE, name) },
#define LSA_ROW(number, name) { #name, offsetof(LSA_SECPKG_FUNCTION_TABLE, name) },
#define PACKAGE_ROW(number, name) { #name, offsetof(SECPKG_FUNCTION_TABLE, name) },

static const struct slot dispatch_slots[] = { LSA_DISPATCH_SLOTS(DISPATCH_ROW) };
static const struct slot lsa_slots[] = { LSA_SECPKG_SLOTS(LSA_ROW) };
static const struct slot package_slots[] = { SECPKG_PACKAGE_SLOTS(PACKAGE_ROW) };

_Static_assert(LSATRACE_TABLE_BYTES == sizeof(LSA_SECPKG_FUNCTION_TABLE), "lsatrace.h");

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static FILE *open_mingw_header(void)
{
	FILE *file = fopen(MINGW_NTSECPKG_H, "r");

	cr_assert_not_null(file, "%s: cannot be read; 'make deps' installs it", MINGW_NTSECPKG_H);
	return file;
}

/* Reads up to the line that opens the structure, and returns whether there is one. */
static bool find_structure(FILE *file, const char *tag)
{
	char opening[128];
	char line[1024];

	snprintf(opening, sizeof(opening), "typedef struct %s {", tag);
	while (fgets(line, sizeof(line), file)) {
		if (strstr(line, opening))
			return true;
	}
	return false;
}

/* Copies the last identifier before the semicolon: "  PLSA_X *Name;" is a member called Name. */
static bool member_name(const char *line, char name[MAX_NAME])
{
	const char *end = strchr(line, ';');
	const char *start = end;

	if (!end)
		return false;
	while (start > line && (isalnum((unsigned char)start[-1]) || start[-1] == '_'))
		start--;
	snprintf(name, MAX_NAME, "%.*s", (int)(end - start), start);
	return true;
}

/*
 * Where the header has real slots for programs that include wincred.h and placeholders for others (#ifdef,
 * #else, #endif), this reads the real slots.
 */
static void read_members(const char *tag, struct members *members)
{
	FILE *file = open_mingw_header();
	bool placeholders = false;
	char line[1024];

	members->count = 0;
	cr_assert(find_structure(file, tag), "%s: no structure %s", MINGW_NTSECPKG_H, tag);
	while (fgets(line, sizeof(line), file) && !strchr(line, '}')) {
		if (line[0] == '#')
			placeholders = strncmp(line, "#else", 5) == 0;
		else if (!placeholders && member_name(line, members->names[members->count]))
			members->count++;
		cr_assert_lt(members->count, (size_t)MAX_MEMBERS);
	}
	fclose(file);
}

static void expect_order(const struct members *theirs, const struct slot *ours, size_t count)
{
	cr_assert_leq(theirs->count, count, "mingw has %zu slots, we have %zu", theirs->count,
		      count);
	for (size_t i = 0; i < theirs->count; i++) {
		cr_expect_str_eq(ours[i].name, theirs->names[i], "slot %zu", i);
		cr_expect_eq(ours[i].offset, i * sizeof(void *), "%s", ours[i].name);
	}
}

Test(secpkg, the_slots_of_the_dispatch_table_are_in_the_order_of_mingw)
{
	static struct members theirs;

	read_members("_LSA_DISPATCH_TABLE", &theirs);
	cr_expect_eq(theirs.count, COUNT_OF(dispatch_slots));
	expect_order(&theirs, dispatch_slots, COUNT_OF(dispatch_slots));
}

Test(secpkg, the_slots_of_the_lsa_table_are_in_the_order_of_mingw)
{
	static struct members theirs;

	read_members("_LSA_SECPKG_FUNCTION_TABLE", &theirs);
	cr_expect_eq(theirs.count, COUNT_OF(lsa_slots));
	expect_order(&theirs, lsa_slots, COUNT_OF(lsa_slots));
}

/* mingw-w64 10.0 ends at SetCredentialsAttributes: it vouches for the first 29 of our 38. */
Test(secpkg, the_slots_of_the_package_table_are_in_the_order_of_mingw)
{
	static struct members theirs;

	read_members("_SECPKG_FUNCTION_TABLE", &theirs);
	cr_expect_geq(theirs.count, 29u);
	expect_order(&theirs, package_slots, COUNT_OF(package_slots));
}

Test(secpkg, the_dispatch_table_is_the_beginning_of_the_lsa_table)
{
	for (size_t i = 0; i < COUNT_OF(dispatch_slots); i++) {
		cr_expect_str_eq(dispatch_slots[i].name, lsa_slots[i].name);
		cr_expect_eq(dispatch_slots[i].offset, lsa_slots[i].offset);
	}
}

Test(secpkg, every_slot_of_a_table_is_listed)
{
	cr_expect_eq(COUNT_OF(dispatch_slots) * sizeof(void *), sizeof(LSA_DISPATCH_TABLE));
	cr_expect_eq(COUNT_OF(lsa_slots) * sizeof(void *), sizeof(LSA_SECPKG_FUNCTION_TABLE));
	cr_expect_eq(COUNT_OF(package_slots) * sizeof(void *), sizeof(SECPKG_FUNCTION_TABLE));
}

Test(secpkg, a_later_version_never_has_fewer_slots)
{
	unsigned int slots = 0;

	for (ULONG v = SECPKG_INTERFACE_VERSION; v <= SECPKG_INTERFACE_VERSION_8; v <<= 1) {
		cr_expect_gt(secpkg_slots_of_version(v), slots);
		slots = secpkg_slots_of_version(v);
	}
	cr_expect_eq(slots, COUNT_OF(package_slots));
}

Test(secpkg, an_unknown_version_has_no_known_number_of_slots)
{
	cr_expect_eq(secpkg_slots_of_version(0), 0u);
	cr_expect_eq(secpkg_slots_of_version(SECPKG_INTERFACE_VERSION_8 << 1), 0u);
	cr_expect_eq(secpkg_slots_of_version(SECPKG_INTERFACE_VERSION | SECPKG_INTERFACE_VERSION_2),
		     0u);
}
