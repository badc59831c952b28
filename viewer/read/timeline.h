/* SPDX-License-Identifier: MIT */
/*
 * Hands out the events of a trace in the order of time.
 *
 * Each lane (one thread's place in the trace) wrote its chunks one after the other, so each lane is
 * almost sorted. At most two chunks of each lane are in memory. They are sorted together, which
 * also corrects the small disorder that a signal handler leaves. A heap then merges the lanes.
 * Events with the same time come in the order of their lanes.
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_READ_TIMELINE_H
#define LSATRACE_VIEWER_READ_TIMELINE_H

#include "viewer/read/reader.h"

struct timeline;

/* Is shown each chunk of the ring when it has been read: those of a lane one after another. */
struct timeline_watch {
	void (*visit)(void *context, const struct reader_ring *ring,
		      const struct reader_events *events);
	void *context;
};

/* The reader must outlive the timeline. Never NULL. */
struct timeline *timeline_new(const struct reader *reader);
/* Accepts NULL. */
void timeline_free(struct timeline *t);

/* To be called before the first event is asked for. The watch must outlive the timeline; NULL: none. */
void timeline_show(struct timeline *t, const struct timeline_watch *watch);

/*
 * Returns the next event, valid until the next call. Returns NULL after the last event, with
 * trouble->error TROUBLE_NONE, or when the ring could not be read, with the trouble filled in.
 */
const struct trace_event *timeline_next(struct timeline *t, struct trouble *trouble);

#endif
