/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "include/options.h"
#include "viewer/base/arguments.h"
#include "viewer/base/complaint.h"
#include "viewer/commands/commands.h"
#include "viewer/record/launch.h"
#include "viewer/record/recording.h"
#include "viewer/report/report.h"

static const char *take_error_status(void *into, const char *name, const char *value)
{
	int *error_status = into;

	(void)name;
	*error_status = (int)options_number(value, strlen(value), 255);
	return *error_status ? NULL : "a status from 1 to 255";
}

/* Returns the exit status; `status` is the command's own. */
static int report(const struct session *session, const struct report_options *options,
		  int error_status, int status)
{
	/* A document in another format may be read by a program: nothing may come before it. */
	for (size_t i = 0; i < session->trace_count && options->format == REPORT_FORMAT_text; i++)
		complaint_print("lsatrace", "trace in %s", session->traces[i]);
	switch (report_traces(options, session->traces, session->trace_count, stderr)) {
	case REPORT_CLEAN:
		return status;
	case REPORT_FINDINGS:
		return error_status ? error_status : status;
	default:
		return LAUNCH_FAILED;
	}
}

int command_run(int argc, char **argv)
{
	static const struct argument rows[] = {
		{ "error-exitcode", 0, "N", "exit with N, 1 to 255, if there are such findings",
		  take_error_status, NULL },
	};
	struct report_options options = { 0 };
	struct recording recording = { 0 };
	int error_status = 0; /* 0: the command's own status is kept */
	struct arguments arguments = {
		.operands = "[--] COMMAND [ARGUMENT]...",
		.description =
			"Runs COMMAND, records the calls of its security packages, and reports "
			"on standard\n"
			"error. The trace is kept.\n",
		.statuses = RECORDING_STATUSES
		" With --error-exitcode=N it is N\n"
		"if there are findings at or above the level of --fail-on.\n",
		.operand = "command",
		.is_command = true,
		.bad_status = LAUNCH_FAILED,
		.group = { settings_arguments(&recording.settings), report_arguments(&options),
			   report_color_arguments(&options.color),
			   ARGUMENT_GROUP(rows, &error_status) },
	};
	int status, first = arguments_parse(&arguments, argc, argv, &status);

	if (first) {
		status = recording_run(&recording, argv + first);
		if (options.format == REPORT_FORMAT_text || options.file)
			recording_tell_untraced(&recording);
		if (recording.session.trace_count > 0)
			status = report(&recording.session, &options, error_status, status);
	}
	recording_release(&recording);
	return status;
}
