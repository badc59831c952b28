/* SPDX-License-Identifier: MIT */
/*
 * Which block lies around an address, which blocks are in a section, which client has a buffer: compared
 * with a plain list of what is live, after every kind of change in any order.
 */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "include/slots.h"
#include "preload/file/trace.h"
#include "preload/ledger/deletion.h"
#include "preload/ledger/gaps.h"
#include "preload/ledger/groups.h"
#include "preload/ledger/ledger.h"
#include "preload/ledger/lookup.h"
#include "preload/ledger/release.h"
#include "preload/ledger/scopes.h"
#include "tests/support/preload_fixture.h"

enum { RING = 16 << 20 };

static struct lane *lane;

static void start(void)
{
	lane = preload_start(RING);
}

TestSuite(groups, .init = start);

static uint64_t state = 1;

static uint32_t random_below(uint32_t bound)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % bound;
}

static struct ledger_view enter(enum ledger_space space, uint64_t address, uint64_t size,
				uint64_t scope)
{
	const struct ledger_entry what = { .address = address,
					   .size = size,
					   .scope = scope,
					   .space = (uint8_t)space,
					   .family = FAMILY_LSA_HEAP };
	struct ledger_view view;

	cr_assert(ledger_enter(lane, &what, &view));
	return view;
}

static void release(enum ledger_space space, uint64_t address, uint64_t request)
{
	struct ledger_view view;

	cr_assert(lookup_find(space, address, request, &view));
	cr_assert(release_now(lane, &view, 0));
}

/* A piece of memory, in which blocks lie as a heap would put them. */
enum { UNITS = 4096, UNIT = 16, BASE = 0x10000 };

static struct {
	uint32_t units; /* of the live block that begins here; 0: none */
	uint32_t bytes;
	uint32_t section; /* number of a section, or 0 */
} heap[UNITS];

enum { SECTIONS = 8 };

static struct ledger_view section[SECTIONS]; /* [0]: none */

static bool is_free(uint32_t unit, uint32_t units)
{
	for (uint32_t i = 0; i < UNITS && i < unit + units; i++)
		if (heap[i].units && i + heap[i].units > unit)
			return false;
	return unit + units <= UNITS;
}

static uint32_t around(uint32_t offset)
{
	for (uint32_t i = 0; i < UNITS; i++)
		if (offset > i * UNIT && offset - i * UNIT < heap[i].bytes)
			return i;
	return UNITS;
}

static void change_heap(void)
{
	uint32_t unit = random_below(UNITS), units = 1 + random_below(1u << random_below(10));

	if (heap[unit].units) {
		release(SPACE_BLOCK, BASE + unit * UNIT, 0);
		heap[unit].units = heap[unit].bytes = 0;
	} else if (is_free(unit, units)) {
		heap[unit].units = units;
		heap[unit].bytes = units * UNIT - random_below(UNIT);
		heap[unit].section = random_below(SECTIONS);
		enter(SPACE_BLOCK, BASE + unit * UNIT, heap[unit].bytes,
		      scopes_of(&section[heap[unit].section]));
	}
}

static void compare_around(uint32_t offset)
{
	uint32_t unit = around(offset);
	struct ledger_view view;

	cr_assert_eq(lookup_find_around(SPACE_BLOCK, BASE + offset, 0, &view), unit < UNITS);
	if (unit < UNITS)
		cr_assert_eq(view.entry.address, BASE + unit * UNIT);
}

static void ignore_block(const struct ledger_view *block, void *section_scope)
{
	cr_assert_eq(block->entry.scope, *(uint64_t *)section_scope);
}

