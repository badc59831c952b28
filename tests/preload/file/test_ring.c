/* SPDX-License-Identifier: MIT */
/* The ring, the pool that its chunks are taken from, and the room in the file. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "preload/file/chunks.h"
#include "preload/file/ring.h"
#include "preload/file/room.h"
#include "preload/file/trace.h"
#include "tests/support/preload_fixture.h"

enum {
	SMALL = 256 << 10,
	MEDIUM = 4 << 20,
	LARGE = 16 << 20,
	PER_CHUNK = TRACE_ITEMS(struct trace_event)
};

static const uint32_t small_chunks = SMALL / TRACE_CHUNK_BYTES;

/* Records calls whose times count from `first`. Returns how many were recorded. */
static unsigned record(struct lane *lane, uint64_t first, unsigned count)
{
	unsigned recorded = 0;

	for (unsigned i = 0; i < count; i++) {
		struct trace_event *event = ring_reserve(lane);

		if (!event)
			continue;
		event->time = first + i;
		ring_commit(event, TRACE_EVENT_COMMITTED);
		recorded++;
	}
	return recorded;
}

struct retained {
	unsigned count;
	uint64_t oldest, newest;
};

static struct retained retained(void)
{
	struct retained r = { .oldest = UINT64_MAX };

	for (struct trace_event *event = preload_next_event(NULL); event;
	     event = preload_next_event(event)) {
		if (!event->state)
			continue;
		r.count++;
		r.oldest = event->time < r.oldest ? event->time : r.oldest;
		r.newest = event->time > r.newest ? event->time : r.newest;
	}
	return r;
}

static uint64_t file_bytes(void)
{
	struct stat st;

	cr_assert_eq(fstat(preload_file(), &st), 0);
	return (uint64_t)st.st_size;
}

static const struct trace_chunk *chunk_at(uint32_t number)
{
	return (const struct trace_chunk *)((const char *)trace_header +
					    (size_t)number * TRACE_CHUNK_BYTES);
}

/* No record between the oldest and the newest retained one is missing. */
static void assert_no_holes(struct retained r)
{
	cr_assert_eq(r.count, r.newest - r.oldest + 1);
}

Test(ring, records_follow_each_other_in_the_lanes_own_chunk)
{
	struct lane *lane = preload_start(SMALL);
	struct trace_event *event = ring_reserve(lane);

	cr_assert_eq((struct trace_chunk *)event, lane->chunk + 1);
	cr_assert_eq(lane->chunk->kind, TRACE_CHUNK_RING);
	cr_assert_eq(lane->chunk->lane, lane->number);
	cr_assert_eq(ring_reserve(lane), event + 1);
	cr_assert_eq(event->state, 0, "not valid until it is committed");
	ring_commit(event, TRACE_EVENT_COMMITTED);
	cr_assert_eq(event->state, TRACE_EVENT_COMMITTED);
}

Test(ring, chunks_are_numbered_as_they_are_begun)
{
	struct lane *lane = preload_start(SMALL);
	uint64_t sequence = 0;

	for (int i = 0; i < 100; i++) {
		record(lane, 0, PER_CHUNK);
		cr_assert_gt(lane->chunk->sequence, sequence);
		sequence = lane->chunk->sequence;
	}
}

Test(ring, a_chunk_says_what_it_holds_once_it_is_full)
{
	struct lane *lane = preload_start(SMALL);
	struct trace_chunk *first;

	record(lane, 1, PER_CHUNK);
	first = lane->chunk;
	cr_assert_eq(first->records, 0);
	record(lane, PER_CHUNK + 1, 1);
	cr_assert_eq(first->records, PER_CHUNK);
	cr_assert_eq(first->first_time, 1);
	cr_assert_eq(first->last_time, PER_CHUNK);
	cr_assert_eq(lane->chunk->records, 0);
}

Test(ring, the_oldest_records_are_overwritten_and_no_others)
{
	enum { CALLS = 100 * PER_CHUNK + 7 };
	struct lane *lane = preload_start(SMALL);
	struct retained r;

	cr_assert_eq(record(lane, 1, CALLS), CALLS);
	r = retained();
	cr_assert_eq(r.newest, CALLS);
	assert_no_holes(r);
	/* Except for the header and the lanes, all of the file is ring. */
	cr_assert_gt(r.count, (small_chunks - 4) * PER_CHUNK);
	cr_assert_eq(trace_header->lost[TRACE_LOST_EVENTS], 0);
}

