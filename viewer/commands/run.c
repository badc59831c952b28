/* SPDX-License-Identifier: MIT */
/* Of `record`, and of `run`, which reports as well. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "viewer/base/arguments.h"
#include "viewer/base/complaint.h"
#include "viewer/commands/commands.h"
#include "viewer/record/launch.h"
#include "viewer/record/recording.h"
#include "viewer/report/report.h"

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

/* The options of `run` alone. */
struct gate {
	uint32_t error_status; /* 0: the command's own status is kept */
	bool allow_untraced;   /* a command without a package is fine */
	enum { KEEP_ALWAYS, KEEP_FINDINGS, KEEP_NEVER } keep; /* which traces; order of --keep */
};

static void tell_traces(const struct session *session, const struct report_options *options)
{
	for (size_t i = 0;
	     i < session->trace_count && report_stream_format(options) == REPORT_FORMAT_text; i++)
		complaint_print("lsatrace", "trace in %s", session->traces[i]);
}

/* Removes the traces that need not be kept. A lower bound may hide a finding, and another report can be
 * made. */
static void sort_out_traces(const struct session *session, const struct report_options *options,
			    const struct gate *gate, enum report_status result)
{
	if (result != REPORT_TROUBLE &&
	    (gate->keep == KEEP_NEVER || (gate->keep == KEEP_FINDINGS && result == REPORT_CLEAN)))
		session_remove_traces(session);
	else if (gate->keep != KEEP_ALWAYS)
		tell_traces(session, options);
}

/* Reports the traces, if there are any. Returns the exit status; `status` is the command's own. With
 * an error status, nothing to judge by is a failure of lsatrace. Its reason is printed here, or was
 * printed before. */
static int report(const struct recording *r, const struct report_options *options,
		  const struct gate *gate, int status)
{
	const struct session *session = &r->session;
	/* A document in another format may be read by a program: nothing may come before it. */
	bool is_document =
		session->trace_count > 0 && report_stream_format(options) != REPORT_FORMAT_text;
	enum report_status result = REPORT_CLEAN;
	const char *doubt;

	if (!is_document)
		recording_tell_untraced(r);
	if (gate->keep == KEEP_ALWAYS)
		tell_traces(session, options);
	if (session->trace_count > 0)
		result = report_traces(options, session->traces, session->trace_count, stderr);
	sort_out_traces(session, options, gate, result);
	if (result == REPORT_TROUBLE)
		return LAUNCH_FAILED;
	if (!gate->error_status)
		return status;
	if (result == REPORT_FINDINGS && options->fail_on == REPORT_FAIL_ON_NEVER)
		result = REPORT_CLEAN;
	if (result == REPORT_FINDINGS)
		return (int)gate->error_status;
	if (result == REPORT_EMPTY && gate->allow_untraced)
		result = REPORT_CLEAN;
	doubt = report_doubt(result);
	if (doubt)
		complaint_print("lsatrace", "%s", doubt);
	else if (session->refusals.count > 0 && is_document)
		recording_tell_untraced(r);
	if (doubt || session->refusals.count > 0 || r->gap == RECORDING_UNTRACED ||
	    (r->gap == RECORDING_NO_PACKAGE && !gate->allow_untraced))
		return LAUNCH_FAILED;
	return status;
}

static const struct argument rows[] = {
	{ "error-exitcode", 0, "N",
	  "exit with N, 1 to 255, if there are such findings,\n"
	  "and with 125 if there is nothing to judge by",
	  arguments_take_number, ARGUMENT_INTO(gate, error_status), .most = 255 },
	{ "allow-untraced", 0, NULL,
	  "with --error-exitcode: it is no failure if no\npackage is initialised",
	  arguments_take_flag, ARGUMENT_INTO(gate, allow_untraced) },
	{ "keep", 0, "always|findings|never",
	  "keep the traces: always (default), if there are\n"
	  "findings at or above the level or something was lost,\n"
	  "or never",
	  arguments_take_choice, ARGUMENT_INTO(gate, keep) },
};

int command_run(int argc, char **argv)
{
	struct report_options options = { 0 };
	struct recording recording = { 0 };
	struct gate gate = { 0 };
	struct arguments arguments = {
		.operands = "[--] COMMAND [ARGUMENT]...",
		.description =
			"Runs COMMAND, records the calls of its security packages, and reports\n"
			"on standard error. The trace is kept, unless --keep says otherwise.\n",
		.statuses = RECORDING_STATUSES
		" With --error-exitcode=N it is N if there are findings at or\n"
		"above the level of --fail-on; and 125 if there are none, but the\n"
		"command could not be traced, initialised no package, still runs in\n"
		"part, crashed with status 0, or the result is a lower bound.\n",
		.operand = "command",
		.is_command = true,
		.bad_status = LAUNCH_FAILED,
		.group = { settings_arguments(&recording.settings), report_arguments(&options),
			   report_suppression_arguments(&options),
			   report_color_arguments(&options.color), view_arguments(&options.view),
			   places_arguments(&options.places),
			   selection_arguments(&options.selection), ARGUMENT_GROUP(rows, &gate) },
	};
	int status, first = arguments_parse(&arguments, argc, argv, &status);

	if (first &&
	    !report_prepare(&options, report_stream_format(&options) == REPORT_FORMAT_text)) {
		status = LAUNCH_FAILED;
	} else if (first) {
		if (options.fail_on && !gate.error_status)
			complaint_print("lsatrace run", "--fail-on has no effect without "
							"--error-exitcode");
		if (options.leak_kinds)
			settings_add(&recording.settings, "leak-check", "yes");
		status = recording_run(&recording, argv + first);
		status = report(&recording, &options, &gate, status);
	}
	report_release(&options);
	recording_release(&recording);
	return status;
}
