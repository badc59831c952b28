/* SPDX-License-Identifier: MIT */
/*
 * The events of a trace in the order of time. Each lane wrote its chunks one after the other, so
 * only two chunks a lane are in memory: they are sorted together, which also mends the little
 * disorder that a signal handler leaves, and the lanes are merged. Events of one moment come in the
 * order of lanes.
 *
 * One thread at a time.
 */
#ifndef LSATRACE_VIEWER_READ_TIMELINE_H
#define LSATRACE_VIEWER_READ_TIMELINE_H

#include "viewer/read/reader.h"

struct timeline;

/* The reader must outlive it. */
struct timeline *timeline_new(const struct reader *reader);
void timeline_free(struct timeline *t);

/*
 * The next event, valid until the next call; NULL after the last one, or when the ring could not be
 * read: trouble->error is then not READER_OK.
 */
const struct trace_event *timeline_next(struct timeline *t, struct reader_trouble *trouble);

#endif