Test(ring, the_file_keeps_its_bound)
{
	struct lane *lane = preload_start(SMALL + TRACE_CHUNK_BYTES - 1);

	record(lane, 1, 100 * PER_CHUNK);
	cr_assert_leq(file_bytes(), SMALL);
	cr_assert_leq(trace_header->chunks, small_chunks);
}

Test(ring, a_chunk_that_is_taken_again_is_clean)
{
	struct lane *lane = preload_start(SMALL);

	for (unsigned i = 0; i < 100 * PER_CHUNK; i++) {
		static const struct trace_event clean;
		struct trace_event *event = ring_reserve(lane);

		cr_assert_eq(memcmp(event, &clean, sizeof(clean)), 0);
		memset(event, 0xff, sizeof(*event));
	}
}

Test(ring, a_record_is_its_lanes_to_complete_while_its_chunk_is)
{
	struct lane *lane = preload_start(SMALL);
	struct trace_chunk *chunk;
	uint64_t sequence;

	record(lane, 1, 1);
	chunk = lane->chunk;
	sequence = chunk->sequence;
	record(lane, 2, PER_CHUNK - 1);
	cr_assert(ring_still_ours(lane, chunk, sequence));
	record(lane, 2, 1);
	cr_assert_not(ring_still_ours(lane, chunk, sequence));
	/* After one round the lane has the same chunk again, for other records. */
	for (int i = 0; i < 1000 && lane->chunk != chunk; i++)
		record(lane, 2, PER_CHUNK);
	cr_assert_eq(lane->chunk, chunk);
	cr_assert_not(ring_still_ours(lane, chunk, sequence));
	cr_assert(ring_still_ours(lane, chunk, chunk->sequence));
}

Test(ring, a_chunk_that_a_lane_is_writing_is_not_taken_from_it)
{
	struct lane *lane = preload_start(SMALL), *slow;
	struct trace_chunk *chunk;

	preload_start_threads(&slow, 1);
	record(slow, 1000000, 3);
	chunk = slow->chunk;
	record(lane, 1, 100 * PER_CHUNK);
	cr_assert_eq(chunk->lane, slow->number);
	cr_assert_eq(((struct trace_event *)(chunk + 1))[2].time, 1000002);
	preload_end_threads();
}

/* By a longjmp() out of a signal handler. */
Test(ring, a_lane_that_was_left_while_it_began_a_chunk_begins_another)
{
	struct lane *lane = preload_start(SMALL);

	record(lane, 1, PER_CHUNK);
	lane->next = (struct trace_event *)(lane->chunk + 1);
	lane->end = lane->next - 1;
	lane->chunk = NULL;
	lanes_note_left();
	record(lane, 1000, 100 * PER_CHUNK);
	for (uint32_t number = 1; number < trace_header->chunks; number++)
		cr_assert_lt(chunk_at(number)->kind, TRACE_CHUNK_KINDS);
	cr_assert_eq(retained().newest, 1000 + 100 * PER_CHUNK - 1);
}

Test(ring, results_take_chunks_from_the_ring_when_the_file_is_full)
{
	struct lane *lane = preload_start(SMALL);
	struct trace_chunk *chunk;

	record(lane, 1, 100 * PER_CHUNK);
	chunk = chunks_take(TRACE_CHUNK_LEDGER, 0);
	cr_assert_not_null(chunk);
	cr_assert_eq(chunk->kind, TRACE_CHUNK_LEDGER);
	for (const char *at = (const char *)(chunk + 1);
	     at < (const char *)chunk + TRACE_CHUNK_BYTES; at++)
		cr_assert_eq(*at, 0);
	record(lane, 1, 100 * PER_CHUNK);
	cr_assert_eq(chunk->kind, TRACE_CHUNK_LEDGER, "what is a result's stays so");
}

Test(ring, results_take_three_quarters_of_the_file_at_most)
{
	struct lane *lane = preload_start(SMALL);
	unsigned results = 1 + preload_chunks(TRACE_CHUNK_LANES);

	record(lane, 1, 100 * PER_CHUNK);
	while (chunks_take(TRACE_CHUNK_FINDINGS, 0))
		results++;
	cr_assert_eq(results, small_chunks * 3 / 4);
	record(lane, 1, 100 * PER_CHUNK);
	cr_assert_eq(trace_header->lost[TRACE_LOST_EVENTS], 0);
	cr_assert_eq(retained().newest, 100 * PER_CHUNK);
	cr_assert_geq(retained().count, 3 * PER_CHUNK);
	cr_assert_leq(file_bytes(), SMALL);
}

