/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdlib.h>

#include "tests/support/trace_builder.h"
#include "viewer/read/eras.h"

/* A trace that begins with era 10. */
enum { FIRST = 10 };

/* Adds a chunk of the ring with one event. Their sequences are 1, 2 and so on. */
static void add_chunk(struct trace_builder *b, uint32_t lane)
{
	trace_builder_event(b, lane,
			    (struct trace_event){ .time = 2000,
						  .function = SLOT_FreeLsaHeap,
						  .state = TRACE_EVENT_COMMITTED });
	trace_builder_close_ring(b, lane);
}

static struct trace_builder *trace_of_lanes(const char *lanes, uint32_t last_era)
{
	struct trace_builder *b = trace_builder_new();

	for (; *lanes; lanes++)
		add_chunk(b, (uint32_t)(*lanes - '0'));
	trace_builder_header(b)->first_era = FIRST;
	trace_builder_header(b)->last_era = last_era;
	return b;
}

struct span {
	uint64_t sequence; /* 0 behind the last */
	uint32_t first, last;
};

static void expect_spans(struct trace_builder *b, const struct span *spans)
{
	struct trouble trouble;
	struct reader *r = reader_open(trace_builder_write(b), NULL, &trouble);
	struct eras_chunk *chunk;
	size_t count;

	cr_assert(r, "%s", trouble.text);
	chunk = eras_list_chunks(r, &count);
	for (size_t i = 0; i < count || spans[i].sequence; i++) {
		cr_assert(i < count && spans[i].sequence, "%zu chunks", count);
		cr_expect_eq(chunk[i].ring.sequence, spans[i].sequence);
		cr_expect(chunk[i].first == spans[i].first && chunk[i].last == spans[i].last,
			  "chunk %zu: %u to %u, not %u to %u", (size_t)chunk[i].ring.sequence,
			  chunk[i].first, chunk[i].last, spans[i].first, spans[i].last);
	}
	free(chunk);
	reader_close(r);
	trace_builder_free(b);
}

Test(eras, events_of_a_chunk_were_entered_between_the_chunk_before_it_and_the_one_behind)
{
	expect_spans(trace_of_lanes("000000", FIRST + 3), (struct span[]){ { 1, 0, 10 },
									   { 2, 10, 11 },
									   { 3, 11, 11 },
									   { 4, 11, 12 },
									   { 5, 12, 12 },
									   { 6, 12, UINT32_MAX },
									   { 0, 0, 0 } });
}

Test(eras, each_other_lane_may_lag_behind_by_one)
{
	expect_spans(trace_of_lanes("00100010", FIRST + 4), (struct span[]){ { 1, 0, 10 },
									     { 2, 10, 11 },
									     { 4, 10, 12 },
									     { 5, 11, 12 },
									     { 6, 11, 13 },
									     { 8, 12, UINT32_MAX },
									     { 3, 0, 13 },
									     { 7, 10, UINT32_MAX },
									     { 0, 0, 0 } });
}

Test(eras, a_lane_without_a_chunk_may_lag_behind_as_well)
{
	struct trace_builder *b = trace_of_lanes("0000", FIRST + 2);

	trace_builder_lane(b, 0, 77);
	trace_builder_lane(b, 1, 78);
	expect_spans(b, (struct span[]){ { 1, 0, 10 },
					 { 2, 10, 11 },
					 { 3, 10, 11 },
					 { 4, 10, UINT32_MAX },
					 { 0, 0, 0 } });
}

/* Of the eras from 10 to 15, checkpoints began 11 and 13. */
Test(eras, checkpoints_begin_eras_as_well)
{
	struct trace_builder *b = trace_of_lanes("000000", FIRST + 5);

	trace_builder_checkpoint(b, 13, 1500, "second");
	trace_builder_checkpoint(b, 11, 1200, "first");
	trace_builder_checkpoint(b, 10, 900, "in the parent");
	expect_spans(b, (struct span[]){ { 1, 0, 11 },
					 { 2, 10, 13 },
					 { 3, 12, 13 },
					 { 4, 12, 14 },
					 { 5, 14, 14 },
					 { 6, 14, UINT32_MAX },
					 { 0, 0, 0 } });
}

static const struct span any[] = { { 1, 0, UINT32_MAX }, { 2, 0, UINT32_MAX }, { 0, 0, 0 } };

Test(eras, an_era_that_nothing_explains_makes_all_chunks_possible)
{
	expect_spans(trace_of_lanes("00", FIRST + 1),
		     (struct span[]){ { 1, 0, 10 }, { 2, 10, UINT32_MAX }, { 0, 0, 0 } });
	expect_spans(trace_of_lanes("00", FIRST + 2), any);
	expect_spans(trace_of_lanes("00", FIRST), any);
}

Test(eras, before_version_4_all_chunks_are_possible)
{
	struct trace_builder *b = trace_of_lanes("00", FIRST + 1);

	trace_builder_header(b)->version = 3;
	expect_spans(b, any);
}

Test(eras, more_checkpoints_than_a_process_keeps_explain_nothing)
{
	struct trace_builder *b = trace_of_lanes("00", FIRST + 2 + TRACE_CHECKPOINTS);

	for (uint32_t i = 0; i <= TRACE_CHECKPOINTS; i++)
		trace_builder_checkpoint(b, FIRST + 1 + i, 1500, "one");
	expect_spans(b, any);
}

Test(eras, a_trace_without_events_has_no_chunks)
{
	struct trace_builder *b = trace_builder_new();
	struct trouble trouble;
	struct reader *r = reader_open(trace_builder_write(b), NULL, &trouble);
	size_t count;

	cr_assert(r);
	free(eras_list_chunks(r, &count));
	cr_expect_eq(count, 0u);
	reader_close(r);
	trace_builder_free(b);
}
