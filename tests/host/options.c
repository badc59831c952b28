/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage_text[] =
	"usage: lsahost [OPTION]... PACKAGE.so...\n"
	"Plays the Local Security Authority for the packages in these libraries.\n"
	"\n"
	"  --threads=N          call every package from N threads (1: the main thread)\n"
	"  --repeat=N           call it N times for each client\n"
	"  --clients=N          with N clients in each thread\n"
	"  --command=TEXT       submit TEXT in every call (default: run)\n"
	"  --section            submit the handle of a section of the host's own, too\n"
	"  --refuse-deletes=N   let the first N deletions of live sections fail\n"
	"  --linked             use the library that the program is linked to, too\n"
	"  --dlsym=WAY          look entry points up by handle, default or next\n"
	"  --fork[=N]           fork N children (2) that go on calling while the threads run\n"
	"  --journal=FILE       count calls in FILE\n"
	"  --print              print the last answer of every package\n"
	"  --unload             close the libraries after shutdown\n"
	"  --end=HOW            end by exit, quick-exit, abort or kill\n"
	"  --exit=N             with this exit status\n";

static const char *const lookups[] = { "handle", "default", "next", NULL };
static const char *const endings[] = { "exit", "quick-exit", "abort", "kill", NULL };

static const struct option long_options[] = {
	{ "threads", required_argument, NULL, 't' },
	{ "repeat", required_argument, NULL, 'r' },
	{ "clients", required_argument, NULL, 'c' },
	{ "command", required_argument, NULL, 'C' },
	{ "section", no_argument, NULL, 's' },
	{ "refuse-deletes", required_argument, NULL, 'd' },
	{ "linked", no_argument, NULL, 'l' },
	{ "dlsym", required_argument, NULL, 'D' },
	{ "fork", optional_argument, NULL, 'f' },
	{ "journal", required_argument, NULL, 'j' },
	{ "print", no_argument, NULL, 'p' },
	{ "unload", no_argument, NULL, 'u' },
	{ "end", required_argument, NULL, 'E' },
	{ "exit", required_argument, NULL, 'e' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "lsahost: %s; see --help\n", what);
	exit(2);
}

static unsigned int number(const char *text)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || end == text || value > INT_MAX)
		fail("not a number");
	return (unsigned int)value;
}

static unsigned int choice(const char *text, const char *const *choices)
{
	for (unsigned int i = 0; choices[i]; i++) {
		if (strcmp(choices[i], text) == 0)
			return i;
	}
	fail("not one of the choices");
}

static void take_flag(struct options *options, int option)
{
	switch (option) {
	case 's':
		options->section = true;
		break;
	case 'l':
		options->linked = true;
		break;
	case 'p':
		options->print = true;
		break;
	case 'u':
		options->unload = true;
		break;
	case 'h':
		fputs(usage_text, stdout);
		exit(0);
	default:
		fail("bad option");
	}
}

static void take_text(struct options *options, int option)
{
	switch (option) {
	case 'C':
		options->command = optarg;
		break;
	case 'j':
		options->journal = optarg;
		break;
	case 'D':
		options->lookup = choice(optarg, lookups);
		break;
	case 'E':
		options->ending = choice(optarg, endings);
		break;
	default:
		take_flag(options, option);
	}
}

static void take(struct options *options, int option)
{
	switch (option) {
	case 't':
		options->threads = number(optarg);
		break;
	case 'r':
		options->repeat = number(optarg);
		break;
	case 'c':
		options->clients = number(optarg);
		break;
	case 'd':
		options->refuse_deletes = number(optarg);
		break;
	case 'f':
		options->children = optarg ? number(optarg) : 2;
		break;
	case 'e':
		options->exit_status = (int)number(optarg);
		break;
	default:
		take_text(options, option);
	}
}

void options_parse(struct options *options, int argc, char **argv)
{
	int option;

	*options = (struct options){ .threads = 1, .repeat = 1, .clients = 1, .command = "run" };
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		take(options, option);
	options->paths = argv + optind;
	options->path_count = argc - optind;
	if (options->threads < 1 || options->clients < 1)
		fail("at least one thread and one client are needed");
}