Test(ring, results_have_their_share_from_the_start)
{
	unsigned results;

	preload_start(SMALL);
	results = 1 + preload_chunks(TRACE_CHUNK_LANES);
	while (chunks_take(TRACE_CHUNK_LOG, 0))
		results++;
	cr_assert_eq(results, small_chunks * 3 / 4);
}

/* Results take chunks from the ring, even if many threads each hold a chunk that they write. */
Test(ring, results_have_their_share_whatever_the_number_of_threads)
{
	enum { LANES = 40 };
	struct lane *lanes[LANES];
	unsigned results;

	preload_start(SMALL);
	preload_start_threads(lanes, LANES);
	for (int i = 0; i < LANES; i++)
		record(lanes[i], 1, 1);
	results = 1 + preload_chunks(TRACE_CHUNK_LANES);
	while (chunks_take(TRACE_CHUNK_LEDGER, 0))
		results++;
	cr_assert_geq(results, small_chunks / 2, "%u of %u chunks", results, small_chunks);
	preload_end_threads();
}

Test(ring, a_call_without_room_for_its_record_is_counted)
{
	enum { LANES = 40 };
	struct lane *lanes[LANES];
	unsigned recorded = 0;

	preload_start(SMALL);
	preload_start_threads(lanes, LANES);
	for (int i = 0; i < LANES; i++)
		recorded += record(lanes[i], 1, 1);
	cr_assert_lt(recorded, (unsigned)LANES);
	cr_assert_eq(trace_header->lost[TRACE_LOST_EVENTS], LANES - recorded);
	preload_end_threads();
}

Test(ring, in_full_mode_nothing_is_overwritten)
{
	enum { CALLS = 300 * PER_CHUNK };
	struct lane *lane = preload_start(0);
	struct retained r;

	cr_assert_eq(record(lane, 1, CALLS), CALLS);
	r = retained();
	cr_assert_eq(r.count, CALLS);
	cr_assert_eq(r.oldest, 1);
	cr_assert_geq(file_bytes(), 300 * TRACE_CHUNK_BYTES);
}

/* A hole that finds the disk full when it is written to would end the host. */
Test(ring, no_part_of_the_file_is_a_hole)
{
	struct lane *lane = preload_start(LARGE);
	struct stat st;

	for (unsigned i = 0; i < LARGE / TRACE_CHUNK_BYTES; i++) {
		record(lane, 1, PER_CHUNK);
		cr_assert_eq(fstat(preload_file(), &st), 0);
		cr_assert_eq(st.st_blocks * 512, st.st_size);
	}
	cr_assert_eq(st.st_size, LARGE);
}

/* Beyond the limit the kernel would send SIGXFSZ, which ends the process. */
static void limit_files(uint64_t bytes)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	signal(SIGXFSZ, SIG_DFL);
}

Test(ring, a_ring_that_may_not_grow_goes_round_in_what_it_has)
{
	enum { CALLS = 200 * PER_CHUNK };
	struct lane *lane = preload_start(MEDIUM);
	struct retained r;

	limit_files(MEDIUM / 2);
	cr_assert_eq(record(lane, 1, CALLS), CALLS);
	r = retained();
	cr_assert_eq(r.newest, CALLS);
	assert_no_holes(r);
	cr_assert_leq(file_bytes(), MEDIUM / 2);
	cr_assert_gt(preload_chunks(TRACE_CHUNK_RING), 8);
}

Test(ring, what_kept_the_file_from_growing_may_pass)
{
	struct lane *lane = preload_start(MEDIUM);

	limit_files(MEDIUM / 2);
	record(lane, 1, 200 * PER_CHUNK);
	cr_assert_leq(file_bytes(), MEDIUM / 2);
	limit_files(RLIM_INFINITY);
	record(lane, 1000000, 200 * PER_CHUNK);
	cr_expect_eq(file_bytes(), MEDIUM);
}

Test(ring, a_limit_below_what_the_file_has_already_is_no_harm)
{
	struct lane *lane = preload_start(MEDIUM);

	record(lane, 1, 20 * PER_CHUNK);
	limit_files(4096);
	cr_expect_eq(record(lane, 1000000, 400 * PER_CHUNK), 400 * PER_CHUNK);
}

Test(ring, a_file_that_somebody_empties_is_left_alone)
{
	struct lane *lane = preload_start(MEDIUM);

	record(lane, 1, 20 * PER_CHUNK);
	cr_assert_eq(ftruncate(preload_file(), 0), 0);
	record(lane, 1000000, 400 * PER_CHUNK);
	cr_expect_eq(file_bytes(), 0);
	cr_expect(trace_header->lost[TRACE_LOST_EVENTS] > 0, "counted in private memory");
}

