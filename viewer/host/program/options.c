/* SPDX-License-Identifier: MIT */
#include "viewer/host/program/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: lsatrace host [OPTION]... PACKAGE...\n"
	"\n"
	"Plays the Local Security Authority for the packages in these libraries,\n"
	"and tells what a real one would trip over.\n"
	"\n"
	"  -s, --scenario=FILE        what to do with the packages; - is standard input\n"
	"                             (default: call every entry point that they have)\n"
	"  -n, --rounds=N             do it N times (default 1)\n"
	"  -j, --threads=N            in N threads at a time (default 1)\n"
	"      --shared-memory=WHICH  host: the host's own (default); none: the four\n"
	"                             slots are NULL, and lsatrace run gives the\n"
	"                             packages its own\n"
	"  -v, --verbose              print each call with its status\n"
	"  -h, --help                 print this\n"
	"\n"
	"The exit status is 0, 1 if there were faults, 3 if there were none but a\n"
	"result is not as the scenario expects, or 2 for wrong usage, or a package\n"
	"that cannot be loaded. `man lsatrace' explains scenarios.\n";

static const struct option rows[] = {
	{ "scenario", required_argument, NULL, 's' },
	{ "rounds", required_argument, NULL, 'n' },
	{ "threads", required_argument, NULL, 'j' },
	{ "shared-memory", required_argument, NULL, 'm' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

enum { THREADS_MOST = 1024 };

static bool refuse(struct options *options, const char *what, const char *value)
{
	fprintf(stderr, "lsatrace host: %s%s; see --help\n", what, value);
	options->status = 2;
	return false;
}

static bool take_number(struct options *options, unsigned *number, unsigned long most)
{
	char words[64], *end;
	unsigned long value;

	snprintf(words, sizeof(words), "expected a number from 1 to %lu, not ", most);
	errno = 0;
	value = strtoul(optarg, &end, 10);
	if (errno || *end || *optarg < '0' || *optarg > '9' || !value || value > most)
		return refuse(options, words, optarg);
	*number = (unsigned)value;
	return true;
}

static bool take_shared_memory(struct options *options)
{
	options->has_shared_memory = strcmp(optarg, "host") == 0;
	return options->has_shared_memory || strcmp(optarg, "none") == 0 ||
	       refuse(options, "--shared-memory is host or none, not ", optarg);
}

static bool take_option(struct options *options, int letter)
{
	switch (letter) {
	case 's':
		options->scenario = optarg;
		return true;
	case 'n':
		return take_number(options, &options->rounds, UINT_MAX);
	case 'j':
		return take_number(options, &options->threads, THREADS_MOST);
	case 'm':
		return take_shared_memory(options);
	case 'v':
		options->is_verbose = true;
		return true;
	case 'h':
		fputs(usage, stdout);
		options->status = 0;
		return false;
	default:
		options->status = 2;
		return false;
	}
}

bool options_parse(struct options *options, int argc, char **argv)
{
	static char name[] = "lsatrace host";
	int letter;

	*options = (struct options){ .threads = 1, .rounds = 1, .has_shared_memory = true };
	argv[0] = name; /* getopt_long() names the program */
	while ((letter = getopt_long(argc, argv, "s:n:j:vh", rows, NULL)) != -1)
		if (!take_option(options, letter))
			return false;
	options->packages = argv + optind;
	return optind < argc || refuse(options, "a package is missing", "");
}
