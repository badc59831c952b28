/* SPDX-License-Identifier: MIT */
#include "viewer/base/arguments.h"

#include <ctype.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "include/options.h"
#include "viewer/base/buffer.h"
#include "viewer/base/complaint.h"
#include "viewer/base/likeness.h"
#include "viewer/base/memory.h"

#define HELP_COLUMN 25
#define ARGUMENT_WORDS_MOST 16
#define LONG_VALUE 256 /* getopt_long() returns this plus the index, for a long option */

static const struct argument help_row = { .name = "help", .letter = 'h', .help = "print this help" };

/* The rows of all groups, and --help; and the same as getopt_long() wants them. */
struct rows {
	const struct argument *row[ARGUMENTS_MOST + 1];
	void *into[ARGUMENTS_MOST + 1];
	struct option option[ARGUMENTS_MOST + 2];
	char letters[2 * ARGUMENTS_MOST + 3];
	int count;
};

static void add_argument(struct rows *rows, const struct argument *row, void *into)
{
	size_t letters = strlen(rows->letters);

	rows->row[rows->count] = row;
	rows->into[rows->count] = into;
	rows->option[rows->count] =
		(struct option){ row->name, row->value ? required_argument : no_argument, NULL,
				 LONG_VALUE + rows->count };
	if (row->letter) {
		rows->letters[letters++] = row->letter;
		rows->letters[letters] = row->value ? ':' : '\0';
	}
	rows->count++;
}

/* '+': the first operand ends the options. ':': a missing value is told apart. */
static struct rows list_rows(const struct arguments *a)
{
	struct rows rows = { 0 };

	strcpy(rows.letters, a->is_command ? "+:" : ":");
	for (size_t i = 0; i < ARGUMENT_GROUPS_MOST; i++)
		for (size_t j = 0; j < a->group[i].count && rows.count < ARGUMENTS_MOST; j++)
			add_argument(&rows, &a->group[i].rows[j], a->group[i].into);
	add_argument(&rows, &help_row, NULL);
	return rows;
}

/* Returns the index of the row for which getopt_long() returned `value`, or -1. */
static int find_row(const struct rows *rows, int value)
{
	for (int i = 0; i < rows->count; i++)
		if (value == LONG_VALUE + i ||
		    (rows->row[i]->letter && value == rows->row[i]->letter))
			return i;
	return -1;
}

static void write_row(struct buffer *b, const struct argument *row)
{
	size_t start = b->used, column;

	buffer_format(b, row->letter ? "  -%c, " : "      ", row->letter);
	buffer_format(b, "--%s%s%s", row->name, row->value ? "=" : "", row->value ? row->value : "");
	column = b->used - start;
	for (const char *line = row->help; *line; column = 0) {
		size_t length = strcspn(line, "\n");

		if (column >= HELP_COLUMN) {
			buffer_text(b, "\n");
			column = 0;
		}
		buffer_format(b, "%*s%.*s", (int)(HELP_COLUMN - column), "", (int)length, line);
		line += length;
		if (*line)
			buffer_text(b, *line++ ? "\n" : "");
	}
	buffer_text(b, "\n");
}

static int print_help(const struct arguments *a, const struct rows *rows, const char *command)
{
	struct buffer b = { 0 };
	int status;

	buffer_format(&b, "usage: lsatrace %s [OPTION]... %s\n\n%s\n", command, a->operands,
		      a->description);
	for (int i = 0; i < rows->count; i++)
		write_row(&b, rows->row[i]);
	buffer_format(&b, "\n%s", a->statuses);
	status = fputs(b.data, stdout) < 0 || fflush(stdout) != 0 ? a->bad_status : 0;
	buffer_release(&b);
	return status;
}

__attribute__((format(printf, 2, 3))) static void complain(const char *command, const char *format,
							   ...)
{
	struct buffer subject = { 0 };
	va_list arguments;

	buffer_format(&subject, "lsatrace %s", command);
	va_start(arguments, format);
	complaint_print_list(subject.data, format, arguments);
	va_end(arguments);
	buffer_release(&subject);
}

void arguments_refuse(const char *command, const char *name, const char *value, const char *expected)
{
	complain(command, "--%s=%s: expected %s", name, value, expected);
}

/* "a, b or c" for "a|b|c" */
static void list_words(struct buffer *b, const char *words)
{
	const char *before = "";

	for (;;) {
		size_t length = strcspn(words, "|");

		buffer_text(b, before);
		buffer_bytes(b, words, length);
		if (!words[length])
			return;
		words += length + 1;
		before = strchr(words, '|') ? ", " : " or ";
	}
}

static char *take_value(const struct argument *row, void *into, const char *value)
{
	struct buffer expected = { 0 };
	const char *words = row->take((char *)into + row->offset, row, value);

	if (words)
		list_words(&expected, words);
	if (words && row->most)
		buffer_format(&expected, " from 1 to %" PRIu32, row->most);
	return expected.data;
}

char *arguments_take(const struct argument_group *group, const char *name, const char *value)
{
	size_t i = 0;

	while (strcmp(group->rows[i].name, name) != 0)
		i++;
	return take_value(&group->rows[i], group->into, value);
}

