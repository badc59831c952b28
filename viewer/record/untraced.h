/* SPDX-License-Identifier: MIT */
/*
 * Explains why a command left no trace, as far as its executable tells. Reads files; changes and
 * prints nothing.
 */
#ifndef LSATRACE_VIEWER_RECORD_UNTRACED_H
#define LSATRACE_VIEWER_RECORD_UNTRACED_H

#include <stddef.h>

/*
 * Writes the reason into `why`, which has room for `bytes` bytes. `command` is looked up in PATH as
 * by execvp. `library` is the path of the preload library: a program for another kind of processor
 * cannot load it. `tables` is the value of --table, or NULL.
 */
void untraced_explain(const char *command, const char *library, const char *tables, char *why,
		      size_t bytes);

#endif
