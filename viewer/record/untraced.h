/* SPDX-License-Identifier: MIT */
/*
 * Says of a command whether and why it cannot be traced, as far as its executable tells. Reads
 * files; changes and prints nothing.
 */
#ifndef LSATRACE_VIEWER_RECORD_UNTRACED_H
#define LSATRACE_VIEWER_RECORD_UNTRACED_H

#include <stdbool.h>
#include <stddef.h>

/* Would the loader of a command fail, or complain, if the library were preloaded? `command` is
 * looked up in PATH as by execvp, here and below. */
bool untraced_is_foreign(const char *command);

/* Is there a file for a command, which execvp() could not execute? */
bool untraced_is_there(const char *command);

/*
 * Writes why a command left no trace into `why`, which has room for `bytes` bytes. `tables` is the
 * value of --table, or NULL. Returns whether the command cannot be traced at all.
 */
bool untraced_explain(const char *command, const char *tables, char *why, size_t bytes);

#endif