Test(ring, a_file_that_somebody_shortens_says_that_something_is_lost)
{
	struct lane *lane = preload_start(MEDIUM);
	uint64_t lost = 0;

	memcpy(trace_header->magic, TRACE_MAGIC, sizeof(trace_header->magic));
	record(lane, 1, 20 * PER_CHUNK);
	cr_assert_eq(ftruncate(preload_file(), 2 * TRACE_CHUNK_BYTES + 1), 0);
	record(lane, 1000000, 400 * PER_CHUNK);
	cr_expect_eq(file_bytes(), 2 * TRACE_CHUNK_BYTES + 1);
	cr_assert_eq(pread(preload_file(), &lost, sizeof(lost),
			   offsetof(struct trace_header, lost[TRACE_LOST_BLOCKS])),
		     sizeof(lost));
	cr_expect_eq(lost, 1);
}

Test(ring, a_full_trace_that_may_not_grow_counts_what_it_loses)
{
	enum { CALLS = 200 * PER_CHUNK };
	struct lane *lane = preload_start(0);
	struct retained r;
	unsigned recorded;

	limit_files(MEDIUM / 2);
	recorded = record(lane, 1, CALLS);
	r = retained();
	cr_assert_gt(recorded, 8 * PER_CHUNK);
	cr_assert_lt(recorded, (unsigned)CALLS);
	cr_assert_eq(r.count, recorded);
	cr_assert_eq(r.oldest, 1, "the oldest are kept");
	cr_assert_eq(trace_header->lost[TRACE_LOST_EVENTS], CALLS - recorded);
	cr_assert_leq(file_bytes(), MEDIUM / 2);
}

Test(ring, what_is_full_has_no_room_for_results_either)
{
	struct lane *lane = preload_start(0);

	limit_files(MEDIUM / 2);
	record(lane, 1, 200 * PER_CHUNK);
	cr_assert_null(chunks_take(TRACE_CHUNK_LEDGER, 0));
}

Test(ring, no_trace_is_made_where_not_even_the_least_has_room)
{
	int fd = memfd_create("small", MFD_CLOEXEC);

	limit_files(SMALL / 2);
	errno = 0;
	cr_assert_null(chunks_open(fd, MEDIUM));
	cr_assert_eq(errno, EFBIG);
	cr_assert_null(chunks_open(fd, 0));
}

/* A host may close all descriptors that are not its own, and open others. */
Test(ring, a_file_that_came_to_our_descriptor_is_left_alone)
{
	struct lane *lane = preload_start(MEDIUM);
	int theirs = memfd_create("theirs", MFD_CLOEXEC);
	struct retained r;
	struct stat st;

	cr_assert_eq(dup2(theirs, preload_file()), preload_file());
	cr_assert_eq(record(lane, 1, 300 * PER_CHUNK), 300 * PER_CHUNK);
	cr_assert_eq(fstat(theirs, &st), 0);
	cr_assert_eq(st.st_size, 0);
	r = retained();
	cr_assert_eq(r.newest, 300 * PER_CHUNK);
	assert_no_holes(r);
}

Test(ring, a_file_whose_descriptor_was_closed_grows_by_its_name)
{
	struct lane *lane = preload_start(MEDIUM);
	char path[] = "/tmp/lsatrace-test-XXXXXX";
	int fd = mkstemp(path);
	struct stat st;

	trace_header = chunks_open(fd, MEDIUM);
	cr_assert_not_null(trace_header);
	room_set_path(path);
	lane->next = lane->end = NULL;
	lane->chunk = NULL;
	close(fd);
	record(lane, 1, 100 * PER_CHUNK);
	cr_expect_eq(stat(path, &st), 0);
	unlink(path);
	cr_assert_gt(st.st_size, 100 * TRACE_CHUNK_BYTES);
	cr_assert_eq(retained().oldest, 1);
}

Test(ring, a_reference_leads_back_to_its_item)
{
	struct lane *lane = preload_start(SMALL);
	struct trace_event *event = ring_reserve(lane);

	cr_assert_eq(chunks_at(chunks_reference(event)), event);
	cr_assert_eq(chunks_reference(event) * (uint64_t)TRACE_GRANULE,
		     (uint64_t)((char *)event - (char *)trace_header));
}

