/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "viewer/commands/commands.h"

enum { STATUS_USAGE = 2 };

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

static const struct command commands[] = {
	{ "run", cmd_run, "run a command, record it, and report on standard error" },
	{ "record", cmd_record, "run a command and record it" },
	{ "report", cmd_report, "leaks, mismatched frees and other findings of traces" },
	{ "events", cmd_events, "the retained calls of a trace, oldest first" },
	{ "stat", cmd_stat, "totals of traces, and what was lost" },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(*commands))

static void print_usage(FILE *out)
{
	fputs("usage: lsatrace COMMAND [ARGUMENT]...\n"
	      "       lsatrace --help | --version | COMMAND --help\n\n",
	      out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		print_usage(stderr);
		return STATUS_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0) {
		print_usage(stdout);
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("lsatrace " LSATRACE_VERSION);
		return 0;
	}
	command = find_command(argv[1]);
	if (!command) {
		fprintf(stderr, "lsatrace: '%s' is no command; see lsatrace --help\n", argv[1]);
		return STATUS_USAGE;
	}
	return command->run(argc - 1, argv + 1);
}
