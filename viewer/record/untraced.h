/* SPDX-License-Identifier: MIT */
/*
 * Why a command left no trace, as far as its executable tells. Reads files, and changes and prints
 * nothing.
 */
#ifndef LSATRACE_VIEWER_RECORD_UNTRACED_H
#define LSATRACE_VIEWER_RECORD_UNTRACED_H

#include <stddef.h>

/*
 * Writes into `why` (of `bytes`) what comes after "no security package was initialised in …:".
 * `command` is looked up in PATH as execvp does; `library` is the preload library, whose kind of
 * machine a program must be for; `tables` is what --table named, or NULL.
 */
void untraced_explain(const char *command, const char *library, const char *tables, char *why,
		      size_t bytes);

#endif