/* Deletes a section, or tries to, and makes it again. */
static void compare_section(uint32_t number, bool is_gone)
{
	uint64_t handle = 0x1000 * number, scope = scopes_of(&section[number]);
	uint32_t live = 0;

	for (uint32_t i = 0; i < UNITS; i++)
		live += heap[i].units && heap[i].section == number;
	cr_assert_eq(deletion_begin(&section[number]), live);
	cr_assert_eq(deletion_finish(lane, &section[number], is_gone, 0, ignore_block, &scope),
		     live);
	for (uint32_t i = 0; is_gone && i < UNITS; i++)
		if (heap[i].section == number)
			heap[i].units = heap[i].bytes = 0;
	if (is_gone)
		section[number] = enter(SPACE_SECTION, handle, 65536, 0);
}

Test(groups, every_answer_is_that_of_a_list_of_what_is_live)
{
	enum { TURNS = 50000 };

	for (uint32_t number = 1; number < SECTIONS; number++)
		section[number] = enter(SPACE_SECTION, 0x1000 * number, 65536, 0);
	for (uint32_t turn = 0; turn < TURNS; turn++) {
		change_heap();
		if (turn % 8 == 0)
			compare_around(random_below(UNITS * UNIT));
		if (turn % 500 == 0)
			compare_section(1 + random_below(SECTIONS - 1), turn % 1000 == 0);
	}
	cr_assert_not(gaps_exist());
}

/* No host allocates so, but nothing forbids it. */
Test(groups, blocks_that_lie_closer_than_their_range_has_room_for_are_all_found)
{
	enum { BLOCKS = 1000 };
	struct ledger_view view;

	for (uint64_t i = 0; i < BLOCKS; i++)
		enter(SPACE_BLOCK, BASE + 2 * i, 2, 0);
	for (uint64_t i = 0; i < BLOCKS; i++) {
		cr_assert(lookup_find_around(SPACE_BLOCK, BASE + 2 * i + 1, 0, &view));
		cr_assert_eq(view.entry.address, BASE + 2 * i);
		cr_assert_not(lookup_find_around(SPACE_BLOCK, BASE + 2 * i, 0, &view));
	}
	for (uint64_t i = 0; i < BLOCKS; i++)
		release(SPACE_BLOCK, BASE + 2 * i, 0);
	for (uint64_t i = 0; i < BLOCKS; i++)
		cr_assert_not(lookup_find_around(SPACE_BLOCK, BASE + 2 * i + 1, 0, &view));
}

Test(groups, a_block_of_any_size_lies_around_its_last_byte)
{
	struct ledger_view view;

	for (unsigned bits = 1; bits < 46; bits++) {
		uint64_t address = (1ull << 46) + 0x123450, size = (1ull << bits) + bits % 2;

		enter(SPACE_BLOCK, address, size, 0);
		cr_assert(lookup_find_around(SPACE_BLOCK, address + size - 1, 0, &view));
		cr_assert_not(lookup_find_around(SPACE_BLOCK, address + size, 0, &view));
		release(SPACE_BLOCK, address, 0);
	}
}

Test(groups, one_of_many_clients_with_a_buffer_at_an_address_is_found)
{
	enum { CLIENTS = 1000 };
	struct ledger_view view;

	for (uint64_t request = 1; request <= CLIENTS; request++)
		enter(SPACE_CLIENT, BASE, 16, request);
	for (uint64_t i = 1; i <= CLIENTS; i++) {
		uint64_t request = (i * 7) % CLIENTS + 1;

		cr_assert(lookup_find_client(BASE, &view));
		cr_assert(lookup_find_around(SPACE_CLIENT, BASE + 1, request, &view));
		cr_assert_eq(view.entry.scope, request);
		release(SPACE_CLIENT, BASE, request);
		cr_assert_not(lookup_find_around(SPACE_CLIENT, BASE + 1, request, &view));
	}
	cr_assert_not(lookup_find_client(BASE, &view));
}

static volatile bool is_over;
static void *volatile handed_over; /* a block of the other section, from its maker to who frees it */

