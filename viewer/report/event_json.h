/* SPDX-License-Identifier: MIT */
/*
 * Writes one event as a JSON object (jansson). Each key is always there; null means that the value
 * is unknown or does not apply.
 */
#ifndef LSATRACE_VIEWER_REPORT_EVENT_JSON_H
#define LSATRACE_VIEWER_REPORT_EVENT_JSON_H

#include <jansson.h>

#include "include/trace_format.h"

struct json_frames;
struct model;

/* Returns a new reference. With `frames` not NULL the object also has the event's backtrace. */
json_t *event_json(struct model *model, const struct trace_event *event, struct json_frames *frames);

#endif
