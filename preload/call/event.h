/* SPDX-License-Identifier: MIT */
/*
 * The only writer of events: the records of calls and of transfers in the ring (file/ring.h), and what is
 * counted of them. For the thread that has the lane.
 */
#ifndef LSATRACE_PRELOAD_CALL_EVENT_H
#define LSATRACE_PRELOAD_CALL_EVENT_H

#include "preload/file/lanes.h"

/*
 * Writes a record: time and thread are the lane's; address, section, size, caller, stack, function,
 * package and verdict are those of `what`. The caller sets duration and result where they are known, and
 * makes the record valid by ring_commit(). Returns NULL if the ring has no room, which is counted.
 */
struct trace_event *event_write(struct lane *lane, const struct trace_event *what);

/* Adds one call, or one transfer, to the counter of a package and function. `bytes` are those asked for;
 * they count if the call has not failed. */
void event_count(struct lane *lane, uint32_t package, uint32_t function, bool has_failed,
		 uint64_t bytes);

/* A call that was counted as one that cannot fail has failed. */
void event_count_failure(struct lane *lane, uint32_t package, uint32_t function);

#endif
