/* SPDX-License-Identifier: MIT */
/*
 * What the tracer's dlsym() and dlvsym() answer. Most questions are passed on to the C library.
 * Three kinds are not:
 *
 * 	for an entry point of a library of packages   gets a function that calls it
 * 	for dlsym(), dlvsym() or dlclose()            gets the tracer's
 * 	for a function of lsatrace.h                  gets it, also from another namespace
 *
 * Any thread. errno stays as it is.
 */
#ifndef LSATRACE_PRELOAD_WAYS_IN_DLSYM_H
#define LSATRACE_PRELOAD_WAYS_IN_DLSYM_H

#include <stdbool.h>

#include "preload/ways_in/got_hooks.h"

/* Returned in two registers: see dlsym_amd64.S. */
struct dlsym_answer {
	void *go_on; /* the function that is to answer; NULL: `symbol` is the answer */
	void *symbol;
};

/* The answer to dlsym(), or to dlvsym() with a version, for `caller`, a return address. */
struct dlsym_answer dlsym_find(void *handle, const char *name, const char *version,
			       const void *caller, enum loader_function asked);

/* Must the library be ready for that question? Returns false for questions that come before
 * start-up and are passed on. */
bool dlsym_needs_init(void *handle, const char *name, const char *version, const void *caller,
		      enum loader_function asked);

#endif