/* Thread 0 makes blocks in the other section, and thread 1 frees them. */
static void *use_other_section(void *number)
{
	struct lane *own = lanes_mine();
	const uint64_t scope = scopes_of(&section[1]);
	struct ledger_view view;

	for (uint64_t i = 0; !is_over; i++) {
		const struct ledger_entry what = { .address = BASE + i % 512 * 16,
						   .size = 8,
						   .scope = scope,
						   .space = SPACE_BLOCK };

		if (number) {
			if (!handed_over)
				continue;
			if (lookup_find(SPACE_BLOCK, (uintptr_t)handed_over, 0, &view))
				release_now(own, &view, 0);
			handed_over = NULL;
		} else if (!handed_over && ledger_enter(own, &what, NULL)) {
			handed_over = (void *)(uintptr_t)what.address;
		}
	}
	return NULL;
}

static void *delete_again_and_again(void *number)
{
	enum { TURNS = 20000, HANDLE = 0x2000, BLOCK = 0x8000 };

	if ((uintptr_t)number < 2)
		return use_other_section(number);
	lane = lanes_mine();
	for (unsigned turn = 0; turn < TURNS; turn++) {
		struct ledger_view own = enter(SPACE_SECTION, HANDLE, 4096, 0);
		uint64_t scope = scopes_of(&own);

		enter(SPACE_BLOCK, BLOCK, 8, scope);
		cr_assert(release_begin(&own));
		cr_assert_eq(deletion_begin(&own), 1);
		cr_assert_eq(deletion_finish(lane, &own, true, 0, ignore_block, &scope), 1);
		release_finish(lane, &own, true, 0);
	}
	is_over = true;
	return NULL;
}

/* A sum over the lanes, which are read one after another, was too small now and then. */
Test(groups, the_live_blocks_of_a_section_are_exact_while_other_threads_work)
{
	section[1] = enter(SPACE_SECTION, 0x1000, 65536, 0);
	preload_run_threads(3, delete_again_and_again);
}

static bool count_entry(uint32_t number, void *count)
{
	(void)number;
	++*(unsigned *)count;
	return false;
}

static void count_block(uint32_t number, void *count)
{
	count_entry(number, count);
}

/* Steps, not time: how many entries are looked at. */
Test(groups, with_many_live_blocks_an_answer_looks_at_a_few)
{
	enum { LIVE = 200000, FEW = 200 };
	struct ledger_view lone = enter(SPACE_SECTION, 0x1000, 65536, 0);
	struct ledger_view full = enter(SPACE_SECTION, 0x2000, 65536, 0);
	unsigned count = 0;

	for (uint64_t i = 0; i < LIVE; i++)
		enter(SPACE_BLOCK, 0x100000000 + 48 * i, 24 + i % 24, scopes_of(&full));
	for (uint64_t size = 1000; size < 1ull << 40; size *= 10)
		enter(SPACE_BLOCK, (1ull << 46) + 2 * size, size, scopes_of(&lone));
	for (uint64_t address = 0x100000000 + 47; count < FEW && address < 0x100100000;
	     address += 48) {
		count = 0;
		groups_visit_around(SPACE_BLOCK, address, 0, count_entry, &count);
	}
	cr_assert_lt(count, (unsigned)FEW);
	count = 0;
	scopes_visit_blocks(scopes_of(&lone), count_block, &count);
	cr_assert_lt(count, (unsigned)FEW);
	count = 0;
	scopes_visit_blocks(scopes_of(&full), count_block, &count);
	cr_assert_geq(count, (unsigned)LIVE);
}

/* Blocks that have gone do not make a group larger. */
Test(groups, a_section_with_a_long_history_is_deleted_as_fast_as_a_new_one)
{
	enum { GONE = 100000, AT_ONCE = 10, FEW = 100 };
	struct ledger_view old = enter(SPACE_SECTION, 0x1000, 65536, 0);
	unsigned count = 0;

	for (uint64_t i = 0; i < GONE; i++) {
		enter(SPACE_BLOCK, BASE + 16 * i, 16, scopes_of(&old));
		if (i >= AT_ONCE)
			release(SPACE_BLOCK, BASE + 16 * (i - AT_ONCE), 0);
	}
	scopes_visit_blocks(scopes_of(&old), count_block, &count);
	cr_assert_geq(count, (unsigned)AT_ONCE);
	cr_assert_lt(count, (unsigned)FEW);
	cr_assert_eq(deletion_begin(&old), AT_ONCE);
}

