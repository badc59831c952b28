/* SPDX-License-Identifier: MIT */
#include "ring.h"
#include "guard.h"
#include "pool.h"
#include "trace.h"

#include "poison.h"

static bool next_chunk(struct lane *lane)
{
	struct trace_chunk *chunk;

	/* First, so that a thread can always have its own chunk again. */
	if (lane->chunk)
		pool_retire(lane->chunk);
	lane->next = lane->end = NULL;
	lane->chunk = chunk = pool_take(TRACE_CHUNK_RING, lane->number);
	if (!chunk)
		return false;
	lane->next = (struct trace_event *)(chunk + 1);
	lane->end = lane->next + TRACE_ITEMS(struct trace_event);
	trace_touch_clock();
	return true;
}

struct trace_event *ring_reserve(struct lane *lane)
{
	if (unlikely(lane->next == lane->end) && !next_chunk(lane)) {
		trace_lose(TRACE_LOST_EVENTS);
		return NULL;
	}
	return lane->next++;
}
