/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "tests/support/judged.h"
#include "viewer/model/model.h"

/* Leaks that belong together: of a section, and of one call that failed. Times of findings. */

Test(history, blocks_of_a_section_that_leaks_are_indirect_and_follow_it)
{
	struct trace_builder *b = named_trace();
	uint32_t leaked =
		trace_builder_entry(b, live_section(0x9000, trace_builder_place(b, 1, 0x1040)));
	struct judged j;

	trace_builder_entry(b, live_block_in(leaked, 24, trace_builder_place(b, 1, 0x1050)));
	trace_builder_entry(b, live_block_in(leaked, 16, trace_builder_place(b, 1, 0x1060)));
	trace_builder_entry(b, live_block(0x7000, 40, trace_builder_place(b, 1, 0x1070)));
	j = judge_one(b);
	cr_assert_eq(j.f->count, 4u);
	cr_expect_str_eq(findings_get(j.f, 0)->message,
			 "section 0x9000 of at most 4096 bytes, created at named.c:64, is never "
			 "deleted; with it 2 blocks leak (40 bytes)");
	cr_expect_not(findings_get(j.f, 0)->is_indirect);
	cr_expect_eq(findings_get(j.f, 1)->size, 24u);
	cr_expect(findings_get(j.f, 1)->is_indirect && findings_get(j.f, 1)->is_led);
	cr_expect(findings_get(j.f, 2)->is_indirect && findings_get(j.f, 2)->is_led);
	cr_expect_eq(findings_get(j.f, 2)->group, findings_get(j.f, 1)->group);
	cr_expect_not(findings_get(j.f, 3)->is_indirect || findings_get(j.f, 3)->is_led);
	cr_expect_eq(j.f->errors, 4u);
	judged_release(&j, b);
}

Test(history, blocks_of_a_section_that_is_no_leak_are_direct)
{
	struct trace_builder *b = named_trace();
	struct trace_entry adopted = live_section(0x9000, 0);
	struct judged j;

	adopted.flags = TRACE_ENTRY_ADOPTED;
	trace_builder_entry(b, live_block_in(trace_builder_entry(b, adopted), 24,
					     trace_builder_place(b, 1, 0x1050)));
	j = judge_one(b);
	cr_assert_eq(j.f->count, 1u);
	cr_expect_not(findings_get(j.f, 0)->is_indirect || findings_get(j.f, 0)->is_led);
	judged_release(&j, b);
}

/* A block that leaks, with its allocation at a time. */
static void leak_at(struct trace_builder *b, uint64_t time, uint64_t size)
{
	struct trace_entry entry =
		live_block(0x5000 + size, size, trace_builder_place(b, 1, 0x1000 + size));

	entry.tid = 77;
	trace_builder_entry(b, entry);
	trace_builder_event(
		b, 0,
		(struct trace_event){ .time = time,
				      .address = entry.address,
				      .size = size,
				      .stack = entry.stack,
				      .tid = 77,
				      .function = SLOT_AllocateLsaHeap,
				      .state = TRACE_EVENT_COMMITTED | TRACE_EVENT_RETURNED });
}

static void entry_returns(struct trace_builder *b, uint64_t begin, uint64_t end, unsigned function,
			  int32_t tid, uint32_t status)
{
	trace_builder_event(
		b, 0,
		(struct trace_event){ .time = end,
				      .duration = end - begin,
				      .result = (int32_t)status,
				      .tid = tid,
				      .function = (uint8_t)function,
				      .state = TRACE_EVENT_COMMITTED | TRACE_EVENT_RETURNED });
}

static void expect_path(const struct judged *j, uint64_t size, const char *entry_point)
{
	for (size_t i = 0; i < j->f->count; i++) {
		const struct finding *finding = findings_get(j->f, i);

		if (finding->size != size)
			continue;
		cr_expect_str_eq(finding->entry_point ? finding->entry_point : "", entry_point,
				 "%zu bytes", (size_t)size);
		return;
	}
	cr_expect_fail("no finding of %zu bytes", (size_t)size);
}

Test(history, a_leak_is_of_the_innermost_call_of_its_thread_if_that_failed)
{
	struct trace_builder *b = named_trace();
	struct judged j;

	trace_builder_lane(b, 0, 77);
	leak_at(b, 90, 16); /* before all */
	leak_at(b, 110, 17);
	leak_at(b, 130, 18); /* in the inner one that fails */
	entry_returns(b, 120, 140, TRANSFER_CallPackage, 77, 0xc0000017);
	leak_at(b, 160, 19); /* in the inner one that succeeds */
	entry_returns(b, 150, 170, TRANSFER_CallPackageUntrusted, 77, 0);
	entry_returns(b, 80, 95, TRANSFER_LogonUserEx, 78, 0xc0000017); /* of another thread */
	leak_at(b, 180, 20);
	entry_returns(b, 100, 190, TRANSFER_LogonUserEx2, 77, 0xc000006d);
	leak_at(b, 200, 21); /* after all */
	j = judge_one(b);
	expect_path(&j, 16, "");
	expect_path(&j, 17, "LsaApLogonUserEx2");
	expect_path(&j, 18, "LsaApCallPackage");
	expect_path(&j, 19, "");
	expect_path(&j, 20, "LsaApLogonUserEx2");
	expect_path(&j, 21, "");
	judged_release(&j, b);
}

