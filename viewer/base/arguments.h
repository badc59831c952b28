/* SPDX-License-Identifier: MIT */
/*
 * The command line of one command: parses it, refuses what is wrong in it, and prints --help.
 * Options are rows of tables, and each row has all that is known of its option.
 *
 * Every command has --help. In the name of an option, '_' is the same as '-'.
 *
 * For one thread: getopt_long() keeps its state in globals.
 */
#ifndef LSATRACE_VIEWER_BASE_ARGUMENTS_H
#define LSATRACE_VIEWER_BASE_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

/* One option. It has one of the two functions. */
struct argument {
	const char *name;  /* the long name */
	char letter;       /* the short name, or 0 */
	const char *value; /* what --help calls the value; NULL: the option takes none */
	const char *help;  /* what --help says, or ""; '\n' begins a new line */
	/*
	 * Takes any value; NULL for an option without one. Returns NULL, or what the value must be,
	 * as words for "expected %s".
	 */
	const char *(*take)(void *into, const char *name, const char *value);
	/* Takes the index of the value among the words in `value`, which are separated by '|'. */
	void (*choose)(void *into, int index);
};

/* Options that are taken into the same thing. */
struct argument_group {
	const struct argument *rows;
	size_t count;
	void *into;
};

#define ARGUMENT_GROUP(rows, into) \
	((struct argument_group){ rows, sizeof(rows) / sizeof(*(rows)), into })
#define ARGUMENT_GROUPS_MOST 9
#define ARGUMENTS_MOST 64 /* options of a command */

struct arguments {
	const char *operands;    /* for --help, such as "TRACE..." */
	const char *description; /* what --help says before the options */
	const char *statuses;    /* and after them: the exit statuses */
	const char *operand;     /* what an operand is called in messages, such as "trace" */
	bool is_single;          /* there is one operand, and no more */
	bool is_command;         /* the operands are a command, which has options of its own */
	int bad_status;          /* exit status for wrong usage */
	struct argument_group group[ARGUMENT_GROUPS_MOST]; /* unused ones are zeroed */
};

/*
 * Parses the arguments; argv[0] is the command's name. Returns the index of the first operand.
 * Returns 0 if the program is to exit with *status: after --help, and after wrong usage, about
 * which one line has been printed.
 */
int arguments_parse(const struct arguments *a, int argc, char **argv, int *status);

/*
 * Takes a value for one option of a group. Returns NULL, or what the value must be, as words for
 * "expected %s", to be freed.
 */
char *arguments_take(const struct argument_group *group, const char *name, const char *value);

/*
 * Prints "lsatrace COMMAND: --NAME=VALUE: expected WORDS" for a value that turns out to be wrong
 * after parsing.
 */
void arguments_refuse(const char *command, const char *name, const char *value,
		      const char *expected);

#endif
