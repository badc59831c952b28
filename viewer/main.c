/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "viewer/base/complaint.h"
#include "viewer/base/likeness.h"
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
	      "       lsatrace --help | --version | help COMMAND\n\n",
	      out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
}

static bool is_one_of(const char *word, const char *name, const char *other)
{
	return strcmp(word, name) == 0 || strcmp(word, other) == 0;
}

static int run_command(int argc, char **argv)
{
	const char *names[COMMAND_COUNT + 3] = { "--help", "--version", "help" }, *meant;

	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		names[i + 3] = commands[i].name;
		if (strcmp(commands[i].name, argv[0]) == 0)
			return commands[i].run(argc, argv);
	}
	meant = likeness_find(argv[0], names, COMMAND_COUNT + 3);
	if (meant)
		complaint_print("lsatrace", "'%s' is no command; did you mean '%s'?", argv[0],
				meant);
	else if (strchr(argv[0], '/') && access(argv[0], X_OK) == 0)
		complaint_print("lsatrace", "'%s' is no command; to trace it, type: lsatrace run %s",
				argv[0], argv[0]);
	else
		complaint_print("lsatrace", "'%s' is no command; see lsatrace --help", argv[0]);
	return COMMAND_TROUBLE;
}

/* A file must not get the number of a standard descriptor that is closed: messages would go into it. For a
 * command that is executed they are closed again. */
static void fill_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

int main(int argc, char **argv)
{
	fill_descriptors();
	if (argc < 2) {
		print_usage(stderr);
		return COMMAND_TROUBLE;
	}
	if (is_one_of(argv[1], "--version", "-V")) {
		puts("lsatrace " LSATRACE_VERSION);
		return 0;
	}
	if (is_one_of(argv[1], "--help", "-h") || (argc == 2 && is_one_of(argv[1], "help", "help"))) {
		print_usage(stdout);
		return 0;
	}
	if (strcmp(argv[1], "help") == 0) /* help COMMAND: COMMAND --help */
		return run_command(2, (char *[]){ argv[2], (char *)"--help", NULL });
	return run_command(argc - 1, argv + 1);
}
