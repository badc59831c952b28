/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "viewer/base/complaint.h"
#include "viewer/base/memory.h"
#include "viewer/commands/commands.h"
#include "viewer/record/launch.h"

static bool is_dll(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && strcasecmp(dot, ".dll") == 0;
}

/* Executes a program with some arguments; by a runner, if there is one. Returns only if it cannot. */
static int execute(char *runner, char *program, int argc, char **argv)
{
	char **command = memory_new((size_t)argc + 2, sizeof(*command));

	command[0] = runner ? runner : program;
	command[1] = program;
	memcpy(command + (runner ? 2 : 1), argv + 1, (size_t)argc * sizeof(*argv));
	execvp(command[0], command);
	complaint_print(command[0], "%s", strerror(errno));
	free(command);
	return COMMAND_TROUBLE;
}

/* The host is a program of its own: it is small, and crashes with its packages. It is traced like any other. */
int command_host(int argc, char **argv)
{
	static char wine[] = "wine";
	bool is_for_windows = argc > 1 && is_dll(argv[argc - 1]);
	const char *name = is_for_windows ? "lsatrace-host.exe" : "lsatrace-host";
	char *program = launch_find_part(name);
	int status = COMMAND_TROUBLE;

	if (program)
		status = execute(is_for_windows ? wine : NULL, program, argc, argv);
	else
		complaint_print("lsatrace",
				"%s is neither beside lsatrace nor in ../lib or ../lib/lsatrace%s",
				name, is_for_windows ? "; it is built if mingw-w64 is there" : "");
	free(program);
	return status;
}
