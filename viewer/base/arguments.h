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
#include <stdint.h>

/* One option. `take` is one of the functions below, or one of the caller's own. */
struct argument {
	const char *name;  /* the long name */
	char letter;       /* the short name, or 0 */
	const char *value; /* what --help calls the value; NULL: the option takes none */
	const char *help;  /* what --help says, or ""; '\n' begins a new line */
	/*
	 * Takes a value, NULL for an option without one, into a member. Returns NULL, or what the value
	 * must be, in words for "expected %s": "a folder"; or "a|b|c" if it must be one of these words.
	 */
	const char *(*take)(void *member, const struct argument *row, const char *value);
	size_t offset;  /* of the member in what the group is taken into */
	uint32_t most;  /* arguments_take_number: the greatest number */
	uint32_t first; /* arguments_take_choice: what the first word stands for */
};

/* The end of a row: the member of a struct that the value is taken into. */
#define ARGUMENT_INTO(tag, member) .offset = offsetof(struct tag, member)

#define ARGUMENT_LIST_MOST 64

/* The values of an option that may be repeated. */
struct argument_list {
	const char *item[ARGUMENT_LIST_MOST];
	size_t count;
};

/* Into a bool, which becomes true. */
const char *arguments_take_flag(void *member, const struct argument *row, const char *value);
/* Into a const char *: any text but an empty one. */
const char *arguments_take_text(void *member, const struct argument *row, const char *value);
/* Into a const char *: the name of a file to write. NULL for "-", which is standard output. */
const char *arguments_take_output(void *member, const struct argument *row, const char *value);
/* Into a const char *: a folder that exists. */
const char *arguments_take_folder(void *member, const struct argument *row, const char *value);
/* Into a struct argument_list: the same as a text. */
const char *arguments_take_list(void *member, const struct argument *row, const char *value);
/* Into an enumeration: one of the words in row->value, which are separated by '|'. */
const char *arguments_take_choice(void *member, const struct argument *row, const char *value);
/* Into a uint32_t: a number from 1 to row->most. */
const char *arguments_take_number(void *member, const struct argument *row, const char *value);

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
