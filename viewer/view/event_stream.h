/* SPDX-License-Identifier: MIT */
/*
 * Hands out what the threads of a trace did, in the order of time: its events, and the calls in flight.
 * A call in flight is an event without a result, at the time at which it began. If the ring has an event
 * of it, as of a releasing call, that one is handed out alone.
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_VIEW_EVENT_STREAM_H
#define LSATRACE_VIEWER_VIEW_EVENT_STREAM_H

#include "include/trace_format.h"

struct event_stream;
struct model;
struct trouble;

/* The model must outlive the stream. Never NULL. */
struct event_stream *event_stream_new(const struct model *model);
/* Accepts NULL. */
void event_stream_free(struct event_stream *s);

/* As timeline_next(). */
const struct trace_event *event_stream_next(struct event_stream *s, struct trouble *trouble);

#endif
