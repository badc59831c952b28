/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "include/options.h"
#include "viewer/commands/commands.h"
#include "viewer/record/launch.h"
#include "viewer/record/options.h"
#include "viewer/report/report.h"

static const char usage[] =
	"usage: lsatrace run [OPTION]... [--] COMMAND [ARGUMENT]...\n\n"
	"Runs COMMAND, records the calls of its security packages, and reports on standard error.\n"
	"The trace is kept.\n\n" RECORDING_OPTIONS_HELP "      --format=text|json\n"
	"  -O, --report=FILE      write the report to FILE\n"
	"      --fail-on=error|warning|never\n"
	"                         the level from which findings count for --error-exitcode\n"
	"      --error-exitcode=N exit with N, 1 to 255, when there are such findings\n"
	"      --color=auto|always|never\n"
	"\nThe status is COMMAND's own, or 128+N if signal N killed it; 125 if lsatrace failed,\n"
	"126 if COMMAND cannot be run, 127 if it is not found.\n";

#define RUN_OPTIONS(OPTION) \
	OPTION("format", required_argument, 'F') \
	OPTION("report", required_argument, 'O') \
	OPTION("fail-on", required_argument, 'l') \
	OPTION("color", required_argument, 'c') \
	OPTION("error-exitcode", required_argument, 'x')

struct run_options {
	struct report_options report;
	int error_status; /* 0: the command's own status is kept */
	int is_text;
};

static const char *take_run_option(void *context, const char *name, const char *value)
{
	struct run_options *o = context;
	uint64_t number;

	if (strcmp(name, "error-exitcode") == 0) {
		number = options_number(value, strlen(value), 0, 255);
		if (number == 0)
			return "a status from 1 to 255";
		o->error_status = (int)number;
		return NULL;
	}
	if (strcmp(name, "format") == 0)
		o->is_text = strcmp(value, "text") == 0;
	return report_take_option(&o->report, name, value);
}

/* A document in another format may be read by a program: no line of ours before it. */
static void print_traces(const struct recording *r, const struct run_options *o)
{
	for (size_t i = 0; i < r->session.trace_count && o->is_text; i++)
		fprintf(stderr, "lsatrace: trace in %s\n", r->session.traces[i]);
}

/* A report that could not be made is lsatrace's failure, whatever became of the command. */
static int report(const struct recording *r, const struct run_options *o, int status)
{
	print_traces(r, o);
	switch (report_traces(&o->report, r->session.traces, r->session.trace_count, stderr)) {
	case 0:
		return status;
	case 1:
		return o->error_status ? o->error_status : status;
	default:
		return LAUNCH_FAILED;
	}
}

int cmd_run(int argc, char **argv)
{
	static const struct option rows[] = { RECORDING_OPTIONS(RECORDING_ROW)
						      RUN_OPTIONS(RECORDING_ROW){ 0 } };
	struct run_options options = { .report.fail_on = TRACE_LEVEL_ERROR, .is_text = 1 };
	struct recording recording = { 0 };
	int status = recording_parse(&recording, argc, argv, rows, usage, take_run_option, &options);

	if (status < 0) {
		status = recording_run(&recording, argv + optind);
		if (recording.session.trace_count > 0)
			status = report(&recording, &options, status);
	}
	recording_release(&recording);
	return status;
}
