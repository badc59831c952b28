/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/base/arguments.h"
#include "viewer/base/complaint.h"

static struct taken {
	enum { RING, FULL, BOTH } choice;
	enum { NO_SIDE, LEFT, RIGHT } side;
	uint32_t number;
	bool is_switched;
	const char *text;
	struct argument_list list;
} taken;
static char output[4096];

#define INTO(member) ARGUMENT_INTO(taken, member)
static const struct argument choices[] = {
	{ "mode", 0, "ring|full|both", "", arguments_take_choice, INTO(choice) },
	{ "side", 0, "left|right", "", arguments_take_choice, INTO(side), .first = LEFT },
};
static const struct argument texts[] = {
	{ "output-file", 'o', "FILE", "first line\nsecond line", arguments_take_text, INTO(text) },
	{ "folder", 0, "DIR", "", arguments_take_folder, INTO(text) },
	{ "item", 0, "ITEM", "", arguments_take_list, INTO(list) },
	{ "number", 0, "N", "", arguments_take_number, INTO(number), .most = 300 },
};
static const struct argument switches[] = {
	{ "with-a-long-name-of-its-own", 'w', NULL, "a switch", arguments_take_flag,
	  INTO(is_switched) },
};

/* Parses the arguments, which end with NULL. What was printed is in `output`. */
static int parse(struct arguments *a, char **argv, int *status)
{
	char name[] = "/tmp/lsatrace-test-XXXXXX";
	int argc = 0, first;
	FILE *file;

	a->operands = "FILE...";
	a->description = "Does nothing.\n";
	a->statuses = "The status is 0.\n";
	a->operand = "file";
	a->bad_status = 9;
	a->group[0] = ARGUMENT_GROUP(choices, &taken);
	a->group[1] = ARGUMENT_GROUP(texts, &taken);
	a->group[2] = ARGUMENT_GROUP(switches, &taken);
	while (argv[argc])
		argc++;
	cr_assert_geq(mkstemp(name), 0);
	cr_assert(freopen(name, "w+", stdout) && freopen(name, "a", stderr));
	first = arguments_parse(a, argc, argv, status);
	fflush(stdout);
	fflush(stderr);
	file = fopen(name, "r");
	cr_assert(file);
	output[fread(output, 1, sizeof(output) - 1, file)] = '\0';
	fclose(file);
	remove(name);
	return first;
}

#define ARGV(...) ((char *[]){ (char *)"command", __VA_ARGS__, NULL })
#define A(literal) ((char *)(char[]){ literal })

static void expect_refused(struct arguments a, char **argv, const char *line)
{
	int status = 0;

	cr_expect_eq(parse(&a, argv, &status), 0);
	cr_expect_eq(status, 9);
	cr_expect_str_eq(output, line);
}

Test(arguments, options_of_all_groups_are_taken)
{
	struct arguments a = { 0 };
	char **argv = ARGV(A("file"), A("--mode=full"), A("-o"), A("x"), A("-w"), A("other"));
	int status, first = parse(&a, argv, &status);

	cr_assert_eq(first, 5);
	cr_expect_str_eq(argv[first], "file");
	cr_expect_eq(taken.choice, FULL);
	cr_expect_str_eq(taken.text, "x");
	cr_expect(taken.is_switched);
	cr_expect_str_eq(output, "");
}

Test(arguments, each_kind_of_value_is_taken)
{
	struct arguments a = { 0 };
	char **argv = ARGV(A("--side=right"), A("--item=a"), A("--item=b"), A("--number=300"),
			   A("--folder=/"), A("file"));
	int status;

	cr_expect_eq(parse(&a, argv, &status), 6);
	cr_expect_eq(taken.side, RIGHT);
	cr_expect_eq(taken.list.count, 2u);
	cr_expect_str_eq(taken.list.item[0], "a");
	cr_expect_str_eq(taken.list.item[1], "b");
	cr_expect_eq(taken.number, 300u);
	cr_expect_str_eq(taken.text, "/");
}

Test(arguments, an_underscore_in_a_name_is_a_hyphen)
{
	struct arguments a = { 0 };
	char **argv = ARGV(A("--output_file=a_b"), A("file"));
	int status;

	cr_expect_eq(parse(&a, argv, &status), 2);
	cr_expect_str_eq(taken.text, "a_b");
}

Test(arguments, a_command_has_options_of_its_own)
{
	struct arguments a = { .is_command = true };
	char **argv = ARGV(A("-w"), A("program"), A("--mode=full"));
	int status, first = parse(&a, argv, &status);

	cr_assert_eq(first, 2);
	cr_expect_str_eq(argv[first + 1], "--mode=full");
	cr_expect_eq(taken.choice, RING);
}

Test(arguments, wrong_usage_is_refused_in_one_line)
{
	struct arguments a = { 0 }, single = { .is_single = true };

	expect_refused(a, ARGV(A("--mode=half"), A("file")),
		       "lsatrace command: --mode=half: expected ring, full or both\n");
	expect_refused(a, ARGV(A("--output-file="), A("file")),
		       "lsatrace command: --output-file=: expected a value\n");
	expect_refused(a, ARGV(A("--folder=/nowhere"), A("file")),
		       "lsatrace command: --folder=/nowhere: expected a folder\n");
	expect_refused(a, ARGV(A("--item="), A("file")),
		       "lsatrace command: --item=: expected a value\n");
	expect_refused(a, ARGV(A("--number=0"), A("file")),
		       "lsatrace command: --number=0: expected a number from 1 to 300\n");
	expect_refused(a, ARGV(A("--number=301"), A("file")),
		       "lsatrace command: --number=301: expected a number from 1 to 300\n");
	expect_refused(a, ARGV(A("-o")), "lsatrace command: --output-file: expected a value\n");
	expect_refused(
		a, ARGV(A("--nothing\033"), A("file")),
		"lsatrace command: --nothing?: no such option; see lsatrace command --help\n");
	expect_refused(a, ARGV(A("-w")),
		       "lsatrace command: no file was given; see lsatrace command --help\n");
	expect_refused(single, ARGV(A("a"), A("b")),
		       "lsatrace command: more than one file was given; see lsatrace command "
		       "--help\n");
}

Test(arguments, help_lists_each_option)
{
	struct arguments a = { 0 };
	int status = 1;

	cr_expect_eq(parse(&a, ARGV(A("--help")), &status), 0);
	cr_expect_eq(status, 0);
	cr_expect_str_eq(output, "usage: lsatrace command [OPTION]... FILE...\n\n"
				 "Does nothing.\n\n"
				 "      --mode=ring|full|both\n"
				 "      --side=left|right\n"
				 "  -o, --output-file=FILE first line\n"
				 "                         second line\n"
				 "      --folder=DIR\n"
				 "      --item=ITEM\n"
				 "      --number=N\n"
				 "  -w, --with-a-long-name-of-its-own\n"
				 "                         a switch\n"
				 "  -h, --help             print this help\n\n"
				 "The status is 0.\n");
}

Test(complaint, is_one_plain_line)
{
	char name[] = "/tmp/lsatrace-test-XXXXXX";
	char line[256] = "";
	FILE *file;

	cr_assert_geq(mkstemp(name), 0);
	cr_assert(freopen(name, "w", stderr));
	complaint_print("a\nb\033[2J", "'%s' is no %s", "x\ty", "file");
	fflush(stderr);
	file = fopen(name, "r");
	cr_assert(file && fread(line, 1, sizeof(line) - 1, file) > 0);
	fclose(file);
	remove(name);
	cr_expect_str_eq(line, "a?b?[2J: 'x?y' is no file\n");
}
