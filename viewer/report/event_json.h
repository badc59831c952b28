/* SPDX-License-Identifier: MIT */
/*
 * Writes one event as a JSON object on one line. Each key is always there; null means that the value
 * is unknown or does not apply.
 */
#ifndef LSATRACE_VIEWER_REPORT_EVENT_JSON_H
#define LSATRACE_VIEWER_REPORT_EVENT_JSON_H

#include <stdbool.h>

#include "include/trace_format.h"

struct buffer;
struct model;
struct symbols;
struct verdicts;

/* With `symbols` not NULL the object also has the event's backtrace; with `has_site`, its site. */
void event_json_write(struct buffer *b, const struct model *model, const struct verdicts *verdicts,
		      const struct trace_event *event, bool has_site, struct symbols *symbols);

#endif