Test(history, leaks_of_one_call_that_failed_follow_each_other)
{
	struct trace_builder *b = named_trace();
	const struct finding *finding;
	struct judged j;

	trace_builder_lane(b, 0, 77);
	leak_at(b, 110, 24);
	leak_at(b, 120, 64);
	entry_returns(b, 100, 130, TRANSFER_LogonUserEx2, 77, 0xc000006d);
	leak_at(b, 140, 40);
	j = judge_one(b);
	cr_assert_eq(j.f->count, 3u);
	finding = findings_get(j.f, 0);
	cr_expect_str_eq(finding->message,
			 "block of 64 bytes, allocated at named.c:64, is never freed; "
			 "LsaApLogonUserEx2 returned 0xc000006d on this path");
	cr_expect(finding->is_leading);
	cr_expect_eq(finding->led_count, 1u);
	cr_expect_eq(finding->led_bytes, 24u);
	cr_expect(findings_get(j.f, 1)->is_led);
	cr_expect_eq(findings_get(j.f, 1)->size, 24u);
	finding = findings_get(j.f, 2);
	cr_expect_not(finding->is_led || finding->is_leading);
	judged_release(&j, b);
}

/* The same line leaks in a call that fails, and in one that does not. */
Test(history, a_leak_of_several_paths_names_none)
{
	struct trace_builder *b = named_trace();
	uint32_t stack = trace_builder_place(b, 1, 0x1010);
	struct judged j;

	trace_builder_lane(b, 0, 77);
	for (uint64_t i = 0; i < 2; i++) {
		struct trace_entry entry = live_block(0x5000 + i * 0x100, 40, stack);

		entry.tid = 77;
		trace_builder_entry(b, entry);
		trace_builder_event(b, 0,
				    (struct trace_event){ .time = 110 + 100 * i,
							  .address = entry.address,
							  .size = 40,
							  .stack = stack,
							  .tid = 77,
							  .function = SLOT_AllocateLsaHeap,
							  .state = TRACE_EVENT_COMMITTED |
								   TRACE_EVENT_RETURNED });
		entry_returns(b, 100 + 100 * i, 120 + 100 * i, TRANSFER_LogonUser, 77,
			      i ? 0 : 0xc000006d);
	}
	j = judge_one(b);
	cr_assert_eq(j.f->count, 1u);
	cr_expect_null(findings_get(j.f, 0)->entry_point);
	judged_release(&j, b);
}

/* Ticks are 2 ns, and the trace begins with tick 1000. */
static uint64_t time_of(const struct judged *j, uint64_t ticks)
{
	return model_process(findings_get(j->f, 0)->model)->start_ns + 2 * ticks - 2000;
}

Test(history, a_leak_has_the_time_of_its_allocation)
{
	struct trace_builder *b = named_trace();
	struct judged j;

	leak_at(b, 5000, 16);
	j = judge_one(b);
	cr_expect_eq(findings_get(j.f, 0)->first_ns, time_of(&j, 5000));
	cr_expect_eq(findings_get(j.f, 0)->last_ns, time_of(&j, 5000));
	judged_release(&j, b);
}

/* Two blocks of one line, of which the history has no more than one. */
Test(history, a_leak_whose_allocation_was_overwritten_has_no_first_time)
{
	struct trace_builder *b = named_trace();
	struct judged j;

	leak_at(b, 5000, 16);
	trace_builder_entry(b, live_block(0x7000, 16, trace_builder_place(b, 1, 0x1010)));
	j = judge_one(b);
	cr_assert_eq(j.f->count, 1u);
	cr_expect_eq(findings_get(j.f, 0)->first_ns, 0u);
	cr_expect_eq(findings_get(j.f, 0)->last_ns, time_of(&j, 5000));
	judged_release(&j, b);
}

/* Adds a chunk of which the header says that it is full, and the times of its first and last event. */
static void add_full_chunk(struct trace_builder *b, uint64_t first, uint64_t last,
			   struct trace_event event)
{
	struct trace_chunk *chunk = trace_builder_chunk(b, trace_builder_event(b, 0, event));

	chunk->first_time = first;
	chunk->last_time = last;
	chunk->records = READER_RING_EVENTS;
	trace_builder_close_ring(b, 0);
}

/* A block leaks that was made in an era. Its allocation is in one of four chunks, of which the second and
 * the fourth began eras. */
static bool is_found(uint32_t era, int chunk)
{
	struct trace_builder *b = named_trace();
	uint32_t stack = trace_builder_place(b, 1, 0x1010);
	struct judged j;
	bool is_found;

	trace_builder_era(b, trace_builder_entry(b, live_block(0x7000, 16, stack)), era);
	for (int i = 1; i <= 4; i++)
		add_full_chunk(b, 5000, 5000,
			       (struct trace_event){ .time = 5000,
						     .address = i == chunk ? 0x7000 : 0x8000,
						     .size = 16,
						     .stack = stack,
						     .function = SLOT_AllocateLsaHeap,
						     .state = TRACE_EVENT_COMMITTED |
							      TRACE_EVENT_RETURNED });
	trace_builder_header(b)->last_era = 2;
	j = judge_one(b);
	is_found = findings_get(j.f, 0)->first_ns == time_of(&j, 5000);
	judged_release(&j, b);
	return is_found;
}

