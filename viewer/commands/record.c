/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "viewer/commands/commands.h"
#include "viewer/record/options.h"

static const char usage[] =
	"usage: lsatrace record [OPTION]... [--] COMMAND [ARGUMENT]...\n\n"
	"Runs COMMAND and records the calls of its security packages.\n\n" RECORDING_OPTIONS_HELP
	"\nThe status is COMMAND's own, or 128+N if signal N killed it; 125 if lsatrace failed,\n"
	"126 if COMMAND cannot be run, 127 if it is not found.\n";

int cmd_record(int argc, char **argv)
{
	static const struct option rows[] = { RECORDING_OPTIONS(RECORDING_ROW){ 0 } };
	struct recording recording = { 0 };
	int status = recording_parse(&recording, argc, argv, rows, usage, NULL, NULL);

	if (status < 0)
		status = recording_run(&recording, argv + optind);
	recording_release(&recording);
	return status;
}
