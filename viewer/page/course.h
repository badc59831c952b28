/* SPDX-License-Identifier: MIT */
/*
 * The data of the page's time line: what each package held, and the largest sections, at a bounded number
 * of points of time; and the calls that are findings.
 */
#ifndef LSATRACE_VIEWER_PAGE_COURSE_H
#define LSATRACE_VIEWER_PAGE_COURSE_H

#include "viewer/model/types.h"

struct course;
struct json;
struct model;
struct timeline_watch;
struct trouble;

/* Reads the ring once; the watch, which may be NULL, sees it. If it cannot be read, the trouble is filled in, and the
 * time line is empty. Never NULL. */
struct course *course_new(const struct model *model, const struct model_events *events,
			  const struct timeline_watch *watch, struct trouble *trouble);
/* Accepts NULL. */
void course_free(struct course *c);
/* Writes an object. */
void course_write(struct json *j, const struct course *c, const struct model *model);

#endif
