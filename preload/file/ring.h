/* SPDX-License-Identifier: MIT */
/*
 * The history: one record for each call, in chunks of the ring. A thread writes records into the
 * chunk of its lane, without a lock.
 *
 *	ring_reserve() ──▶ zeroed record ──▶ fields are written ──▶ ring_commit() ──▶ valid
 *
 * The state is stored last, with release order. This is the only place where memory order is
 * explained: a reader of the mapping sees the fields before the state that makes them valid. So
 * does a reader who finds the file after a kill, because the page cache sees the stores in that
 * order.
 *
 * A record may be completed later, when its call returns, but only while its chunk is still the
 * lane's: a chunk that was full and given back may belong to another lane by then.
 *
 * All functions: for the thread that has the lane.
 */
#ifndef LSATRACE_PRELOAD_FILE_RING_H
#define LSATRACE_PRELOAD_FILE_RING_H

#include <stdbool.h>

#include "preload/file/lanes.h"

/* Returns room for one record, zeroed. NULL: there is none, which is counted in the trace. */
struct trace_event *ring_reserve(struct lane *lane);

/* `state` is bits of enum trace_event_state. */
static inline void ring_commit(struct trace_event *event, uint8_t state)
{
	__atomic_store_n(&event->state, state, __ATOMIC_RELEASE);
}

/* May a record that was reserved in `chunk` still be completed? `chunk_sequence` is the sequence
 * that the chunk had then. */
static inline bool ring_still_ours(const struct lane *lane, const struct trace_chunk *chunk,
				   uint64_t chunk_sequence)
{
	return lane->chunk == chunk && chunk && chunk->sequence == chunk_sequence;
}

#endif
