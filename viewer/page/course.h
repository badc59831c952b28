/* SPDX-License-Identifier: MIT */
/*
 * The data of the page's time line: what each package held, and the largest sections, at a bounded number
 * of points of time; and the calls that are findings.
 */
#ifndef LSATRACE_VIEWER_PAGE_COURSE_H
#define LSATRACE_VIEWER_PAGE_COURSE_H

#include "viewer/model/types.h"

struct json;
struct model;

/* Writes an object. If the ring cannot be read, nothing is in it. */
void course_write(struct json *j, const struct model *model, const struct model_events *events);

#endif