Test(ring, items_lie_back_to_back_within_one_chunk)
{
	struct chunks_items items = { .kind = TRACE_CHUNK_LEDGER,
				      .item_bytes = sizeof(struct trace_entry) };
	const uint32_t all = TRACE_ITEMS(struct trace_entry);
	uint32_t taken = 0, count;
	char *first, *next;

	preload_start(SMALL);
	count = 200;
	first = chunks_items_take(&items, &count);
	for (taken = count; taken < all; taken += count) {
		count = 200;
		next = chunks_items_take(&items, &count);
		cr_assert_eq(next, first + taken * sizeof(struct trace_entry));
	}
	cr_assert_eq(taken, all);
	cr_assert_eq(count, all % 200);
	count = 200;
	next = chunks_items_take(&items, &count);
	cr_assert_eq(count, 200);
	cr_assert_eq((size_t)(next - (char *)trace_header) % TRACE_CHUNK_BYTES,
		     TRACE_CHUNK_HEADER_BYTES);
}

enum { THREADS = 6, TURNS = 3000 };

/* Writes its number into a chunk that it holds, and checks that it is still there before it gives
 * the chunk back. */
static void *take_and_retire(void *number)
{
	uint32_t self = (uint32_t)(uintptr_t)number;
	uintptr_t taken = 0;

	/* On a busy machine all turns may pass while threads that do not run hold what the ring may have. */
	for (unsigned i = 0; i < TURNS || taken == 0; i++) {
		struct trace_chunk *chunk = chunks_take(TRACE_CHUNK_RING, self);
		volatile uint32_t *stamp = (volatile uint32_t *)(chunk + 1);

		if (!chunk) {
			sched_yield();
			continue;
		}
		taken++;
		for (uint32_t word = 0; word < 64; word++)
			stamp[word] = self + 1;
		for (uint32_t word = 0; word < 64; word++)
			if (stamp[word] != self + 1 || chunk->lane != self)
				abort();
		chunks_retire(chunk);
	}
	return NULL;
}

Test(ring, a_chunk_is_one_threads_at_a_time)
{
	preload_start(SMALL);
	preload_run_threads(THREADS, take_and_retire);
	cr_assert_leq(trace_header->chunks, small_chunks);
}

static void *record_much(void *number)
{
	record(lanes_mine(), (uintptr_t)number << 32, 100 * PER_CHUNK);
	return NULL;
}

Test(ring, threads_that_record_at_once_keep_the_bound_and_lose_nothing)
{
	preload_start(MEDIUM);
	preload_run_threads(THREADS, record_much);
	cr_assert_leq(file_bytes(), MEDIUM);
	cr_assert_eq(trace_header->lost[TRACE_LOST_EVENTS], 0);
	for (uint32_t number = 1; number < trace_header->chunks; number++)
		cr_assert_neq(chunk_at(number)->kind, TRACE_CHUNK_FREE);
}

Test(ring, what_threads_record_while_the_file_grows_is_kept)
{
	preload_start(LARGE);
	preload_run_threads(THREADS, record_much);
	cr_assert_eq(retained().count, THREADS * 100 * PER_CHUNK);
	cr_assert_gt(file_bytes(), THREADS * 100 * TRACE_CHUNK_BYTES);
}

/* The next thread gets the lane of a thread that has ended, and the chunk that this one began. */
Test(ring, threads_one_after_another_cost_no_more_than_one)
{
	preload_start(SMALL);
	for (int i = 0; i < 200; i++)
		preload_run_threads(1, take_and_retire);
	cr_assert_leq(lanes_count(), 2);
}

/* The counters of a lane, in the file. */
static unsigned count_counters(uint32_t first)
{
	unsigned count = 0;

	for (struct trace_counters *c = preload_next_counters(NULL); c; c = preload_next_counters(c))
		count += c->valid && c->package == 3 && c->first == first;
	return count;
}

Test(lanes, have_a_row_of_counters_only_for_functions_that_are_called)
{
	struct lane *lane = preload_start(SMALL);
	struct trace_counter *low, *high;

	low = lanes_counter(lane, 3, 2);
	cr_expect_eq(count_counters(0), 1);
	cr_expect_eq(count_counters(96), 0);
	high = lanes_counter(lane, 3, TRACE_FUNCTIONS - 1);
	cr_expect_eq(count_counters(96), 1);
	cr_expect_eq(lanes_counter(lane, 3, 0), low - 2);
	cr_expect_eq(lanes_counter(lane, 3, 96), high - 31);
	cr_expect_eq(count_counters(0) + count_counters(32) + count_counters(64), 1);
}
