/* SPDX-License-Identifier: MIT */
/*
 * The history: one record a call. A record is written by the thread that called, into its lane's
 * chunk, and is whole when its state says so: content first, state last. Memory order is explained
 * here only: a store-release of the state keeps the content before it, for a reader of the mapping as
 * for one that finds the file after a kill, since the page cache sees the stores in that order. A
 * record may be completed later only while its chunk still is the lane's own: a chunk that was
 * retired may be somebody else's by then.
 */
#ifndef LSATRACE_PRELOAD_FILE_RING_H
#define LSATRACE_PRELOAD_FILE_RING_H

#include <stdbool.h>

#include "preload/file/lanes.h"

/* Room for one record, zeroed; NULL: none, which is counted. */
struct trace_event *ring_reserve(struct lane *lane);

static inline void ring_commit(struct trace_event *event, uint8_t state)
{
	__atomic_store_n(&event->state, state, __ATOMIC_RELEASE);
}

/* May a record that was reserved in `chunk` still be completed? `chunk_sequence` is that of then. */
static inline bool ring_still_ours(const struct lane *lane, const struct trace_chunk *chunk,
				   uint64_t chunk_sequence)
{
	return lane->chunk == chunk && chunk && chunk->sequence == chunk_sequence;
}

#endif
