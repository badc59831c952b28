/* SPDX-License-Identifier: MIT */
/*
 * What text is written to: a terminal or not, how wide it is, which characters it has, and a pager.
 *
 * For one thread: whether there is a pager is a property of the process.
 */
#ifndef LSATRACE_VIEWER_VIEW_TERMINAL_H
#define LSATRACE_VIEWER_VIEW_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

struct buffer;

/*
 * If the standard output is a terminal, starts a pager for it, as git does: LSATRACE_PAGER, PAGER or
 * less. An empty name, or cat, is none. terminal_end() must follow.
 */
void terminal_page(void);
/* Waits until the user has left the pager, if there is one. */
void terminal_end(void);

/* Is it a terminal, perhaps behind the pager? */
bool terminal_is(FILE *out);
/* Does the user's locale have UTF-8? */
bool terminal_has_utf8(void);

/*
 * If a stream goes to a terminal, its long lines are wrapped from now on at the width of that. Wherever it goes, other
 * characters than ASCII are replaced if the locale is not one of UTF-8.
 */
void terminal_shape(struct buffer *stream);

#endif
