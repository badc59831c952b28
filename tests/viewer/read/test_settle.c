/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "include/trace_format.h"
#include "viewer/read/settle.h"

/* Two readings of one chunk. */
static union {
	unsigned char bytes[TRACE_CHUNK_BYTES];
	struct {
		struct trace_chunk head;
		struct {
			struct trace_record head;
			uint64_t rest; /* of the granule */
		} text, second;
	} log;
	struct {
		struct trace_chunk head;
		struct trace_entry entry[2];
	} ledger;
	struct {
		struct trace_chunk head;
		struct trace_finding finding[2];
	} findings;
	struct {
		struct trace_chunk head;
		struct trace_lane lane;
	} lanes;
	struct {
		struct trace_chunk head;
		struct trace_counters counters;
	} counters;
	struct {
		struct trace_chunk head;
		struct trace_event event[2];
	} ring;
} first, then;

Test(settle, a_record_that_became_valid_between_the_readings_is_left_out)
{
	first.log.text.head = (struct trace_record){ 16, TRACE_RECORD_EXE, 1 };
	first.log.second.head = (struct trace_record){ 16, TRACE_RECORD_EXE, 0 };
	then = first;
	then.log.second.head.committed = 1;
	settle_log(first.bytes, then.bytes);
	cr_expect_eq(then.log.text.head.committed, 1);
	cr_expect_eq(then.log.second.head.committed, 0);
}

Test(settle, a_record_whose_size_is_damaged_is_left_to_the_reader)
{
	static const uint32_t sizes[] = { 1, 15, 17, TRACE_CHUNK_BYTES, UINT32_MAX };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		first.log.text.head = (struct trace_record){ sizes[i], TRACE_RECORD_EXE, 1 };
		then = first;
		settle_log(first.bytes, then.bytes);
		cr_expect_eq(then.log.text.head.bytes, sizes[i], "damage is for the checks to find");
	}
}

Test(settle, an_entry_that_changed_is_left_out)
{
	first.ledger.entry[0] = (struct trace_entry){ .address = 1, .state = TRACE_ENTRY_BLOCK };
	first.ledger.entry[1] = (struct trace_entry){ .address = 2, .state = TRACE_ENTRY_BLOCK };
	then = first;
	then.ledger.entry[1].address = 3;
	settle_ledger(first.bytes, then.bytes, TRACE_LEDGER_ENTRIES);
	cr_expect_eq(then.ledger.entry[0].state, TRACE_ENTRY_BLOCK);
	cr_expect_eq(then.ledger.entry[1].state, TRACE_ENTRY_FREE);
}

Test(settle, a_finding_may_grow_but_must_have_been_valid_before)
{
	first.findings.finding[0] = (struct trace_finding){ .count = 1, .committed = 1 };
	then = first;
	then.findings.finding[0].count = 2;
	then.findings.finding[1] = (struct trace_finding){ .count = 1, .committed = 1 };
	settle_findings(first.bytes, then.bytes);
	cr_expect_eq(then.findings.finding[0].committed, 1);
	cr_expect_eq(then.findings.finding[0].count, 2);
	cr_expect_eq(then.findings.finding[1].committed, 0);
}

Test(settle, calls_are_in_flight_up_to_the_first_that_changed)
{
	first.lanes.lane.depth = 3;
	then = first;
	then.lanes.lane.depth = 4;
	then.lanes.lane.in_flight[2].time = 7;
	settle_lanes(first.bytes, then.bytes);
	cr_expect_eq(then.lanes.lane.depth, 2);
	then = first;
	then.lanes.lane.depth = 1;
	settle_lanes(first.bytes, then.bytes);
	cr_expect_eq(then.lanes.lane.depth, 1, "the others have returned");
}

Test(settle, counters_that_were_not_valid_before_are_left_out)
{
	then = first;
	then.counters.counters.valid = 1;
	settle_counters(first.bytes, then.bytes);
	cr_expect_eq(then.counters.counters.valid, 0);
}

Test(settle, an_event_that_became_committed_between_the_readings_is_left_out)
{
	first.ring.event[0].state = TRACE_EVENT_COMMITTED;
	then = first;
	then.ring.event[0].state |= TRACE_EVENT_RETURNED;
	then.ring.event[1].state = TRACE_EVENT_COMMITTED;
	settle_events(first.bytes, then.bytes);
	cr_expect_eq(then.ring.event[0].state, TRACE_EVENT_COMMITTED,
		     "its result may be half written");
	cr_expect_eq(then.ring.event[1].state, 0);
}
