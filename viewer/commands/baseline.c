/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdio.h>

#include "viewer/base/arguments.h"
#include "viewer/commands/commands.h"
#include "viewer/report/report.h"

int command_baseline(int argc, char **argv)
{
	static const struct argument rows[] = {
		{ "output", 'o', "FILE", "write to FILE (default: standard output)",
		  arguments_take_text, .offset = 0 },
	};
	const char *file = NULL;
	struct report_options options = { 0 };
	struct arguments arguments = {
		.operands = "TRACE...",
		.description =
			"Writes a baseline: the errors and warnings of the traces, for --baseline "
			"of\n"
			"report and run. Of several runs, the greatest count of each is taken.\n",
		.statuses = "The exit status is 0, or 2 if a trace could not be read or the "
			    "baseline not be written.\n",
		.operand = "trace",
		.bad_status = COMMAND_TROUBLE,
		.group = { ARGUMENT_GROUP(rows, &file), report_suppression_arguments(&options),
			   places_arguments(&options.places) },
	};
	int status, first = arguments_parse(&arguments, argc, argv, &status);

	if (!first)
		return status;
	status = REPORT_TROUBLE;
	if (report_prepare(&options, file != NULL))
		status = (int)report_write_baseline(&options, argv + first, (size_t)(argc - first),
						    file, stdout);
	report_release(&options);
	return status;
}
