/* SPDX-License-Identifier: MIT */
/* The command line. */
#ifndef LSATRACE_HOST_PROGRAM_OPTIONS_H
#define LSATRACE_HOST_PROGRAM_OPTIONS_H

#include <stdbool.h>

struct options {
	const char *scenario; /* NULL: the default; "-": standard input */
	unsigned threads, rounds;
	bool has_shared_memory, is_verbose;
	char **packages; /* ends with NULL */
	int status;      /* with which the program ends, if options_parse() returns false */
};

/* Returns whether there is something to do. Otherwise help, or a line on what is wrong, has been printed. */
bool options_parse(struct options *options, int argc, char **argv);

#endif
