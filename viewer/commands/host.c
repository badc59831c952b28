/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "viewer/base/complaint.h"
#include "viewer/commands/commands.h"
#include "viewer/record/launch.h"

/* The host is a program of its own: it is small, and crashes with its packages. It is traced like any other. */
int command_host(int argc, char **argv)
{
	char *const *command = launch_host(argv + 1);

	(void)argc;
	if (!command) {
		complaint_print("lsatrace",
				"%s is neither beside lsatrace nor in ../lib or ../lib/lsatrace%s",
				launch_host_name(argv + 1),
				strcmp(launch_host_name(argv + 1), "lsatrace-host")
					? "; it is built if mingw-w64 is there"
					: "");
		return COMMAND_TROUBLE;
	}
	execvp(command[0], command);
	complaint_print(command[0], "%s", strerror(errno));
	return COMMAND_TROUBLE;
}
