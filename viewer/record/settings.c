/* SPDX-License-Identifier: MIT */
#include "viewer/record/settings.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "include/options.h"
#include "viewer/base/likeness.h"
#include "viewer/base/memory.h"

enum { SLOTS_MOST = 64 }; /* more than can fail */

static void append_option(struct buffer *b, const char *name, const char *value)
{
	if (b->used > 0)
		buffer_text(b, ":");
	buffer_format(b, "%s=", name);
	for (; *value; value++)
		buffer_format(b, "%s%c", strchr(":\\", *value) ? "\\" : "", *value);
}

static const char *take_option(struct settings *s, const char *name, const char *value)
{
	struct options checked = OPTIONS_DEFAULT;
	int known;
	const char *expected =
		options_take(&checked, name, strlen(name), value, strlen(value), &known);

	if (expected)
		return expected;
	if (strcmp(name, "output") == 0 && strcmp(value, "-") == 0)
		return "a file: a trace is mapped, so it cannot be standard output";
	if (strcmp(name, "output") == 0)
		s->output = value; /* appended last: an earlier one may count no longer */
	else
		append_option(&s->text, name, value);
	return NULL;
}

void settings_add(struct settings *s, const char *name, const char *value)
{
	append_option(&s->text, name, value);
}

static const char *take_value(void *settings, const struct argument *row, const char *value)
{
	return take_option(settings, row->name, value);
}

/* The same for --fail: a slot that is not known may be mistyped. */
static const char *take_failure(void *settings, const struct argument *row, const char *value)
{
	static char words[128];
	const char *expected = take_value(settings, row, value), *names[SLOTS_MOST], *meant;
	const struct failure_slot *slots = failures_slots();
	char name[OPTION_NAME_MOST + 1];
	size_t count = 0;

	if (!expected || strcmp(expected, FAILURE_EXPECTED_SLOT) != 0)
		return expected;
	for (; slots[count].name && count < SLOTS_MOST; count++)
		names[count] = slots[count].name;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(value, ":="), value);
	meant = likeness_find(name, names, count);
	if (!meant)
		return expected;
	snprintf(words, sizeof(words), "a slot that can fail; did you mean %s?", meant);
	return words;
}

static const char *switch_off(void *settings, const struct argument *row, const char *value)
{
	(void)value;
	return take_option(settings, row->name + strlen("no-"), "no");
}

#define TEXT_ROW(name, letter, member, value, is_valid, expected, help) \
	{ name, letter, value, help, take_value, .offset = 0 },
#define NUMBER_ROW(name, member, value, least, most, expected, help) \
	{ name, 0, value, help, take_value, .offset = 0 },
#define CHOICE_ROW(name, member, words, help) { name, 0, words, help, take_value, .offset = 0 },
#define LIST_ROW(name, member, value, parse, most, help) \
	{ name, 0, value, help, take_failure, .offset = 0 },
#define SWITCH_ROW(name, member, help) { "no-" name, 0, NULL, help, switch_off, .offset = 0 },

struct argument_group settings_arguments(struct settings *s)
{
	static const struct argument rows[] = {
		{ "output-dir", 0,
		  "DIR", "the folder of the traces, which is made if it is\nmissing (default: the current one)",
		  arguments_take_text, ARGUMENT_INTO(settings, folder) },
		RECORDING_OPTIONS(TEXT_ROW, NUMBER_ROW, CHOICE_ROW, SWITCH_ROW, LIST_ROW)
	};

	return ARGUMENT_GROUP(rows, s);
}

/* Appends the first option of `text`, without its escapes. Returns the rest of the text, or NULL. */
static const char *copy_option(struct buffer *option, const char *text)
{
	for (; *text && *text != ':'; text++) {
		if (*text == '\\' && text[1])
			text++;
		buffer_bytes(option, text, 1);
	}
	return *text ? text + 1 : NULL;
}

char *settings_find(const char *text, const char *name)
{
	size_t bytes = strlen(name) + 1;
	struct buffer option = { 0 };
	char *found = NULL;

	while (text) {
		option.used = 0;
		text = copy_option(&option, text);
		if (option.used <= bytes || option.data[bytes - 1] != '=' ||
		    memcmp(option.data, name, bytes - 1) != 0)
			continue;
		free(found);
		found = memory_text(option.data + bytes, option.used - bytes);
	}
	buffer_release(&option);
	return found;
}

/* Puts a folder before a relative pattern. A percent sign of the folder's own name is doubled: it is
 * no part of the pattern. */
static char *put_into(const char *folder, const char *pattern)
{
	struct buffer whole = { 0 };

	if (*pattern != '/') {
		for (const char *c = folder; *c; c++)
			buffer_format(&whole, "%s%c", *c == '%' ? "%" : "", *c);
		buffer_text(&whole, *folder ? "/" : "");
	}
	buffer_text(&whole, pattern);
	return buffer_take(&whole);
}

char *settings_pattern(const struct settings *s)
{
	if (!s->output && !s->folder)
		return NULL;
	return put_into(s->folder ? s->folder : "", s->output ? s->output : OUTPUT_DEFAULT);
}

char *settings_join(const struct settings *s)
{
	const char *inherited = getenv(OPTIONS_VARIABLE);
	char *inherited_output = settings_find(inherited ? inherited : "", "output");
	char *pattern = settings_pattern(s), folder[PATH_MAX];
	char *output = put_into(getcwd(folder, sizeof(folder)) ? folder : "",
				pattern            ? pattern
				: inherited_output ? inherited_output
						   : OUTPUT_DEFAULT);
	struct buffer joined = { 0 };

	buffer_text(&joined, inherited ? inherited : "");
	if (s->text.used > 0)
		buffer_format(&joined, "%s%s", joined.used ? ":" : "", s->text.data);
	append_option(&joined, "output", output);
	free(output);
	free(pattern);
	free(inherited_output);
	return buffer_take(&joined);
}

void settings_release(struct settings *s)
{
	buffer_release(&s->text);
}
