/* SPDX-License-Identifier: MIT */
#ifndef HOST_OPTIONS_H
#define HOST_OPTIONS_H

/* The command line. */

#include <stdbool.h>

/* How the host finds the entry point of a library that it has opened. */
enum lookup { LOOKUP_HANDLE, LOOKUP_DEFAULT, LOOKUP_NEXT };

enum ending { ENDING_EXIT, ENDING_QUICK_EXIT, ENDING_ABORT, ENDING_KILL };

struct options {
	unsigned int threads;
	unsigned int repeat;   /* calls of each package by each client of each thread */
	unsigned int clients;  /* of each package in each thread */
	unsigned int children; /* processes forked while the threads run */
	unsigned int refuse_deletes;
	int exit_status;
	bool linked;
	bool print;   /* the last answer of each package */
	bool section; /* give packages a section that they did not create */
	bool unload;
	enum lookup lookup;
	enum ending ending;
	const char *command;
	const char *journal; /* or NULL */
	char **paths;        /* of the libraries to load */
	int path_count;
};

/* If the command line is wrong, prints the reason and exits with 2. */
void options_parse(struct options *options, int argc, char **argv);

#endif
