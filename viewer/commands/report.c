/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "viewer/commands/commands.h"
#include "viewer/commands/usage.h"
#include "viewer/report/report.h"

static const char help[] =
	"usage: lsatrace report [OPTION]... TRACE...\n\n"
	"Names the leaks, mismatched frees and other findings of the traces.\n\n"
	"      --format=text|json\n"
	"  -O, --report=FILE      write the report to FILE\n"
	"      --fail-on=error|warning|never\n"
	"                         the level from which findings make the status 1 (default error)\n"
	"      --color=auto|always|never\n"
	"      --help             this text\n"
	"\nThe status is 0 without findings at or above the level, 1 with findings, 2 if a trace\n"
	"could not be read or the report not be written.\n";

static const struct option rows[] = {
	{ "format", required_argument, NULL, 'F' },  { "report", required_argument, NULL, 'O' },
	{ "fail-on", required_argument, NULL, 'l' }, { "color", required_argument, NULL, 'c' },
	{ "help", no_argument, NULL, 'h' },          { 0 },
};

int cmd_report(int argc, char **argv)
{
	struct report_options options = { .fail_on = TRACE_LEVEL_ERROR };
	const char *expected;
	int value;

	opterr = optind = 0;
	while ((value = getopt_long(argc, argv, ":O:", rows, NULL)) != -1) {
		if (value == '?' || value == ':')
			return usage_refuse(argv, rows, value);
		if (value == 'h')
			return fputs(help, stdout) < 0 ? USAGE_STATUS : 0;
		expected = report_take_option(&options, usage_name(rows, value), optarg);
		if (expected)
			return usage_expected(argv[0], usage_name(rows, value), optarg, expected);
	}
	if (optind == argc)
		return usage_wrong(argv[0], "no trace was given");
	return report_traces(&options, argv + optind, (size_t)(argc - optind), stdout);
}
