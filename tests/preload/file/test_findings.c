/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "preload/base/lock.h"
#include "preload/base/process.h"
#include "preload/file/findings.h"
#include "preload/file/trace.h"
#include "tests/support/preload_fixture.h"

static void start(void)
{
	preload_start(4 << 20);
}

TestSuite(findings, .init = start);

static unsigned count(void)
{
	unsigned number = 0;

	for (struct trace_finding *finding = preload_next_finding(NULL); finding;
	     finding = preload_next_finding(finding))
		number += finding->committed;
	return number;
}

static const struct trace_finding *first(void)
{
	return preload_next_finding(NULL);
}

static struct trace_finding some(void)
{
	return (struct trace_finding){ .count = 1,
				       .bytes = 16,
				       .address = 0x1000,
				       .size = 16,
				       .first_time = 5,
				       .stack = { 1, 2, 3, 4, 5, 6 },
				       .tid = 7,
				       .kind = TRACE_KIND_DOUBLE_FREE,
				       .reason = TRACE_REASON_NONE,
				       .family = 1,
				       .function = 2,
				       .package = 3 };
}

Test(findings, equal_ones_are_one_with_a_count)
{
	struct trace_finding f = some();

	findings_note(&f);
	f.address = 0x2000;
	f.bytes = 100;
	f.tid = 8;
	f.first_time = 6;
	findings_note(&f);
	cr_assert_eq(count(), 1);
	cr_assert_eq(first()->count, 2);
	cr_assert_eq(first()->bytes, 116);
	cr_assert_eq(first()->address, 0x1000, "the rest is the first occurrence's");
	cr_assert_eq(first()->tid, 7);
	cr_assert_eq(first()->first_time, 5);
}

Test(findings, what_differs_in_anything_that_makes_them_distinct_is_another)
{
	struct trace_finding changed[5 + TRACE_FINDING_STACKS];
	const unsigned all = sizeof(changed) / sizeof(*changed);
	struct trace_finding f = some();

	for (unsigned i = 0; i < all; i++)
		changed[i] = f;
	changed[0].kind++;
	changed[1].reason++;
	changed[2].family++;
	changed[3].function++;
	changed[4].package++;
	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++)
		changed[5 + i].stack[i] = 99;
	findings_note(&f);
	for (unsigned i = 0; i < all; i++)
		findings_note(&changed[i]);
	cr_assert_eq(count(), 1 + all);
}

enum { THREADS = 8, EACH = 2000, DISTINCT = 1000 };

static void *note_all(void *unused)
{
	struct trace_finding f = some();

	for (uint32_t i = 0; i < EACH; i++) {
		f.stack[0] = i % DISTINCT;
		findings_note(&f);
	}
	return unused;
}

Test(findings, threads_that_note_at_once_count_all)
{
	uint64_t occurrences = 0;

	preload_run_threads(THREADS, note_all);
	for (struct trace_finding *finding = preload_next_finding(NULL); finding;
	     finding = preload_next_finding(finding))
		occurrences += finding->count;
	cr_assert_eq(count(), DISTINCT);
	cr_assert_eq(occurrences, THREADS * EACH);
}

Test(findings, what_the_file_has_no_room_for_is_counted)
{
	enum { MANY = 3000 };
	struct trace_finding f = some();

	preload_start_anew(256 << 10);
	for (uint32_t i = 0; i < MANY; i++) {
		f.stack[0] = i;
		findings_note(&f);
	}
	cr_assert_gt(count(), 1000);
	cr_assert_eq(trace_header->lost[TRACE_LOST_FINDINGS], MANY - count());
	f.stack[0] = 0;
	findings_note(&f);
	cr_assert_eq(first()->count, 2, "what is there goes on being counted");
}

/* A faulty service that makes one wrong call after the other is not stalled by the lock. */
Test(findings, a_full_file_is_not_asked_for_room_each_time)
{
	enum { MANY = 20000 };
	struct trace_finding f = some();
	uint32_t ticket, taken;

	preload_start_anew(256 << 10);
	for (uint32_t i = 0; i < MANY; i++) {
		f.stack[0] = i;
		findings_note(&f);
	}
	ticket = process_page->lock[LOCK_COLD].next;
	for (uint32_t i = 0; i < MANY; i++) {
		f.stack[0] = MANY + i;
		findings_note(&f);
	}
	taken = process_page->lock[LOCK_COLD].next - ticket;
	cr_assert_leq(taken, (uint32_t)(MANY / CHUNKS_PATIENCE + 1));
	cr_assert_eq(trace_header->lost[TRACE_LOST_FINDINGS], 2 * MANY - count());
}

/* Each occurrence would be a finding of its own. The file has room: chunks of the ring. */
Test(findings, what_the_index_has_no_room_for_is_lost_and_not_repeated)
{
	enum { CHUNKS = 512, MANY = 34000 };
	static bool is_seen[MANY];
	struct trace_finding f = some();

	preload_start_anew(16 << 20);
	for (unsigned i = 0; i < CHUNKS; i++)
		chunks_retire(chunks_take(TRACE_CHUNK_RING, 0));
	findings_note(&f);
	preload_limit_address_space(256 << 10);
	for (uint32_t i = 0; i < 2 * MANY; i++) {
		f.stack[0] = i % MANY;
		findings_note(&f);
	}
	cr_assert_gt(count(), 1000u);
	cr_assert_lt(count(), (unsigned)MANY);
	for (struct trace_finding *it = preload_next_finding(NULL); it;
	     it = preload_next_finding(it)) {
		cr_assert(!it->committed || !is_seen[it->stack[0]]);
		is_seen[it->stack[0]] |= it->committed;
	}
}