Test(history, a_leak_is_looked_for_in_the_chunks_of_its_era)
{
	static const bool expected[3][4] = { { true, true, false, false },
					     { false, true, true, true },
					     { false, false, false, true } };

	for (uint32_t era = 0; era < 3; era++)
		for (int i = 0; i < 4; i++)
			cr_expect_eq(is_found(era, i + 1), expected[era][i], "era %u, chunk %d",
				     era, i + 1);
}

static void misuse_at(struct trace_builder *b, uint64_t time, uint32_t stack)
{
	trace_builder_event(b, 0,
			    (struct trace_event){ .time = time,
						  .stack = stack,
						  .function = SLOT_FreeLsaHeap,
						  .verdict = TRACE_KIND_DOUBLE_FREE,
						  .state = TRACE_EVENT_COMMITTED });
}

static struct trace_finding double_free(uint64_t count, uint32_t stack)
{
	return (struct trace_finding){ .kind = TRACE_KIND_DOUBLE_FREE,
				       .family = FAMILY_LSA_HEAP,
				       .function = SLOT_FreeLsaHeap,
				       .count = count,
				       .first_time = 3000,
				       .stack = { stack } };
}

Test(history, a_misuse_that_happened_several_times_has_the_time_of_the_last_one)
{
	struct trace_builder *b = named_trace();
	uint32_t stack = trace_builder_place(b, 1, 0x1010);
	struct judged j;

	trace_builder_finding(b, double_free(3, stack));
	misuse_at(b, 4000, stack);
	misuse_at(b, 6000, stack);
	misuse_at(b, 7000, trace_builder_place(b, 1, 0x1020));
	j = judge_one(b);
	cr_expect_eq(findings_get(j.f, 0)->first_ns, time_of(&j, 3000));
	cr_expect_eq(findings_get(j.f, 0)->last_ns, time_of(&j, 6000));
	judged_release(&j, b);
}

/* Once the last one was found, chunks that ended before it are not read. Here one has a later event in
 * spite of what its header says. */
Test(history, the_last_of_a_misuse_is_looked_for_in_the_newest_chunks_first)
{
	struct trace_builder *b = named_trace();
	uint32_t stack = trace_builder_place(b, 1, 0x1010);
	struct trace_event event = { .stack = stack,
				     .function = SLOT_FreeLsaHeap,
				     .verdict = TRACE_KIND_DOUBLE_FREE,
				     .state = TRACE_EVENT_COMMITTED };
	struct judged j;

	trace_builder_finding(b, double_free(3, stack));
	event.time = 9000;
	add_full_chunk(b, 4000, 5000, event);
	event.time = 6500;
	add_full_chunk(b, 5500, 7000, event);
	event.time = 6000;
	add_full_chunk(b, 6000, 8000, event);
	j = judge_one(b);
	cr_expect_eq(findings_get(j.f, 0)->last_ns, time_of(&j, 6500));
	judged_release(&j, b);
}

/* A chunk that no thread has left may hold later events than any other. */
Test(history, the_last_of_a_misuse_may_be_in_a_chunk_that_is_not_full)
{
	struct trace_builder *b = named_trace();
	uint32_t stack = trace_builder_place(b, 1, 0x1010);
	struct judged j;

	trace_builder_finding(b, double_free(3, stack));
	misuse_at(b, 6000, stack);
	trace_builder_close_ring(b, 0);
	add_full_chunk(b, 4000, 5000,
		       (struct trace_event){ .time = 5000,
					     .stack = stack,
					     .function = SLOT_FreeLsaHeap,
					     .verdict = TRACE_KIND_DOUBLE_FREE,
					     .state = TRACE_EVENT_COMMITTED });
	j = judge_one(b);
	cr_expect_eq(findings_get(j.f, 0)->last_ns, time_of(&j, 6000));
	judged_release(&j, b);
}

/* They differ by where the block was allocated, which an event does not say. */
Test(history, a_misuse_whose_events_may_be_another_ones_has_no_last_time)
{
	struct trace_builder *b = named_trace();
	uint32_t stack = trace_builder_place(b, 1, 0x1010);
	struct trace_finding other = double_free(1, stack);
	struct judged j;

	trace_builder_finding(b, double_free(3, stack));
	other.stack[TRACE_STACK_ALLOCATE] = trace_builder_place(b, 1, 0x1020);
	trace_builder_finding(b, other);
	misuse_at(b, 6000, stack);
	j = judge_one(b);
	cr_assert_eq(j.f->count, 2u);
	cr_expect_eq(findings_get(j.f, 0)->count, 3u);
	cr_expect_eq(findings_get(j.f, 0)->last_ns, 0u);
	judged_release(&j, b);
}
