/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "viewer/base/complaint.h"
#include "viewer/commands/commands.h"
#include "viewer/record/launch.h"

/* The host is a program of its own: it is small, and crashes with its packages. It is traced like any other. */
int command_host(int argc, char **argv)
{
	char *program = launch_find_part("lsatrace-host");

	(void)argc;
	if (!program) {
		complaint_print("lsatrace",
				"lsatrace-host is neither beside lsatrace nor in ../lib or "
				"../lib/lsatrace");
		return COMMAND_TROUBLE;
	}
	argv[0] = program;
	execv(program, argv);
	complaint_print(program, "%s", strerror(errno));
	free(program);
	return COMMAND_TROUBLE;
}
