/* SPDX-License-Identifier: MIT */
/*
 * What a page draws of the events: what is live over time, of the first traces, and the profile of the flame
 * graphs. A thread of its own reads the events, while the findings are made.
 *
 * Only that thread uses it until drawing_wait(). The models must outlive it, and stay as they are.
 */
#ifndef LSATRACE_VIEWER_PAGE_DRAWING_H
#define LSATRACE_VIEWER_PAGE_DRAWING_H

#include <stdbool.h>
#include <stddef.h>

struct course;
struct model;
struct model_events;
struct profile;
struct progress;

enum { DRAWING_COURSES = 8 };

struct drawing {
	struct profile *profile;                /* NULL: not all events can be read */
	struct course *course[DRAWING_COURSES]; /* of the first models */
};

/* Begins to read the events of models, each with its sums. Never NULL. */
struct drawing *drawing_new(struct model *const *models, const struct model_events *events,
			    size_t count);
/* Waits until all is there, and shows how far it is. */
void drawing_wait(struct drawing *d, struct progress *progress);
void drawing_free(struct drawing *d);

#endif
