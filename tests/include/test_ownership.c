/* SPDX-License-Identifier: MIT */
/* The table of ownership for readers has a row for each one that the compiler knows, and no other. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "include/secpkg.h"
#include "include/slots.h"
#include "include/trace_format.h"

enum { ROW_BYTES = 256 };

static char *document;

static void read_document(void)
{
	FILE *file = fopen("include/lsatrace/ownership.md", "r");
	size_t bytes = 0;

	cr_assert_not_null(file);
	cr_assert_gt(getdelim(&document, &bytes, 0, file), 0);
	fclose(file);
}

static void free_document(void)
{
	free(document);
}

TestSuite(ownership, .init = read_document, .fini = free_document);

static void append_small(char *row, const char *text)
{
	size_t at = strlen(row);

	for (; *text; text++)
		row[at++] = (char)tolower((unsigned char)*text);
	strcpy(row + at, " |");
}

/* Expects "| entry | parameter | OWNER | when | basis |". */
static unsigned expect_row(const char *entry, const char *parameter, const char *owner,
			   const char *when, const char *basis)
{
	char row[ROW_BYTES];

	snprintf(row, sizeof(row) / 2, "| %s | %s | %s | ", entry, parameter, owner);
	append_small(row, when);
	strcat(row, " ");
	append_small(row, basis);
	cr_expect(strstr(document, row), "there is no row: %s", row);
	return 1;
}

static unsigned count_rows(const char *column)
{
	const char *table = document, *line;
	unsigned rows = 0;

	while ((table = strstr(table, column)) != NULL) {
		table = strchr(strchr(table, '\n') + 1, '\n') + 1;
		for (line = table; *line == '|'; line = strchr(line, '\n') + 1)
			rows++;
	}
	return rows;
}

#define EXPECT_PARAMETER(argument, parameter, form, owner, when, basis) \
	rows += expect_row(entry, parameter, #owner, #when, #basis);
#define EXPECT_ENTRY(name, member, text, ...) \
	entry = text; \
	OWNED_##name(EXPECT_PARAMETER)

Test(ownership, each_parameter_of_an_entry_point_is_explained)
{
	const char *entry;
	unsigned rows = 0;

	TRACED_TRANSFERS(EXPECT_ENTRY)
	cr_expect_eq(count_rows("| entry point |"), rows, "%u rows, not %u",
		     count_rows("| entry point |"), rows);
}

static void expect_slot(const char *name, bool returns)
{
	char row[ROW_BYTES];

	snprintf(row, sizeof(row), "\n| %s | ", name);
	cr_expect(!returns || strstr(document, row), "there is no row for %s", name);
}

#define IS_RETURNING(role) \
	(TRACE_ROLE_##role != TRACE_ROLE_FREE && TRACE_ROLE_##role != TRACE_ROLE_FREE_IN_SECTION && \
	 TRACE_ROLE_##role != TRACE_ROLE_DELETE_SECTION && \
	 TRACE_ROLE_##role != TRACE_ROLE_FREE_FOR_CLIENT)
#define EXPECT_LSA(name, role) expect_slot(#name, IS_RETURNING(role));
#define EXPECT_NEWEST(name, role) EXPECT_LSA(name, role)
#define EXPECT_DLL(name, role)
#define EXPECT_SLOT(table, name, family, role, prototype) EXPECT_##table(name, role)

Test(ownership, each_traced_slot_that_returns_memory_is_explained){ TRACED_SLOTS(EXPECT_SLOT) }

#define EXPECT_NAME(slot, name) cr_expect(strstr(document, #name), "%s is not mentioned", #name);

Test(ownership, each_entry_point_is_at_least_mentioned)
{
	SECPKG_PACKAGE_SLOTS(EXPECT_NAME)
}
