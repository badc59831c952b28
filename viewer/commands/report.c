/* SPDX-License-Identifier: MIT */
#include "viewer/report/report.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "viewer/base/arguments.h"
#include "viewer/base/complaint.h"
#include "viewer/commands/commands.h"
#include "viewer/view/moment.h"
#include "viewer/view/terminal.h"

_Static_assert(REPORT_TROUBLE == COMMAND_TROUBLE, "exit status");

/* A word that is no time is a checkpoint. */
static const char *take_since(void *options, const struct argument *row, const char *value)
{
	struct report_options *o = options;
	const char *words = moment_take(&o->selection.since, row, value);

	if (!words || !*value || strchr("+-", *value))
		return words;
	o->since = value;
	return NULL;
}

static const struct argument rows[] = {
	{ "strict", 0,
	  NULL, "exit with 2 if there is no such finding, but the\nresult is a lower bound, or no package was initialised",
	  arguments_take_flag, .offset = 0 },
};
static const struct argument looks[] = {
	{ "since", 0, "TIME|CHECKPOINT",
	  "show only what happened after '2026-11-29 21:05',\n"
	  "21:05:47, -8h (ago) or +12.5 (seconds from the\n"
	  "start); or report only what was made, or noticed\n"
	  "first, since lsatrace_checkpoint(CHECKPOINT)",
	  take_since, .offset = 0 },
	{ "until", 0, "TIME", "show only what happened before", moment_take,
	  ARGUMENT_INTO(report_options, selection.until) },
	{ "growth", 0, NULL, "also say whose memory grows steadily, by backtrace",
	  arguments_take_flag, ARGUMENT_INTO(report_options, has_growth) },
};

int command_report(int argc, char **argv)
{
	bool is_strict = false;
	struct report_options options = { 0 };
	struct arguments arguments = {
		.operands = "TRACE...",
		.description =
			"Reports the leaks, mismatched frees and other findings of the traces.\n",
		.statuses = "The exit status is 0 if there is no finding at or above the level of\n"
			    "--fail-on, 1 if there is one, 2 if a trace could not be read or the\n"
			    "report not be written; with --strict also if there is none, but the\n"
			    "result is a lower bound, no package was initialised, or a program\n"
			    "crashed with status 0.\n",
		.operand = "trace",
		.bad_status = COMMAND_TROUBLE,
		.group = { report_arguments(&options), report_suppression_arguments(&options),
			   report_color_arguments(&options.color), view_arguments(&options.view),
			   places_arguments(&options.places), selection_arguments(&options.selection),
			   ARGUMENT_GROUP(rows, &is_strict), ARGUMENT_GROUP(looks, &options) },
	};
	int status, first = arguments_parse(&arguments, argc, argv, &status);
	const char *doubt;

	if (!first)
		return status;
	if (!report_prepare(&options, true)) {
		report_release(&options);
		return COMMAND_TROUBLE;
	}
	if (report_stream_format(&options) == REPORT_FORMAT_text)
		terminal_page();
	status = (int)report_traces(&options, argv + first, (size_t)(argc - first), stdout);
	terminal_end();
	report_release(&options);
	if (status == REPORT_FINDINGS && options.fail_on == REPORT_FAIL_ON_NEVER)
		return 0;
	doubt = report_doubt((enum report_status)status);
	if (!doubt)
		return status;
	/* That a process still runs, who asks for its report knows. */
	is_strict = is_strict && status != REPORT_RUNNING;
	if (is_strict)
		complaint_print("lsatrace", "%s", doubt);
	return is_strict ? COMMAND_TROUBLE : 0;
}
