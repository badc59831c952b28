/* SPDX-License-Identifier: MIT */
/*
 * Where a thread is: which entry point of which package it has called, for which line of the scenario. Faults
 * are told with it. Each thread has its own; calls from package to package are nested.
 */
#ifndef LSATRACE_HOST_BASE_SITE_H
#define LSATRACE_HOST_BASE_SITE_H

#include <stdbool.h>

struct site {
	const char *package; /* NULL: none is called */
	const char *entry;   /* NULL: as well */
	const char *slot;    /* the function of the LSA that the package has called, or NULL */
	const char *file;    /* of the scenario; NULL: none */
	unsigned line;
};

extern __thread struct site site;

/* Begins a call of an entry point. Returns the site to which site_leave() comes back. */
struct site site_enter(const char *package, const char *entry);
void site_leave(const struct site *outer);

#endif
