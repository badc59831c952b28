/* SPDX-License-Identifier: MIT */
#include "viewer/read/chunks.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "viewer/base/memory.h"
#include "viewer/base/progress.h"
#include "viewer/read/input.h"
#include "viewer/read/ranges.h"
#include "viewer/read/settle.h"

_Static_assert(sizeof(struct chunks_ring) == TRACE_CHUNK_BYTES, "no padding");

uint64_t chunks_place(uint32_t number)
{
	return (uint64_t)number * TRACE_CHUNK_BYTES;
}

bool chunks_read_heads(struct chunks *c, uint32_t count, struct trouble *t)
{
	if (count > c->count) {
		c->chunk = memory_resize(c->chunk, count, sizeof(*c->chunk));
		memset(c->chunk + c->count, 0, (count - c->count) * sizeof(*c->chunk));
		c->count = count;
	}
	for (uint32_t i = 1; i < c->count; i++) {
		struct chunk *chunk = &c->chunk[i];

		if (chunk->data)
			continue;
		if (!input_read(c->fd, &chunk->head, sizeof(chunk->head), chunks_place(i), t) ||
		    !ranges_check_chunk(&chunk->head, chunks_place(i), t))
			return false;
	}
	return true;
}

static void settle(uint32_t kind, const unsigned char *first, unsigned char *then)
{
	static void (*const functions[TRACE_CHUNK_KINDS])(const unsigned char *, unsigned char *) = {
		[TRACE_CHUNK_LOG] = settle_log,           [TRACE_CHUNK_LEDGER] = settle_ledger,
		[TRACE_CHUNK_FINDINGS] = settle_findings, [TRACE_CHUNK_LANES] = settle_lanes,
		[TRACE_CHUNK_COUNTERS] = settle_counters,
	};

	functions[kind](first, then);
}

static bool load_chunk(struct chunks *c, uint32_t number, struct trouble *t)
{
	struct chunk *chunk = &c->chunk[number];
	unsigned char first[TRACE_CHUNK_BYTES] __attribute__((aligned(16)));
	uint32_t kind = chunk->head.kind;

	chunk->data = memory_new(1, TRACE_CHUNK_BYTES);
	if (c->is_moving && !input_read(c->fd, first, sizeof(first), chunks_place(number), t))
		return false;
	if (!input_read(c->fd, chunk->data, TRACE_CHUNK_BYTES, chunks_place(number), t))
		return false;
	memcpy(&chunk->head, chunk->data, sizeof(chunk->head));
	if (chunk->head.kind == kind) {
		if (c->is_moving)
			settle(kind, first, chunk->data);
		return true;
	}
	free(chunk->data);
	chunk->data = NULL;
	chunk->head.kind = TRACE_CHUNK_FREE;
	return true;
}

bool chunks_load(struct chunks *c, bool is_log, struct progress *progress, struct trouble *t)
{
	for (uint32_t i = 1; i < c->count; i++) {
		const struct chunk *chunk = &c->chunk[i];

		progress_show(progress, "reading results", i, c->count);
		if (chunk->data || chunk->head.kind == TRACE_CHUNK_FREE ||
		    chunk->head.kind == TRACE_CHUNK_RING ||
		    (chunk->head.kind == TRACE_CHUNK_LOG) != is_log)
			continue;
		if (!load_chunk(c, i, t))
			return false;
	}
	return true;
}

bool chunks_read_ring(const struct chunks *c, uint32_t number, struct chunks_ring *ring,
		      struct trouble *t)
{
	uint64_t sequence = c->chunk[number].head.sequence;
	struct chunks_ring first;

	if (c->is_moving && !input_read(c->fd, &first, sizeof(first), chunks_place(number), t))
		return false;
	if (!input_read(c->fd, ring, sizeof(*ring), chunks_place(number), t))
		return false;
	for (size_t i = 0; c->is_moving && i < TRACE_ITEMS(struct trace_event); i++)
		ring->event[i].state &= first.event[i].state;
	/* If it was cleared between the two readings, they hold different events. */
	if (ring->head.kind != TRACE_CHUNK_RING || ring->head.sequence != sequence ||
	    (c->is_moving && first.head.sequence != sequence))
		ring->head.sequence = 0;
	return true;
}

void chunks_release(struct chunks *c)
{
	for (uint32_t i = 0; i < c->count; i++) {
		free(c->chunk[i].data);
		free(c->chunk[i].stacks);
	}
	free(c->chunk);
	if (c->fd >= 0)
		close(c->fd);
	*c = (struct chunks){ .fd = -1 };
}
