/* SPDX-License-Identifier: MIT */
/* README, the manual and the schema of JSON name everything that the tables of include/ and of the viewer
 * have. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "include/kinds.h"
#include "include/options.h"
#include "tests/support/run.h"
#include "viewer/commands/commands.h"

static char *readme, *manual, *schema;

/* Reads a file of the source tree. */
static char *read_source(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	cr_assert(file && text, "%s", path);
	cr_assert_gt(fread(text, 1, (1 << 20) - 1, file), 0u);
	fclose(file);
	return text;
}

static void start(void)
{
	readme = read_source(SOURCE_DIR "/README.md");
	manual = read_source(SOURCE_DIR "/viewer/lsatrace.1");
	schema = read_source(SOURCE_DIR "/viewer/lsatrace.schema.json");
}

static void end(void)
{
	free(readme);
	free(manual);
	free(schema);
}

TestSuite(manual, .init = start, .fini = end);

/* Is a text, in which each hyphen is to be escaped as troff has it, in the manual? */
static __attribute__((format(printf, 1, 2))) bool manual_has(const char *format, ...)
{
	char text[256], escaped[512];
	size_t used = 0;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	for (const char *c = text; *c; c++)
		used += (size_t)sprintf(escaped + used, *c == '-' ? "\\-" : "%c", *c);
	escaped[used] = '\0';
	return strstr(manual, escaped) != NULL;
}

/* The row of README's table of findings that has this kind; NULL: there is none. */
static const char *find_row(const char *kind)
{
	char quoted[64];

	snprintf(quoted, sizeof(quoted), "`%s`", kind);
	for (const char *row = strstr(readme, "\n| kind |"); row && row[1] == '|';
	     row = strchr(row + 1, '\n')) {
		const char *found = strstr(row + 2, quoted);

		if (found && found < strchr(row + 3, '|'))
			return row + 1;
	}
	return NULL;
}

Test(manual, each_kind_of_finding_is_explained_with_its_level)
{
	for (int kind = 1; kind < TRACE_KIND_COUNT; kind++) {
		const char *name = kinds_text(kind), *row = find_row(name);

		cr_expect(manual_has("\n.B %s\n", name), "the manual has no %s", name);
		cr_expect(row, "README has no %s", name);
		if (row)
			cr_expect_eq(strncmp(strchr(row + 1, '|') + 2,
					     kinds_level_text(kinds_level(kind)),
					     strlen(kinds_level_text(kinds_level(kind)))),
				     0, "README has another level for %s", name);
	}
}

Test(manual, each_reason_is_explained)
{
	for (int reason = 1; reason < TRACE_REASON_COUNT; reason++) {
		const char *name = kinds_reason_text(reason);
		char quoted[64];

		snprintf(quoted, sizeof(quoted), "`%s`", name);
		cr_expect(strstr(readme, quoted), "README has no %s", name);
		cr_expect(manual_has("\n.BR %s ", name), "the manual has no %s", name);
	}
}

/* Is the word in the first list of values that the schema has for a key? */
static bool schema_allows(const char *key, const char *word)
{
	char start[64], quoted[64];
	const char *list, *found;

	snprintf(start, sizeof(start), "\"%s\": { \"enum\": [", key);
	snprintf(quoted, sizeof(quoted), "\"%s\"", word);
	list = strstr(schema, start);
	cr_assert(list, "the schema has no list of %s", key);
	found = strstr(list + strlen(start), quoted);
	return found && found < strchr(list, ']');
}

Test(manual, the_schema_has_each_kind_and_reason)
{
	for (int kind = 1; kind < TRACE_KIND_COUNT; kind++)
		cr_expect(schema_allows("kind", kinds_text(kind)), "the schema has no kind %s",
			  kinds_text(kind));
	for (int reason = 1; reason < TRACE_REASON_COUNT; reason++)
		cr_expect(schema_allows("reason", kinds_reason_text(reason)),
			  "the schema has no reason %s", kinds_reason_text(reason));
}

/* The words of a choice as the manual has them, by a list with '|' between them. */
static const char *in_the_manual(const char *words)
{
	static char text[256];
	size_t used = 0;

	for (; *words; words++)
		used += (size_t)sprintf(text + used, *words == '|' ? "\\fR|\\fP" : "%c", *words);
	return text;
}

#define EXPECT_COMMAND(name, summary) \
	cr_expect(manual_has("\n.SY lsatrace\n.B %s\n", #name), "no %s in SYNOPSIS", #name); \
	cr_expect(manual_has("\n.TP\n.B %s\n", #name), "no %s in COMMANDS", #name);

Test(manual, each_command_is_explained)
{
	COMMANDS(EXPECT_COMMAND)
}

/* Are the words of a choice explained, each by itself? */
static bool explains_words(char *words)
{
	for (char *word; (word = strsep(&words, "|")) != NULL;)
		if (!manual_has("\n.TP\n.B %s\n", word))
			return false;
	return true;
}

/* Expects the option of a line of --help, such as "  -o, --output=PATTERN text". */
static void expect_option(char *line)
{
	char *value = strchr(line, '='), *name = line + 6;
	bool is_choice;

	if (strncmp(line, "  ", 2) != 0 || strncmp(name, "--", 2) != 0)
		return;
	name[strcspn(name, " ")] = '\0';
	if (!value || value > name + strlen(name)) {
		cr_expect(manual_has("%s\n", name), "the manual has no %s", name);
		return;
	}
	*value++ = '\0';
	/* The words of others are in capitals. */
	is_choice = strchr(value, '|') && strpbrk(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL;
	cr_expect(manual_has("%s=", name), "the manual has no %s", name);
	cr_expect(!is_choice || manual_has("%s=%s\n", name, in_the_manual(value)) ||
			  explains_words(value),
		  "the manual has no %s with all its words", name);
}

static void expect_options(const char *command)
{
	struct run run =
		run_command((const char *[]){ BUILD_DIR "/lsatrace", command, "--help", NULL });
	char *rest = run.out;

	cr_assert_eq(run.status, 0, "%s: %s", command, run.err);
	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		cr_expect_leq(strlen(line), 80, "%s --help is too wide: %s", command, line);
		if (strlen(line) > 8)
			expect_option(line);
	}
	run_release(&run);
}

#define EXPECT_OPTIONS(name, summary) expect_options(#name);

Test(manual, each_option_is_explained_with_the_words_of_its_choice){ COMMANDS(EXPECT_OPTIONS) }

#define EXPECT_FAMILY(constant, name) \
	cr_expect(manual_has("\n.BR %s ", name) || manual_has("\n.B %s\n", name), \
		  "the manual has no family %s", name);

Test(manual, each_family_is_named)
{
	TRACED_FAMILIES(EXPECT_FAMILY)
}
