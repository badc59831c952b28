/* SPDX-License-Identifier: MIT */
#include "viewer/read/eras.h"

#include <stdlib.h>

#include "viewer/base/memory.h"

struct eras {
	uint64_t first;                   /* of the trace */
	uint64_t mark[TRACE_CHECKPOINTS]; /* begun by checkpoints of this trace, in ascending order */
	size_t marks;
	uint64_t lanes;
};

static int compare_marks(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

/* Returns false if there are more than a process keeps. */
static bool list_marks(struct eras *e, const struct reader *r)
{
	struct reader_cursor c = { 0 };
	const struct trace_checkpoint *checkpoint;

	while ((checkpoint = reader_next_checkpoint(r, &c)) != NULL) {
		if (checkpoint->era <= e->first)
			continue; /* of the process that forked this one */
		if (e->marks == TRACE_CHECKPOINTS)
			return false;
		e->mark[e->marks++] = checkpoint->era;
	}
	qsort(e->mark, e->marks, sizeof(*e->mark), compare_marks);
	return true;
}

/* Returns false if it is not known what began each era. */
static bool explain_eras(struct eras *e, const struct reader *r, const struct reader_ring *ring,
			 size_t count)
{
	const struct trace_header *h = reader_header(r);
	uint64_t sequence = 0;
	struct reader_cursor c = { 0 };

	*e = (struct eras){ .first = h->first_era };
	while (reader_next_lane(r, &c))
		e->lanes++;
	for (size_t i = 0; i < count; i++) {
		if (ring[i].sequence > sequence)
			sequence = ring[i].sequence;
		if (ring[i].lane >= e->lanes)
			e->lanes = ring[i].lane + 1ull;
	}
	return h->version >= 4 && list_marks(e, r) &&
	       h->first_era + sequence / TRACE_ERA_CHUNKS + e->marks == h->last_era;
}

/* The era that the chunk began which is the `number`-th one to begin an era. */
static uint32_t find_era(const struct eras *e, uint64_t number)
{
	uint64_t era = e->first + number;

	for (size_t i = 0; i < e->marks && e->mark[i] <= era; i++)
		era++;
	return (uint32_t)era;
}

/* The era when a chunk had begun, at least. */
static uint32_t least_era(const struct eras *e, const struct reader_ring *ring)
{
	uint64_t begun = ring->sequence / TRACE_ERA_CHUNKS, lag = e->lanes - 1;

	return find_era(e, begun > lag ? begun - lag : 0);
}

/* The era just before a chunk began, at most. */
static uint32_t last_era(const struct eras *e, const struct reader_ring *ring)
{
	return find_era(e, (ring->sequence - 1) / TRACE_ERA_CHUNKS + 1) - 1;
}

struct eras_chunk *eras_list_chunks(const struct reader *r, size_t *count)
{
	struct reader_ring *ring = reader_list_rings(r, count);
	struct eras_chunk *chunk = memory_new(*count, sizeof(*chunk));
	struct eras eras;
	bool are_known = explain_eras(&eras, r, ring, *count);

	for (size_t i = 0; i < *count; i++) {
		bool is_first = i == 0 || ring[i - 1].lane != ring[i].lane;
		bool is_last = i + 1 == *count || ring[i + 1].lane != ring[i].lane;

		chunk[i].ring = ring[i];
		chunk[i].first = are_known && !is_first ? least_era(&eras, &ring[i - 1]) : 0;
		chunk[i].last = are_known && !is_last ? last_era(&eras, &ring[i + 1]) : UINT32_MAX;
	}
	free(ring);
	return chunk;
}
