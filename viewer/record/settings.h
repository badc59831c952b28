/* SPDX-License-Identifier: MIT */
/*
 * The options of a recording, from the command line to the environment of the traced command. The
 * preload library reads them from LSATRACE_OPTIONS, so they are kept as its text: NAME=VALUE,
 * separated by colons, with a backslash before each colon and backslash of a value. Of two values
 * for one name, the later one counts.
 *
 * The options themselves are rows of include/options.h.
 */
#ifndef LSATRACE_VIEWER_RECORD_SETTINGS_H
#define LSATRACE_VIEWER_RECORD_SETTINGS_H

#include "viewer/base/arguments.h"
#include "viewer/base/buffer.h"

/* What the command line says. Starts zeroed. */
struct settings {
	const char *output; /* the value of --output; NULL: not given */
	const char *folder; /* that of --output-dir */
	struct buffer text; /* the other options */
};

/* The options of a recording, for a command's arguments. */
struct argument_group settings_arguments(struct settings *s);

/* Adds one that the command line implies. */
void settings_add(struct settings *s, const char *name, const char *value);

/*
 * Returns the value for the command's LSATRACE_OPTIONS, to be freed: the user's own
 * LSATRACE_OPTIONS, then the command line's options. The pattern of the output is made absolute,
 * because the command may change its folder before it makes its trace.
 */
char *settings_join(const struct settings *s);

/* Returns the pattern that the command line gives for the traces, to be freed; NULL: it gives none. */
char *settings_pattern(const struct settings *s);

/* Returns the last value of an option in such a text, to be freed, or NULL. */
char *settings_find(const char *text, const char *name);

void settings_release(struct settings *s);

#endif
