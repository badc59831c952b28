/* SPDX-License-Identifier: MIT */
#include "viewer/top/top.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "include/options.h"
#include "viewer/base/arguments.h"
#include "viewer/base/buffer.h"
#include "viewer/base/complaint.h"
#include "viewer/commands/commands.h"
#include "viewer/top/target.h"

#define DIGITS "0123456789"

static const char *take_delay(void *member, const struct argument *row, const char *value)
{
	bool is_number = strspn(value, DIGITS ".") == strlen(value);
	double seconds = is_number ? strtod(value, NULL) : 0;

	(void)row;
	if (!(seconds >= 0.1 && seconds <= 86400))
		return "seconds, from 0.1 to 86400";
	*(uint64_t *)member = (uint64_t)(seconds * 1e9);
	return NULL;
}

static const struct argument rows[] = {
	{ "batch", 'b', NULL, "write text to standard output, without a terminal",
	  arguments_take_flag, ARGUMENT_INTO(top_options, is_batch) },
	{ "pictures", 'n', "N", "end after N pictures", arguments_take_number,
	  ARGUMENT_INTO(top_options, pictures), .most = INT32_MAX },
	{ "delay", 'd', "SECONDS", "time between two of them (default 2)", take_delay,
	  ARGUMENT_INTO(top_options, delay_ns) },
};

/* Returns the path of the trace, to be freed; or NULL with one line printed. */
static char *find_trace(const char *operand)
{
	struct buffer why = { 0 };
	char *trace;

	if (!*operand || strspn(operand, DIGITS) != strlen(operand))
		return strdup(operand);
	trace = target_find((unsigned)options_number(operand, strlen(operand), INT32_MAX), &why);
	if (!trace)
		complaint_print("lsatrace top", "%s", why.data);
	buffer_release(&why);
	return trace;
}

int command_top(int argc, char **argv)
{
	struct top_options options = { .delay_ns = 2000000000 };
	struct arguments arguments = {
		.operands = "TRACE|PID",
		.description =
			"Shows, while the process runs, what is live, what grows, how often\n"
			"each package calls, and what was found: packages, sections and how\n"
			"full they are, the backtraces that hold what is live, findings. The\n"
			"key ? explains the keys. Growth is counted from the start, or from the\n"
			"key m. Only the trace is read: the process does not notice. A number\n"
			"is a process (./123 is a file of that name). Of a process that has\n"
			"ended it shows the end.\n",
		.statuses =
			"The exit status is 0, or 2 if the trace could not be read, or there is\n"
			"no terminal.\n",
		.operand = "trace",
		.is_single = true,
		.bad_status = COMMAND_TROUBLE,
		.group = { ARGUMENT_GROUP(rows, &options), places_arguments(&options.places) },
	};
	int status, first = arguments_parse(&arguments, argc, argv, &status);
	char *trace;

	if (!first)
		return status;
	trace = find_trace(argv[first]);
	if (!trace)
		return COMMAND_TROUBLE;
	status = top_run(&options, trace) ? 0 : COMMAND_TROUBLE;
	free(trace);
	return status;
}
