/* SPDX-License-Identifier: MIT */
#include "viewer/read/chunks.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/base/memory.h"
#include "viewer/base/progress.h"
#include "viewer/read/input.h"
#include "viewer/read/ranges.h"
#include "viewer/read/settle.h"

uint64_t chunks_place(uint32_t number)
{
	return (uint64_t)number * TRACE_CHUNK_BYTES;
}

static int compare_chunks(const void *left, const void *right)
{
	uint32_t a = ((const struct chunk *)left)->number, b = ((const struct chunk *)right)->number;

	return a < b ? -1 : a > b;
}

struct chunk *chunks_search(const struct chunks *c, uint32_t number)
{
	struct chunk key = { .number = number };
	uint32_t last = c->count ? c->chunk[c->count - 1].number : 0, first = number - 1;
	uint32_t missing = last - c->count; /* most often none, or few */

	if (number - 1 >= last)
		return NULL;
	first = first > missing ? first - missing : 0;
	return bsearch(&key, &c->chunk[first], (number < c->count ? number : c->count) - first,
		       sizeof(key), compare_chunks);
}

/* Removes the chunks that are not loaded. */
static void keep_loaded(struct chunks *c)
{
	uint32_t loaded = 0;

	for (uint32_t i = 0; i < c->count; i++)
		if (c->chunk[i].data)
			c->chunk[loaded++] = c->chunk[i];
	c->count = loaded;
}

bool chunks_read_heads(struct chunks *c, uint32_t count, struct trouble *t)
{
	uint64_t start, end = 0;
	uint32_t loaded, next = 0;

	keep_loaded(c);
	loaded = c->count;
	for (uint32_t number = 1; number < count; number++) {
		struct chunk chunk = { .number = number };

		if (chunks_place(number) >= end) {
			if (!input_find_data(c->fd, chunks_place(number), &start, &end) ||
			    start >= chunks_place(count))
				break;
			chunk.number = number = (uint32_t)(start / TRACE_CHUNK_BYTES);
		}
		while (next < loaded && c->chunk[next].number < number)
			next++;
		if (next < loaded && c->chunk[next].number == number)
			continue;
		if (!input_read(c->fd, &chunk.head, sizeof(chunk.head), chunks_place(number), t) ||
		    !ranges_check_chunk(&chunk.head, chunks_place(number), t))
			return false;
		if (chunk.head.kind == TRACE_CHUNK_FREE)
			continue;
		memory_room(c->chunk, c->count, c->room);
		c->chunk[c->count++] = chunk;
	}
	if (c->count)
		qsort(c->chunk, c->count, sizeof(*c->chunk), compare_chunks);
	/* The end of a file that has become shorter looks like a hole. */
	return input_read(c->fd, &(char){ 0 }, 1, chunks_place(count) - 1, t);
}

static void settle(const struct chunks *c, uint32_t kind, const unsigned char *first,
		   unsigned char *then)
{
	static void (*const functions[TRACE_CHUNK_KINDS])(const unsigned char *, unsigned char *) = {
		[TRACE_CHUNK_LOG] = settle_log,
		[TRACE_CHUNK_FINDINGS] = settle_findings,
		[TRACE_CHUNK_LANES] = settle_lanes,
		[TRACE_CHUNK_COUNTERS] = settle_counters,
		[TRACE_CHUNK_CHECKPOINTS] = settle_checkpoints,
	};

	if (kind == TRACE_CHUNK_LEDGER)
		settle_ledger(first, then, c->ledger_entries);
	else
		functions[kind](first, then);
}

static bool load_chunk(const struct chunks *c, struct chunk *chunk, struct trouble *t)
{
	unsigned char first[TRACE_CHUNK_BYTES] __attribute__((aligned(16)));
	uint64_t at = chunks_place(chunk->number);
	uint32_t kind = chunk->head.kind;

	chunk->data = memory_resize(NULL, 1, TRACE_CHUNK_BYTES);
	if (c->is_moving && !input_read(c->fd, first, sizeof(first), at, t))
		return false;
	if (!input_read(c->fd, chunk->data, TRACE_CHUNK_BYTES, at, t))
		return false;
	memcpy(&chunk->head, chunk->data, sizeof(chunk->head));
	if (chunk->head.kind == kind) {
		if (c->is_moving)
			settle(c, kind, first, chunk->data);
		return true;
	}
	free(chunk->data);
	chunk->data = NULL;
	chunk->head.kind = TRACE_CHUNK_FREE;
	return true;
}

bool chunks_load(struct chunks *c, bool is_log, struct progress *progress, struct trouble *t)
{
	for (uint32_t i = 0; i < c->count; i++) {
		struct chunk *chunk = &c->chunk[i];

		progress_show(progress, "reading results", i, c->count);
		if (chunk->data || chunk->head.kind == TRACE_CHUNK_FREE ||
		    chunk->head.kind == TRACE_CHUNK_RING ||
		    (chunk->head.kind == TRACE_CHUNK_LOG) != is_log)
			continue;
		if (!load_chunk(c, chunk, t))
			return false;
	}
	return true;
}

bool chunks_read_ring(const struct chunks *c, uint32_t number, void *to, struct trouble *t)
{
	unsigned char first[TRACE_CHUNK_BYTES] __attribute__((aligned(16)));
	const struct trace_chunk *before = (const void *)first;
	const struct chunk *chunk = chunks_find(c, number);
	struct trace_chunk *head = to;

	if (c->is_moving && !input_read(c->fd, first, sizeof(first), chunks_place(number), t))
		return false;
	if (!input_read(c->fd, to, TRACE_CHUNK_BYTES, chunks_place(number), t))
		return false;
	if (c->is_moving)
		settle_events(first, to);
	/* If it was cleared between the two readings, they hold different events. */
	if (head->kind != TRACE_CHUNK_RING || head->sequence != chunk->head.sequence ||
	    (c->is_moving && before->sequence != chunk->head.sequence))
		head->sequence = 0;
	return true;
}

void chunks_release(struct chunks *c)
{
	for (uint32_t i = 0; i < c->count; i++) {
		free(c->chunk[i].data);
		free(c->chunk[i].stacks);
	}
	free(c->chunk);
	input_close(c->fd);
	*c = (struct chunks){ .fd = -1 };
}
