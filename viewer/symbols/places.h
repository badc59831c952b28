/* SPDX-License-Identifier: MIT */
/*
 * Where to look for the files of modules, and for their debug information: at the paths that the
 * trace has, and in places that the user names.
 *
 * Pure, but for the options.
 */
#ifndef LSATRACE_VIEWER_SYMBOLS_PLACES_H
#define LSATRACE_VIEWER_SYMBOLS_PLACES_H

#include <stdbool.h>
#include <stddef.h>

#include "viewer/base/arguments.h"

struct buffer;
struct model_module;

/* Zeroed: no other place than that in the trace, and debuginfod where it is set up. */
struct places {
	const char *sysroot;          /* NULL: none */
	struct argument_list folders; /* with debug information */
	struct argument_list modules; /* NAME=PATH */
	bool no_debuginfod;
};

struct argument_group places_arguments(struct places *p);

/*
 * Sets `path` to the i-th file that may be the module's, from 0 on, the best one first. Returns false
 * after the last.
 */
bool places_find(const struct places *p, const struct model_module *module, size_t i,
		 struct buffer *path);

/* Returns where elfutils looks for debug information, in its syntax; to be freed. */
char *places_search_path(const struct places *p);

/* Appends the places that the user named, for a sentence on what was not found: ", nor in DIR". */
void places_write(const struct places *p, struct buffer *b);

#endif