const char *arguments_take_flag(void *member, const struct argument *row, const char *value)
{
	(void)row;
	(void)value;
	*(bool *)member = true;
	return NULL;
}

const char *arguments_take_text(void *member, const struct argument *row, const char *value)
{
	(void)row;
	*(const char **)member = value;
	return *value ? NULL : "a value";
}

const char *arguments_take_output(void *member, const struct argument *row, const char *value)
{
	const char *expected = arguments_take_text(member, row, value);

	if (strcmp(value, "-") == 0)
		*(const char **)member = NULL;
	return expected;
}

const char *arguments_take_folder(void *member, const struct argument *row, const char *value)
{
	struct stat status;

	(void)row;
	*(const char **)member = value;
	return stat(value, &status) == 0 && S_ISDIR(status.st_mode) ? NULL : "a folder";
}

const char *arguments_take_list(void *member, const struct argument *row, const char *value)
{
	struct argument_list *list = member;

	if (list->count == ARGUMENT_LIST_MOST)
		return "at most 64 values";
	return arguments_take_text(&list->item[list->count++], row, value);
}

const char *arguments_take_choice(void *member, const struct argument *row, const char *value)
{
	int index = options_choose(row->value, value, strlen(value));

	*(unsigned *)member = (unsigned)index + row->first;
	return index >= 0 ? NULL : row->value;
}

const char *arguments_take_number(void *member, const struct argument *row, const char *value)
{
	uint64_t number = options_number(value, strlen(value), row->most);

	*(uint32_t *)member = (uint32_t)number;
	return number ? NULL : "a number";
}

/* Writes '-' for each '_' in the name of a long option. Returns whether there was any. */
static bool hyphenate(char *option)
{
	bool has_changed = false;

	if (strncmp(option, "--", 2) != 0)
		return false;
	for (; *option && *option != '='; option++) {
		if (*option == '_') {
			*option = '-';
			has_changed = true;
		}
	}
	return has_changed;
}

/* What getopt_long() has just refused: in "-top", it is still at the first letter. */
static const char *find_refused(char **argv)
{
	const char *next = argv[optind];

	return optopt && next && next[0] == '-' && next[1] == optopt ? next : argv[optind - 1];
}

/* The words are all options: typed is like "--rign=64M". */
static void refuse_option(const struct rows *rows, const char *command, const char *typed)
{
	const char *names[ARGUMENTS_MOST + 1], *word, *meant;
	char name[OPTION_NAME_MOST + 1];

	for (int i = 0; i < rows->count; i++)
		names[i] = rows->row[i]->name;
	word = typed + strspn(typed, "-");
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
	meant = likeness_find(name, names, (size_t)rows->count);
	if (meant)
		complain(command, "%s: no such option; did you mean --%s? See lsatrace %s --help",
			 typed, meant, command);
	else
		complain(command, "%s: no such option; see lsatrace %s --help", typed, command);
}

/* `expected` is what the value must be, in words. */
static void refuse_value(const struct argument *row, const char *command, const char *value,
			 const char *expected)
{
	const char *words[ARGUMENT_WORDS_MOST], *meant = NULL;
	char *list = memory_text(row->value, strlen(row->value)), *rest = list, *word;
	size_t count = 0;

	while (strchr(row->value, '|') && count < ARGUMENT_WORDS_MOST &&
	       (word = strsep(&rest, "|")) != NULL)
		if (!isupper((unsigned char)*word)) /* "N" stands for something */
			words[count++] = word;
	meant = likeness_find(value, words, count);
	if (meant)
		complain(command, "--%s=%s: expected %s; did you mean %s?", row->name, value,
			 expected, meant);
	else
		arguments_refuse(command, row->name, value, expected);
	free(list);
}

/* Takes all options. Returns whether the operands are next; if not, *status is the exit status. */
static bool take_options(const struct arguments *a, const struct rows *rows, int argc, char **argv,
			 int *status)
{
	int value;

	*status = a->bad_status;
	opterr = optind = 0;
	while ((value = getopt_long(argc, argv, rows->letters, rows->option, NULL)) != -1) {
		int i = find_row(rows, value == ':' ? optopt : value);
		char *expected;

		if (value == '?' && hyphenate(argv[optind - 1])) {
			optind--;
			continue;
		}
		if (value == ':' && i >= 0) {
			complain(argv[0], "--%s: expected a value", rows->row[i]->name);
			return false;
		}
		if (i < 0) {
			refuse_option(rows, argv[0], find_refused(argv));
			return false;
		}
		if (rows->row[i] == &help_row) {
			*status = print_help(a, rows, argv[0]);
			return false;
		}
		expected = take_value(rows->row[i], rows->into[i], optarg);
		if (expected) {
			refuse_value(rows->row[i], argv[0], optarg, expected);
			free(expected);
			return false;
		}
	}
	return true;
}

int arguments_parse(const struct arguments *a, int argc, char **argv, int *status)
{
	struct rows rows = list_rows(a);

	if (!take_options(a, &rows, argc, argv, status))
		return 0;
	if (optind < argc && (!a->is_single || optind + 1 == argc))
		return optind;
	complain(argv[0], "%s %s was given; see lsatrace %s --help",
		 optind == argc ? "no" : "more than one", a->operand, argv[0]);
	return 0;
}
