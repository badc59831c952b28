/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "viewer/base/complaint.h"
#include "viewer/commands/commands.h"

#define COMMAND_ROW(name, summary) { #name, summary, command_##name },

static const struct command {
	const char *name, *summary;
	int (*run)(int argc, char **argv);
} commands[] = { COMMANDS(COMMAND_ROW) };

#define COMMAND_COUNT (sizeof(commands) / sizeof(*commands))

static void print_usage(FILE *out)
{
	fputs("usage: lsatrace COMMAND [ARGUMENT]...\n"
	      "       lsatrace --help | --version | COMMAND --help\n\n",
	      out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_usage(stderr);
		return COMMAND_TROUBLE;
	}
	if (strcmp(argv[1], "--help") == 0) {
		print_usage(stdout);
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("lsatrace " LSATRACE_VERSION);
		return 0;
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i].name, argv[1]) == 0)
			return commands[i].run(argc - 1, argv + 1);
	complaint_print("lsatrace", "'%s' is no command; see lsatrace --help", argv[1]);
	return COMMAND_TROUBLE;
}
