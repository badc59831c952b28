/* SPDX-License-Identifier: MIT */
#ifndef HOST_LOADER_H
#define HOST_LOADER_H

/*
 * Libraries, and the packages in them. Main thread only. Prints what happens on standard output,
 * and failures of the host itself on standard error.
 */

#include <stdbool.h>
#include <stddef.h>

#include "include/secpkg.h"
#include "options.h"

struct package {
	char name[64]; /* the library's name, and the number of the package if there are several */
	void *library; /* NULL if the program is linked to it */
	/* A slot is NULL if tables of the library's version do not have it. */
	SECPKG_FUNCTION_TABLE functions;
	bool usable; /* it has been initialised */
};

/* An array that grows. It starts as zeroes. */
struct packages {
	struct package *all;
	size_t count;
};

/* Returns 0, or -1 if the library cannot be loaded or has no packages. */
int packages_load(struct packages *packages, const char *path, enum lookup lookup);

/* Does the same for the library that the program is linked to. */
int packages_load_linked(struct packages *packages);

/* Closes every library. */
void packages_unload(struct packages *packages);

/* Removes a package. Closes its library, unless that has other packages. */
void packages_drop(struct packages *packages, struct package *package);

void packages_release(struct packages *packages);

#endif
