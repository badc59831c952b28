/* SPDX-License-Identifier: MIT */
#include "viewer/commands/usage.h"

#include <stdio.h>
#include <string.h>

#include "viewer/base/buffer.h"

/* What the user typed goes to the terminal, and the message is one line. */
static void refuse(const char *command, const char *typed, const char *words)
{
	struct buffer line = { 0 };

	buffer_format(&line, "lsatrace %s: ", command);
	buffer_plain(&line, typed, strlen(typed));
	buffer_text(&line, words);
	fprintf(stderr, "%s\n", line.data);
	buffer_release(&line);
}

const char *usage_name(const struct option *rows, int value)
{
	while (rows->name && rows->val != value)
		rows++;
	return rows->name ? rows->name : "?";
}

int usage_refuse(char **argv, const struct option *rows, int value)
{
	struct buffer words = { 0 };

	if (value == ':') {
		buffer_format(&words, "--%s: expected a value", usage_name(rows, optopt));
		refuse(argv[0], "", words.data);
	} else {
		buffer_format(&words, ": no such option; see lsatrace %s --help", argv[0]);
		refuse(argv[0], argv[optind - 1], words.data);
	}
	buffer_release(&words);
	return USAGE_STATUS;
}

int usage_expected(const char *command, const char *name, const char *value, const char *words)
{
	struct buffer typed = { 0 }, rest = { 0 };

	buffer_format(&typed, "--%s=%s", name, value);
	buffer_format(&rest, ": expected %s", words);
	refuse(command, typed.data, rest.data);
	buffer_release(&typed);
	buffer_release(&rest);
	return USAGE_STATUS;
}

int usage_wrong(const char *command, const char *words)
{
	fprintf(stderr, "lsatrace %s: %s; see lsatrace %s --help\n", command, words, command);
	return USAGE_STATUS;
}