/* Also if they are live in another section by now. */
Test(groups, blocks_that_come_by_do_not_make_a_list_longer)
{
	enum { BLOCKS = 20000, FEW = 100 };
	struct ledger_view home = enter(SPACE_SECTION, 0x1000, 65536, 0);
	struct ledger_view visited = enter(SPACE_SECTION, 0x2000, 65536, 0);
	const struct ledger_view *const path[] = { &visited, &home };
	unsigned count = 0;

	for (uint64_t i = 0; i < BLOCKS; i++)
		enter(SPACE_BLOCK, BASE + 16 * i, 16, scopes_of(&home));
	for (uint64_t i = 0; i < BLOCKS; i++)
		for (int way = 0; way < 2; way++) {
			release(SPACE_BLOCK, BASE + 16 * i, 0);
			enter(SPACE_BLOCK, BASE + 16 * i, 16, scopes_of(path[way]));
		}
	scopes_visit_blocks(scopes_of(&visited), count_block, &count);
	cr_assert_lt(count, (unsigned)FEW);
	cr_assert_eq(deletion_begin(&home), BLOCKS);
}

enum { WANDERERS = 4, PLACES = 160, SHARED = 5 };

static struct ledger_view shared[SHARED];
static unsigned left[SHARED]; /* blocks that the threads have left live */
static uint64_t doomed;       /* scope of a section that one of them is about to delete */

/* A thread, and what it knows to be live. Its addresses are its own, its sections are not. */
struct wanderer {
	struct lane *lane;
	uint64_t base, random;
	uint8_t section[PLACES]; /* 1 + number; 0: nothing is live there */
	bool is_seen[PLACES];
};

static uint32_t wanderer_random(struct wanderer *w, uint32_t bound)
{
	w->random = w->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(w->random >> 33) % bound;
}

static void wanderer_enter(const struct wanderer *w, uint32_t place, uint64_t scope)
{
	const struct ledger_entry what = {
		.address = w->base + 16 * place, .size = 16, .scope = scope, .space = SPACE_BLOCK
	};

	cr_assert(ledger_enter_again(w->lane, what, lookup_expect(SPACE_BLOCK, what.address, 0)));
}

static void wander(struct wanderer *w)
{
	uint32_t place = wanderer_random(w, PLACES);
	struct ledger_view view;

	if (!w->section[place] && wanderer_random(w, 4) == 0) {
		/* The other thread releases it, or this one. */
		wanderer_enter(w, place, peek(doomed));
		if (lookup_find(SPACE_BLOCK, w->base + 16 * place, 0, &view) && ledger_is_live(&view))
			release_now(w->lane, &view, 0);
	} else if (w->section[place]) {
		cr_assert(lookup_find(SPACE_BLOCK, w->base + 16 * place, 0, &view));
		cr_assert(release_now(w->lane, &view, 0));
		w->section[place] = 0;
	} else {
		w->section[place] = (uint8_t)(1 + wanderer_random(w, SHARED));
		wanderer_enter(w, place, scopes_of(&shared[w->section[place] - 1]));
	}
}

static void see_block(uint32_t number, void *context)
{
	struct wanderer *w = context;
	struct ledger_view view;

	if (entries_view(number, &view) && ledger_is_live(&view) &&
	    view.entry.address - w->base < 16 * PLACES)
		w->is_seen[(view.entry.address - w->base) / 16] = true;
}

