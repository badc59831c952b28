/* SPDX-License-Identifier: MIT */
/*
 * What a process did last: the last calls of the thread that made a wrong access, which ends it, and of
 * those that were in a call when it was killed; or else, of all threads together.
 */
#ifndef LSATRACE_VIEWER_PAGE_CALLS_H
#define LSATRACE_VIEWER_PAGE_CALLS_H

#include <stddef.h>

struct buffer;
struct findings;
struct model;

/* Writes them for the model with this number; nothing for a process that came to an orderly end. */
void calls_write(struct buffer *b, const struct model *model, struct findings *findings,
		 size_t number);

#endif
