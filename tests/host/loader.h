/* SPDX-License-Identifier: MIT */
#ifndef HOST_LOADER_H
#define HOST_LOADER_H

/*
 * Libraries, and the packages in them. Main thread only. What happens is printed on standard
 * output; what does not depend on the library, on standard error.
 */

#include <stdbool.h>
#include <stddef.h>

#include "include/secpkg.h"
#include "options.h"

struct package {
	char name[64]; /* the library's, and the number of the package if it has several */
	void *library; /* NULL: the program is linked to it */
	/* Slots that a table of the library's version does not have are NULL. */
	SECPKG_FUNCTION_TABLE functions;
	bool usable; /* it has been initialised */
};

/* A growing array. Zeroes are an empty one. */
struct packages {
	struct package *all;
	size_t count;
};

/* Returns 0, or -1 if the library cannot be loaded or has no packages. */
int packages_load(struct packages *packages, const char *path, enum lookup lookup);

/* The same for the library that the program is linked to. */
int packages_load_linked(struct packages *packages);

/* Closes every library. */
void packages_unload(struct packages *packages);

/* Puts a package out of use; its library is closed, unless other packages lie in it, too. */
void packages_drop(struct packages *packages, struct package *package);

void packages_release(struct packages *packages);

#endif