/* Whatever the other threads are doing. */
static void expect_all_in_list(struct wanderer *w, uint32_t which)
{
	memset(w->is_seen, 0, sizeof(w->is_seen));
	scopes_visit_blocks(scopes_of(&shared[which]), see_block, w);
	for (uint32_t place = 0; place < PLACES; place++)
		cr_assert(w->is_seen[place] || w->section[place] != which + 1);
}

/* In a section of the thread's own, whose list others have had before. */
static void delete_own_section(struct wanderer *w)
{
	struct ledger_view own;
	const struct ledger_entry what = { .address = w->base, .space = SPACE_SECTION };
	uint32_t count = 0;
	uint64_t scope;

	cr_assert(ledger_enter(w->lane, &what, &own));
	scope = scopes_of(&own);
	poke(doomed, scope);
	for (uint32_t place = wanderer_random(w, PLACES); place < PLACES; place++)
		if (!w->section[place]) {
			wanderer_enter(w, place, scope);
			count++;
		}
	cr_assert(release_begin(&own));
	cr_assert_geq(deletion_begin(&own), count);
	cr_assert_geq(deletion_finish(w->lane, &own, true, 0, ignore_block, &scope), count);
	release_finish(w->lane, &own, true, 0);
}

static void *wander_about(void *number)
{
	enum { TURNS = 200000 };
	struct wanderer w = { .lane = lanes_mine(),
			      .base = BASE + ((uintptr_t)number << 20),
			      .random = (uintptr_t)number };

	for (unsigned turn = 0; turn < TURNS; turn++) {
		wander(&w);
		if (turn % 16 == 0)
			expect_all_in_list(&w, wanderer_random(&w, SHARED));
		if (turn % 64 == 0)
			delete_own_section(&w);
	}
	for (uint32_t place = 0; place < PLACES; place++)
		if (w.section[place])
			__atomic_fetch_add(&left[w.section[place] - 1], 1, __ATOMIC_RELAXED);
	return NULL;
}

Test(groups, blocks_that_wander_between_sections_are_in_the_list_of_theirs)
{
	for (uint32_t i = 0; i < SHARED; i++)
		shared[i] = enter(SPACE_SECTION, 0x1000 * (i + 1), 65536, 0);
	preload_run_threads(WANDERERS, wander_about);
	for (uint32_t i = 0; i < SHARED; i++)
		cr_assert_eq(deletion_begin(&shared[i]), left[i]);
	cr_assert_not(gaps_exist());
}

/* What a host sees when it runs against RLIMIT_AS. Whatever is not entered is counted, and no leak. */
Test(groups, without_memory_for_the_index_nothing_is_accused)
{
	enum { BLOCKS = 200000 };
	struct ledger_view view;
	uint32_t known = 0, shown = 0;

	enter(SPACE_BLOCK, BASE, 16, 0);
	preload_limit_address_space(0);
	for (uint64_t i = 0; i < BLOCKS; i++) {
		const struct ledger_entry what = { .address = BASE + 16 * i,
						   .size = 16,
						   .space = SPACE_BLOCK,
						   .family = FAMILY_LSA_HEAP };

		known += ledger_enter_again(lane, what,
					    lookup_expect(SPACE_BLOCK, BASE + 16 * i, 0));
	}
	cr_assert_lt(known, (uint32_t)BLOCKS);
	cr_assert(gaps_exist());
	cr_assert_geq(trace_header->lost[TRACE_LOST_JUDGEMENTS], BLOCKS - known);
	for (uint64_t i = 0; i < BLOCKS; i++)
		if (lookup_find(SPACE_BLOCK, BASE + 16 * i, 0, &view) && ledger_is_live(&view))
			known -= release_now(lane, &view, 0);
	cr_assert_eq(known, 0u);
	for (struct trace_entry *e = preload_next_entry(NULL); e; e = preload_next_entry(e))
		shown += e->state != TRACE_ENTRY_FREE;
	cr_assert_eq(shown, 0u, "what was not entered is not shown as live");
}
