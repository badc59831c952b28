/* SPDX-License-Identifier: MIT */
#include "preload/file/ring.h"
#include "preload/base/compiler.h"
#include "preload/file/chunks.h"
#include "preload/file/trace.h"

#include "preload/base/poison.h"

/* The times are for readers, who then need not look at all records. */
static void close_chunk(struct trace_chunk *chunk)
{
	const struct trace_event *event = (const struct trace_event *)(chunk + 1);

	chunk->first_time = event[0].time;
	chunk->last_time = event[TRACE_ITEMS(struct trace_event) - 1].time;
	__atomic_store_n(&chunk->records, TRACE_ITEMS(struct trace_event), __ATOMIC_RELEASE);
	chunks_retire(chunk);
}

/* A longjmp() out of a signal handler may leave it between any two steps: the lane has no chunk until its room is
 * that of the next one (lanes_note_left()). */
static APART bool begin_chunk(struct lane *lane)
{
	struct trace_chunk *chunk = lane->chunk;

	lane->chunk = NULL;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	lane->next = lane->end = NULL;
	/* Given back first, so that a thread can get at least its own chunk again. */
	if (chunk)
		close_chunk(chunk);
	chunk = chunks_take(TRACE_CHUNK_RING, lane->number);
	if (!chunk)
		return false;
	lane->next = (struct trace_event *)(chunk + 1);
	lane->end = lane->next + TRACE_ITEMS(struct trace_event);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	lane->chunk = chunk;
	trace_touch_clock();
	if (chunk->sequence % TRACE_ERA_CHUNKS == 0)
		trace_begin_era_of_ring();
	return true;
}

struct trace_event *ring_reserve(struct lane *lane)
{
	if (unlikely(lane->next == lane->end) && !begin_chunk(lane)) {
		trace_lose(TRACE_LOST_EVENTS);
		return NULL;
	}
	return lane->next++;
}
