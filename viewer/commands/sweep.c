/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/base/arguments.h"
#include "viewer/base/complaint.h"
#include "viewer/commands/commands.h"
#include "viewer/sweep/resume.h"
#include "viewer/sweep/runner.h"
#include "viewer/sweep/state.h"
#include "viewer/sweep/sweep.h"

#define INTO(member) ARGUMENT_INTO(sweep, member)

static const struct argument rows[] = {
	{ "jobs", 'j', "N", "do N runs at a time (default 1)", arguments_take_number, INTO(jobs),
	  .most = 1024 },
	{ "pairs", 0, NULL,
	  "afterwards let pairs of calls fail: one, and one of\nthose that follow it then",
	  arguments_take_flag, INTO(has_pairs) },
	{ "nth", 0, "K", "let the K-th call from each site fail (default 1)", arguments_take_number,
	  INTO(nth), .most = UINT32_MAX },
	{ "timeout", 0, "SECONDS", "end a run that takes longer (default 60)",
	  arguments_take_number, INTO(timeout_seconds), .most = 86400 },
	{ "max-runs", 0, "N", "make at most N runs in which a call fails", arguments_take_number,
	  INTO(max_runs), .most = 100000000 },
	{ "max-time", 0, "SECONDS", "begin no run after that time", arguments_take_number,
	  INTO(max_seconds), .most = UINT32_MAX },
	{ "resume", 0, "DIR",
	  "go on with the sweep that has its runs in DIR: its\noptions and its command are taken "
	  "from there",
	  arguments_take_folder, INTO(resume) },
	{ "error-exitcode", 0, "N", "exit with N in place of 1", arguments_take_number,
	  INTO(error_status), .most = 255 },
};

int command_sweep(int argc, char **argv)
{
	struct sweep s = { .jobs = 1, .timeout_seconds = 60, .nth = 1 };
	struct arguments arguments = {
		.operands = "[--] COMMAND [ARGUMENT]...",
		.description =
			"Runs COMMAND once as it is, and then once for each site from which it\n"
			"calls a function of the host's table: there the call fails. Says what\n"
			"came of each, and reports what the run as it is did not have.\n",
		.statuses = "The exit status is 0 if nothing came of it, 1 if there are new\n"
			    "findings at or above the level of --fail-on, a crash or a hang, 2 if\n"
			    "lsatrace failed or was interrupted.\n",
		.operand = "command",
		.is_command = true,
		.bad_status = COMMAND_TROUBLE,
		.group = { ARGUMENT_GROUP(rows, &s), settings_arguments(&s.settings),
			   report_arguments(&s.report), report_suppression_arguments(&s.report),
			   report_color_arguments(&s.report.color), view_arguments(&s.report.view),
			   places_arguments(&s.report.places),
			   selection_arguments(&s.report.selection) },
	};
	const char *folder = resume_folder(argc, argv);
	int command = folder ? resume_arguments(folder, &argc, &argv) : 0;
	int status = COMMAND_TROUBLE, first = 0;

	if (!folder || command)
		first = arguments_parse(&arguments, argc, argv, &status);
	if (first && folder && first != command) {
		complaint_print("lsatrace sweep", "--resume: the command is that of %s", folder);
		first = 0;
		status = COMMAND_TROUBLE;
	}
	if (first) {
		bool has_dashes = strcmp(argv[first - 1], "--") == 0;

		s.command = argv + first;
		status = sweep_do(&s, argv + 1, (size_t)first - 1 - has_dashes);
		runner_end(&s);
	}
	sweep_release(&s);
	if (command)
		free(argv);
	return status;
}
