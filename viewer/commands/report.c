/* SPDX-License-Identifier: MIT */
#include "viewer/report/report.h"

#include <stdio.h>

#include "viewer/base/arguments.h"
#include "viewer/commands/commands.h"

_Static_assert(REPORT_TROUBLE == COMMAND_TROUBLE, "exit status");

int command_report(int argc, char **argv)
{
	struct report_options options = { 0 };
	struct arguments arguments = {
		.operands = "TRACE...",
		.description =
			"Reports the leaks, mismatched frees and other findings of the traces.\n",
		.statuses =
			"The exit status is 0 if there is no finding at or above the level of "
			"--fail-on, 1 if there\n"
			"is one, 2 if a trace could not be read or the report not be written.\n",
		.operand = "trace",
		.bad_status = COMMAND_TROUBLE,
		.group = { report_arguments(&options), report_color_arguments(&options.color) },
	};
	int status, first = arguments_parse(&arguments, argc, argv, &status);

	if (first)
		status = (int)report_traces(&options, argv + first, (size_t)(argc - first), stdout);
	return status;
}
