/* SPDX-License-Identifier: MIT */
/* Shows the source around a line, where the file is at hand. Keeps no state. */
#ifndef LSATRACE_VIEWER_VIEW_EXCERPT_H
#define LSATRACE_VIEWER_VIEW_EXCERPT_H

#include <stdbool.h>

struct buffer;

/*
 * Appends `lines` lines of a file, with the line `line` in their middle and marked. Returns false if the
 * file is not there, or has no such line.
 */
bool excerpt_write(struct buffer *b, const char *indent, const char *file, unsigned line,
		   unsigned lines);

#endif
