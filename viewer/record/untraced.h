/* SPDX-License-Identifier: MIT */
/*
 * Says of a command whether and why it cannot be traced, as far as its executable tells. Reads
 * files; changes and prints nothing.
 */
#ifndef LSATRACE_VIEWER_RECORD_UNTRACED_H
#define LSATRACE_VIEWER_RECORD_UNTRACED_H

#include <stdbool.h>
#include <stddef.h>

#include "include/program.h"

/* Looks at the program of a command, which is looked up in PATH as by execvp, here and below. */
struct program untraced_look_at(const char *command);

/*
 * Writes why a command left no trace into `why`, which has room for `bytes` bytes. `tables` is the
 * value of --table, or NULL. Returns whether the command cannot be traced at all.
 */
bool untraced_explain(const char *command, const char *tables, char *why, size_t bytes);

#endif
