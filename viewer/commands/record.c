/* SPDX-License-Identifier: MIT */
#include "viewer/base/arguments.h"
#include "viewer/commands/commands.h"
#include "viewer/record/launch.h"
#include "viewer/record/recording.h"

int command_record(int argc, char **argv)
{
	struct recording recording = { 0 };
	struct arguments arguments = {
		.operands = "[--] COMMAND [ARGUMENT]...",
		.description = "Runs COMMAND, and records the calls of its security packages.\n",
		.statuses = RECORDING_STATUSES "\n",
		.operand = "command",
		.is_command = true,
		.bad_status = LAUNCH_FAILED,
		.group = { settings_arguments(&recording.settings) },
	};
	int status, first = arguments_parse(&arguments, argc, argv, &status);

	if (first) {
		status = recording_run(&recording, argv + first);
		recording_tell_untraced(&recording);
	}
	recording_release(&recording);
	return status;
}
