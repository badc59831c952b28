/* SPDX-License-Identifier: MIT */
/*
 * Where the traces of a recording go. Makes their folder, and removes the old traces that the
 * recording is to replace.
 *
 * A traced process never replaces a file: it takes another name. But a user who names one file, with
 * a pattern that has nothing to fill in, wants the trace to have that name. Further processes of
 * that recording append .1, .2 and so on to it. Those of the old recording would be taken for
 * theirs, so they go together with the old trace.
 */
#ifndef LSATRACE_VIEWER_RECORD_OUTPUT_H
#define LSATRACE_VIEWER_RECORD_OUTPUT_H

#include <stdbool.h>

/* Makes a folder, and those above it, unless it is there; `path` may be NULL. Returns false, and
 * prints why in one line, if that fails. */
bool output_make_folder(const char *path);

/*
 * Removes the file that the pattern names, if there is one, and the traces beside it that the same
 * recording made; `pattern` may be NULL. Removes nothing but empty files and traces. Returns false,
 * and prints why in one line, if the file has to stay.
 */
bool output_remove_old(const char *pattern);

#endif
