/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <criterion/criterion.h>

#include "include/slots.h"
#include "preload/file/clock.h"
#include "preload/file/trace.h"
#include "preload/ledger/checkpoints.h"
#include "preload/ledger/deletion.h"
#include "preload/ledger/gaps.h"
#include "preload/ledger/judge.h"
#include "preload/ledger/ledger.h"
#include "preload/ledger/lookup.h"
#include "preload/ledger/release.h"
#include "preload/ledger/scopes.h"
#include "tests/support/preload_fixture.h"

enum { RING = 4 << 20, STACK = 77, FREE_STACK = 88, TID = 5 };

static struct lane *lane;

static void start(void)
{
	lane = preload_start(RING);
}

TestSuite(ledger, .init = start);

static struct ledger_view enter(struct ledger_entry *what)
{
	struct ledger_view view;

	what->stack = STACK;
	what->tid = TID;
	cr_assert(ledger_enter(lane, what, &view));
	return view;
}

static struct ledger_view enter_section(uint64_t handle)
{
	return enter(&(struct ledger_entry){ .address = handle,
					     .size = 4096 | 1024ull << 32,
					     .space = SPACE_SECTION,
					     .family = FAMILY_SHARED_MEMORY });
}

static struct ledger_view enter_block(const struct ledger_view *section, uint64_t address,
				      uint64_t size)
{
	return enter(&(struct ledger_entry){ .address = address,
					     .size = size,
					     .scope = section ? scopes_of(section) : 0,
					     .space = SPACE_BLOCK,
					     .family = FAMILY_SHARED_MEMORY });
}

static struct ledger_view enter_for_client(uint64_t request, uint64_t address, uint64_t size)
{
	return enter(&(struct ledger_entry){ .address = address,
					     .size = size,
					     .scope = request,
					     .space = SPACE_CLIENT,
					     .family = FAMILY_CLIENT_BUFFER });
}

static enum ledger_life life_at(enum ledger_space space, uint64_t address)
{
	struct ledger_view view;

	lookup_find(space, address, 0, &view);
	return ledger_life(&view);
}

/* The valid entry of the file that shows an address, or NULL. */
static const struct trace_entry *shown(uint64_t address)
{
	for (struct trace_entry *entry = preload_next_entry(NULL); entry;
	     entry = preload_next_entry(entry))
		if (entry->state != TRACE_ENTRY_FREE && entry->address == address)
			return entry;
	return NULL;
}

static unsigned shown_count(void)
{
	unsigned count = 0;

	for (struct trace_entry *entry = preload_next_entry(NULL); entry;
	     entry = preload_next_entry(entry))
		count += entry->state != TRACE_ENTRY_FREE;
	return count;
}

static void enter_and_release(uint64_t address)
{
	struct ledger_view view = enter_block(NULL, address, 8);

	cr_assert(release_now(lane, &view, FREE_STACK));
}

Test(ledger, nothing_is_at_an_address_that_was_never_handed_out)
{
	struct ledger_view view;

	cr_assert_not(lookup_find(SPACE_BLOCK, 0x1000, 0, &view));
	cr_assert_eq(view.number, 0);
	cr_assert_not(ledger_is_live(&view));
}

Test(ledger, a_block_is_found_at_its_own_address_only)
{
	struct ledger_view view;

	enter_block(NULL, 0x1000, 16);
	cr_assert(lookup_find(SPACE_BLOCK, 0x1000, 0, &view));
	cr_assert(ledger_is_live(&view));
	cr_assert_eq(view.entry.size, 16);
	cr_assert_eq(view.entry.stack, STACK);
	cr_assert_not(lookup_find(SPACE_BLOCK, 0x1001, 0, &view));
	cr_assert_not(lookup_find(SPACE_SECTION, 0x1000, 0, &view));
	cr_assert_not(lookup_find(SPACE_CLIENT, 0x1000, 0, &view));
}

Test(ledger, a_released_block_is_remembered_with_the_stack_that_freed_it)
{
	struct ledger_view view;

	enter_and_release(0x1000);
	cr_assert(lookup_find(SPACE_BLOCK, 0x1000, 0, &view));
	cr_assert_eq(ledger_life(&view), LIFE_RELEASED);
	cr_assert_eq(view.entry.stack, STACK);
	cr_assert_eq(view.entry.gone_stack, FREE_STACK);
}

Test(ledger, a_block_is_released_by_one_of_those_who_viewed_it)
{
	struct ledger_view one = enter_block(NULL, 0x1000, 16), other = one;

	cr_assert(release_now(lane, &one, FREE_STACK));
	cr_assert_not(release_now(lane, &other, FREE_STACK));
}

Test(ledger, an_old_view_does_not_release_the_next_block_at_the_address)
{
	struct ledger_view old = enter_block(NULL, 0x1000, 16);

	cr_assert(release_now(lane, &old, FREE_STACK));
	enter_block(NULL, 0x1000, 32);
	cr_assert_not(release_now(lane, &old, FREE_STACK));
	cr_assert_not(release_begin(&old));
	release_suspect(&old);
	cr_assert_eq(life_at(SPACE_BLOCK, 0x1000), LIFE_LIVE);
	cr_assert_eq(shown(0x1000)->state, TRACE_ENTRY_BLOCK);
}

Test(ledger, an_address_handed_out_again_is_a_new_block)
{
	struct ledger_view view = enter_block(NULL, 0x1000, 16);

	release_suspect(&view);
	cr_assert(lookup_find(SPACE_BLOCK, 0x1000, 0, &view));
	cr_assert(release_to_new_owner(lane, &view));
	view = enter_block(NULL, 0x1000, 32);
	cr_assert(ledger_is_live(&view));
	cr_assert_eq(view.entry.size, 32);
	cr_assert_eq(view.entry.flags, 0);
	cr_assert_eq(view.entry.gone_stack, 0);
}

Test(ledger, an_address_handed_out_again_while_live_is_one_block)
{
	struct ledger_view section = enter_section(0x9000);

	enter_block(&section, 0x1000, 16);
	enter_block(&section, 0x1000, 32);
	cr_assert_eq(shown_count(), 2);
	cr_assert_eq(shown(0x1000)->size, 32);
	cr_assert_eq(deletion_begin(&section), 1);
}

Test(ledger, a_block_and_a_section_may_have_one_address)
{
	struct ledger_view section = enter_section(0x1000),
			   block = enter_block(&section, 0x1000, 16);

	cr_assert(release_now(lane, &block, FREE_STACK));
	cr_assert_eq(life_at(SPACE_SECTION, 0x1000), LIFE_LIVE);
	cr_assert_eq(life_at(SPACE_BLOCK, 0x1000), LIFE_RELEASED);
}

Test(ledger, the_addresses_of_two_clients_coincide)
{
	struct ledger_view one = enter_for_client(1, 0x1000, 16),
			   other = enter_for_client(2, 0x1000, 32);
	struct ledger_view view;

	enter_block(NULL, 0x1000, 64);
	cr_assert(release_now(lane, &one, FREE_STACK));
	cr_assert(lookup_find(SPACE_CLIENT, 0x1000, 1, &view));
	cr_assert_eq(ledger_life(&view), LIFE_RELEASED);
	cr_assert(lookup_find(SPACE_CLIENT, 0x1000, 2, &view));
	cr_assert(ledger_is_live(&view));
	cr_assert_eq(view.number, other.number);
	cr_assert_not(lookup_find(SPACE_CLIENT, 0x1000, 3, &view));
	cr_assert_eq(life_at(SPACE_BLOCK, 0x1000), LIFE_LIVE);
}

Test(ledger, a_client_buffer_is_found_under_any_request_while_it_is_live)
{
	struct ledger_view buffer = enter_for_client(1, 0x1000, 16), view;

	cr_assert(lookup_find_client(0x1000, &view));
	cr_assert_eq(view.number, buffer.number);
	cr_assert_not(lookup_find_client(0x1001, &view));
	cr_assert(release_now(lane, &buffer, FREE_STACK));
	cr_assert_not(lookup_find_client(0x1000, &view));
	cr_assert_eq(view.number, 0);
}

Test(ledger, a_block_knows_its_section)
{
	struct ledger_view section = enter_section(0x9000), other = enter_section(0xa000), view;
	struct ledger_view block = enter_block(&section, 0x1000, 16),
			   lone = enter_block(NULL, 0x2000, 16);

	cr_assert(scopes_find_section(&block, &view));
	cr_assert_eq(view.number, section.number);
	cr_assert_neq(view.number, other.number);
	cr_assert_not(scopes_find_section(&lone, &view));
	cr_assert_eq(view.number, 0);
}

/* In an entry, the request of a client buffer is in the field that names the section of a block. */
Test(ledger, a_client_buffer_has_no_section_whatever_its_request)
{
	struct ledger_view section = enter_section(0x9000), view;
	struct ledger_view buffer = enter_for_client(scopes_of(&section), 0x1000, 16);

	cr_assert_not(scopes_find_section(&buffer, &view));
	cr_assert_eq(deletion_begin(&section), 0);
}

Test(ledger, a_section_made_again_does_not_own_the_blocks_of_the_old_one)
{
	struct ledger_view old = enter_section(0x9000), block = enter_block(&old, 0x1000, 16), view;
	struct ledger_view new = enter_section(0x9000);

	cr_assert_not(scopes_find_section(&block, &view));
	cr_assert_eq(life_at(SPACE_BLOCK, 0x1000), LIFE_DELETED);
	cr_assert_eq(deletion_begin(&new), 0);
	cr_assert_eq(shown_count(), 1);
}

static void count_left(const struct ledger_view *block, void *count)
{
	cr_expect_eq(block->entry.address & ~0xffull, 0x1000);
	++*(unsigned *)count;
}

/* A section with three live blocks and a freed one, and another section with a block. */
static struct ledger_view fill_section(void)
{
	struct ledger_view section = enter_section(0x9000), other = enter_section(0xa000), block;

	for (uint64_t address = 0x1000; address < 0x1040; address += 16)
		block = enter_block(&section, address, 16);
	cr_assert(release_now(lane, &block, FREE_STACK));
	enter_block(&other, 0x2000, 16);
	return section;
}

Test(ledger, what_lives_in_a_section_goes_with_it)
{
	struct ledger_view section = fill_section(), view;
	unsigned left = 0;

	cr_assert(release_begin(&section));
	cr_assert_eq(deletion_begin(&section), 3);
	deletion_finish(lane, &section, true, FREE_STACK, count_left, &left);
	release_finish(lane, &section, true, FREE_STACK);
	cr_assert_eq(left, 3);
	cr_assert(lookup_find(SPACE_BLOCK, 0x1000, 0, &view));
	cr_assert_eq(ledger_life(&view), LIFE_DELETED);
	cr_assert_eq(view.entry.gone_stack, FREE_STACK);
	cr_assert_eq(life_at(SPACE_BLOCK, 0x1030), LIFE_RELEASED);
	cr_assert_eq(life_at(SPACE_BLOCK, 0x2000), LIFE_LIVE);
	cr_assert_eq(life_at(SPACE_SECTION, 0x9000), LIFE_RELEASED);
	cr_assert_eq(shown_count(), 2);
}

Test(ledger, what_lives_in_a_section_whose_deletion_is_refused_lives_on)
{
	struct ledger_view section = fill_section(), block;
	unsigned left = 0;

	cr_assert(release_begin(&section));
	cr_assert_eq(deletion_begin(&section), 3);
	deletion_finish(lane, &section, false, FREE_STACK, count_left, &left);
	release_finish(lane, &section, false, FREE_STACK);
	cr_assert_eq(left, 0);
	cr_assert_eq(life_at(SPACE_SECTION, 0x9000), LIFE_LIVE);
	cr_assert(lookup_find(SPACE_BLOCK, 0x1000, 0, &block));
	cr_assert(ledger_is_live(&block));
	cr_assert_eq(shown(0x1000)->state, TRACE_ENTRY_BLOCK);
	cr_assert_eq(shown(0x9000)->state, TRACE_ENTRY_SECTION);
	cr_assert(release_now(lane, &block, FREE_STACK));
	cr_assert(lookup_find(SPACE_SECTION, 0x9000, 0, &section));
	cr_assert_eq(deletion_begin(&section), 2);
}

Test(ledger, a_deletion_in_flight_can_be_seen_in_the_file)
{
	struct ledger_view section = fill_section();

	release_begin(&section);
	deletion_begin(&section);
	cr_assert_eq(shown(0x9000)->state, TRACE_ENTRY_DELETING);
	cr_assert_eq(shown(0x1000)->state, TRACE_ENTRY_DELETING);
	cr_assert_eq(shown(0x2000)->state, TRACE_ENTRY_BLOCK);
}

Test(ledger, an_address_handed_out_while_its_release_is_in_flight_stays_live)
{
	struct ledger_view old = enter_block(NULL, 0x1000, 16);

	cr_assert(release_begin(&old));
	enter_block(NULL, 0x1000, 32);
	release_finish(lane, &old, true, FREE_STACK);
	cr_assert_eq(life_at(SPACE_BLOCK, 0x1000), LIFE_LIVE);
	cr_assert_eq(shown(0x1000)->size, 32);
	cr_assert_eq(shown_count(), 1);
}

/* Even if the clocks of two processors differ. */
Test(ledger, an_address_is_handed_out_at_a_later_time_than_it_was_released)
{
	struct ledger_view view = enter_block(NULL, 0x1000, 8);

	lane->time = 1000;
	cr_assert(release_now(lane, &view, FREE_STACK));
	lane->time = 900;
	view = enter_block(NULL, 0x1000, 8);
	cr_assert_eq(lane->time, 1001);
	cr_assert(release_now(lane, &view, FREE_STACK));
	lane->time = 3000;
	enter_block(NULL, 0x1000, 8);
	cr_assert_eq(lane->time, 3000);
	lanes_advance(lane, 2000);
	cr_assert_eq(lane->time, 3000, "time does not go back");
}

Test(ledger, an_address_whose_release_is_in_flight_is_handed_out_now)
{
	struct ledger_view old = enter_block(NULL, 0x1000, 8);
	uint64_t now = clock_ticks();

	cr_assert(release_begin(&old));
	lane->time = 1;
	enter_block(NULL, 0x1000, 8);
	cr_assert_geq(lane->time, now);
}

static bool release_fast(uint64_t address, uint64_t section, enum family family, uint8_t flags)
{
	const struct free_call call = { address, section, family, flags, false };

	return judge_release_if_right(lane, &call, lookup_expect(SPACE_BLOCK, address, 0),
				      FREE_STACK);
}

Test(ledger, a_fast_release_needs_the_handle_of_the_blocks_live_section)
{
	struct ledger_view one = enter_section(0x10000), other = enter_section(0x20000);

	enter_block(&one, 0x10100, 8);
	cr_expect_not(release_fast(0x10100, 0x20000, FAMILY_SHARED_MEMORY, 0));
	cr_expect_not(release_fast(0x10100, 0, FAMILY_SHARED_MEMORY, 0));
	cr_expect_not(release_fast(0x10100, 0x10000, FAMILY_LSA_HEAP, 0));
	cr_expect_not(release_fast(0x10108, 0x10000, FAMILY_SHARED_MEMORY, 0));
	cr_expect_eq(life_at(SPACE_BLOCK, 0x10100), LIFE_LIVE);
	cr_expect(release_fast(0x10100, 0x10000, FAMILY_SHARED_MEMORY, 0));
	cr_expect_eq(life_at(SPACE_BLOCK, 0x10100), LIFE_RELEASED);
	cr_expect_not(release_fast(0x10100, 0x10000, FAMILY_SHARED_MEMORY, 0), "twice");
	enter_block(&other, 0x20100, 8);
	cr_assert(release_now(lane, &other, FREE_STACK));
	cr_expect_not(release_fast(0x20100, 0x20000, FAMILY_SHARED_MEMORY, 0));
	enter_block(NULL, 0x30100, 8);
	cr_expect_not(release_fast(0x30100, 0, FAMILY_SHARED_MEMORY, 0), "of no section");
}

Test(ledger, a_fast_release_needs_the_function_that_belongs_to_the_block)
{
	struct ledger_entry returned = { .address = 0x1000,
					 .space = SPACE_BLOCK,
					 .family = FAMILY_LSA_HEAP,
					 .flags = LEDGER_OBTAINED | LEDGER_RETURNED };
	struct ledger_entry suspect = { .address = 0x2000,
					.space = SPACE_BLOCK,
					.family = FAMILY_LSA_HEAP,
					.flags = LEDGER_SUSPECT };

	enter(&returned);
	enter(&suspect);
	cr_expect_not(release_fast(0x1000, 0, FAMILY_LSA_HEAP, 0));
	cr_expect_not(release_fast(0x1000, 0, FAMILY_PRIVATE_HEAP, LEDGER_RETURNED));
	cr_expect_not(release_fast(0x2000, 0, FAMILY_LSA_HEAP, 0));
	cr_expect_not(release_fast(0x3000, 0, FAMILY_LSA_HEAP, 0));
	cr_expect(release_fast(0x1000, 0, FAMILY_LSA_HEAP, LEDGER_RETURNED));
}

Test(ledger, a_live_section_is_found_by_its_handle)
{
	struct ledger_view section = enter_section(0x10000);

	enter_block(&section, 0x10100, 8);
	cr_expect_eq(scopes_find(lane, 0x10000), scopes_of(&section));
	cr_expect_eq(scopes_find(lane, 0x10100), 0, "a block");
	cr_expect_eq(scopes_find(lane, 0), 0);
	cr_assert(release_begin(&section));
	cr_expect_eq(scopes_find(lane, 0x10000), 0, "being deleted");
	release_finish(lane, &section, true, FREE_STACK);
	cr_expect_eq(scopes_find(lane, 0x10000), 0, "deleted");
}

Test(ledger, an_address_inside_a_live_block_finds_the_block)
{
	struct ledger_view block = enter_block(NULL, 0x1000, 16), view;

	cr_assert(lookup_find_around(SPACE_BLOCK, 0x1001, 0, &view));
	cr_assert_eq(view.number, block.number);
	cr_assert(lookup_find_around(SPACE_BLOCK, 0x100f, 0, &view));
	cr_assert_not(lookup_find_around(SPACE_BLOCK, 0x1000, 0, &view));
	cr_assert_not(lookup_find_around(SPACE_BLOCK, 0x1010, 0, &view));
	cr_assert_not(lookup_find_around(SPACE_BLOCK, 0xfff, 0, &view));
	cr_assert_not(lookup_find_around(SPACE_CLIENT, 0x1001, 0, &view));
	cr_assert(release_now(lane, &block, FREE_STACK));
	cr_assert_not(lookup_find_around(SPACE_BLOCK, 0x1001, 0, &view));
	cr_assert_eq(view.number, 0);
}

Test(ledger, an_address_inside_a_client_buffer_finds_it_for_that_client_only)
{
	struct ledger_view view;

	enter_for_client(1, 0x1000, 16);
	cr_assert(lookup_find_around(SPACE_CLIENT, 0x1008, 1, &view));
	cr_assert_not(lookup_find_around(SPACE_CLIENT, 0x1008, 2, &view));
}

Test(ledger, a_block_that_gets_a_new_owner_is_neither_live_nor_shown)
{
	struct ledger_view view = enter_block(NULL, 0x1000, 16);

	cr_assert(release_to_new_owner(lane, &view));
	cr_assert_not(release_to_new_owner(lane, &view));
	cr_assert(lookup_find(SPACE_BLOCK, 0x1000, 0, &view));
	cr_assert_eq(ledger_life(&view), LIFE_RELEASED);
	cr_assert(view.entry.flags & LEDGER_TRANSFERRED);
	cr_assert_eq(shown_count(), 0);
}

Test(ledger, a_suspect_block_lives_on_and_is_shown_as_suspect)
{
	struct ledger_view view = enter_block(NULL, 0x1000, 16);

	release_suspect(&view);
	cr_assert_eq(shown(0x1000)->state, TRACE_ENTRY_SUSPECT);
	cr_assert(lookup_find(SPACE_BLOCK, 0x1000, 0, &view));
	cr_assert(ledger_is_live(&view));
	cr_assert(view.entry.flags & LEDGER_SUSPECT);
	cr_assert(release_now(lane, &view, FREE_STACK));
}

Test(ledger, a_suspect_block_stays_suspect_when_its_sections_deletion_is_refused)
{
	struct ledger_view section = enter_section(0x9000),
			   block = enter_block(&section, 0x1000, 16);

	release_suspect(&block);
	release_begin(&section);
	cr_assert_eq(deletion_begin(&section), 1);
	deletion_finish(lane, &section, false, 0, count_left, NULL);
	cr_assert_eq(shown(0x1000)->state, TRACE_ENTRY_SUSPECT);
}

Test(ledger, the_file_shows_what_is_live_as_it_was_entered)
{
	struct ledger_view section = enter_section(0x9000);
	const struct trace_entry *shown_section = shown(0x9000), *shown_block;

	enter(&(struct ledger_entry){ .address = 0x1000,
				      .size = 16,
				      .scope = scopes_of(&section),
				      .space = SPACE_BLOCK,
				      .family = FAMILY_SHARED_MEMORY,
				      .package = 3,
				      .flags = LEDGER_ADOPTED | LEDGER_TRANSFERRED });
	shown_block = shown(0x1000);
	cr_assert_eq(shown_section->state, TRACE_ENTRY_SECTION);
	cr_assert_eq(shown_section->size, 4096 | 1024ull << 32);
	cr_assert_eq(shown_section->section, 0);
	cr_assert_eq(shown_block->state, TRACE_ENTRY_BLOCK);
	cr_assert_eq(shown_block->size, 16);
	cr_assert_eq(shown_block->section, chunks_reference(shown_section));
	cr_assert_eq(shown_block->stack, STACK);
	cr_assert_eq(shown_block->tid, TID);
	cr_assert_eq(shown_block->family, FAMILY_SHARED_MEMORY);
	cr_assert_eq(shown_block->package, 3);
	cr_assert_eq(shown_block->flags, TRACE_ENTRY_ADOPTED, "flags of the file only");
}

Test(ledger, a_place_in_the_file_is_used_again)
{
	for (uint64_t i = 0; i < 20000; i++)
		enter_and_release(0x10000 + 16 * i);
	cr_assert_eq(preload_chunks(TRACE_CHUNK_LEDGER), 1);
}

Test(ledger, places_that_one_thread_frees_another_one_takes)
{
	struct lane *main_lane = lane, *other;

	trace_header->max_chunks = 256; /* in a small file a lane keeps few places for itself */
	preload_start_threads(&other, 1);
	for (uint64_t i = 0; i < 20000; i++) {
		struct ledger_view view = enter_block(NULL, 0x10000 + 16 * i, 8);

		cr_assert(release_now(other, &view, FREE_STACK));
	}
	cr_assert_eq(lane, main_lane);
	cr_assert_eq(preload_chunks(TRACE_CHUNK_LEDGER), 1);
	preload_end_threads();
}

Test(ledger, a_thread_keeps_more_places_in_a_large_file_and_never_all)
{
	struct lane *other;

	trace_header->max_chunks = 4096;
	preload_start_threads(&other, 1);
	for (uint64_t i = 0; i < 20000; i++) {
		struct ledger_view view = enter_block(NULL, 0x10000 + 16 * i, 8);

		cr_assert(release_now(other, &view, FREE_STACK));
		cr_assert_leq(other->places, LANE_PLACES_MOST);
	}
	cr_assert_gt(other->places, LANE_PLACES_LEAST);
	cr_assert_leq(preload_chunks(TRACE_CHUNK_LEDGER),
		      LANE_PLACES_MOST / TRACE_LEDGER_ENTRIES + 2);
	preload_end_threads();
}

/* Different addresses that have no pattern. */
static uint64_t scattered(uint64_t i)
{
	return (i * 0x9e3779b97f4a7c15u) >> 16 << 4 | 0x100000000;
}

Test(ledger, the_last_65536_released_blocks_are_remembered)
{
	enum { GONE = 300000 };

	for (uint64_t i = 0; i < GONE; i++)
		enter_and_release(scattered(i));
	for (uint64_t i = GONE - 65536; i < GONE; i++)
		cr_assert_eq(life_at(SPACE_BLOCK, scattered(i)), LIFE_RELEASED, "%u",
			     (unsigned)(GONE - i));
}

/* An epoch is a number of releases of one thread. Others may have made most of theirs before the block
 * went. */
Test(ledger, released_blocks_are_remembered_however_many_threads_free)
{
	enum { LANES = 40, NEARLY_AN_EPOCH = 1023, KEPT = 64 };
	struct lane *lanes[LANES];
	uint64_t i, first;

	preload_start_threads(lanes, LANES);
	for (i = 0; i < LANES * NEARLY_AN_EPOCH; i++) {
		lane = lanes[i % LANES];
		enter_and_release(scattered(i));
	}
	for (first = i; i < first + KEPT; i++)
		enter_and_release(scattered(i));
	for (; i < first + 65536; i++) {
		lane = lanes[i % LANES];
		enter_and_release(scattered(i));
	}
	for (i = first; i < first + KEPT; i++)
		cr_assert_eq(life_at(SPACE_BLOCK, scattered(i)), LIFE_RELEASED);
	preload_end_threads();
}

Test(ledger, released_blocks_do_not_fill_memory)
{
	enum { GONE = 1000000, ENOUGH = 4 * 65536 };
	struct ledger_view view;

	for (uint64_t i = 0; i < GONE; i++) {
		view = enter_block(NULL, scattered(i), 8);
		cr_assert(release_now(lane, &view, FREE_STACK));
		cr_assert_lt(view.number, (uint32_t)ENOUGH);
	}
}

Test(ledger, what_is_live_is_never_forgotten)
{
	enum { LIVE = 5000, GONE = 200000 };

	for (uint64_t i = 0; i < LIVE; i++)
		enter_block(NULL, scattered(i), 8);
	for (uint64_t i = LIVE; i < GONE; i++)
		enter_and_release(scattered(i));
	for (uint64_t i = 0; i < LIVE; i++)
		cr_assert_eq(life_at(SPACE_BLOCK, scattered(i)), LIFE_LIVE);
	cr_assert_eq(shown_count(), LIVE);
}

enum { THREADS = 4, TURNS = 30000, PLACES = 256 };

static uint64_t place(uint64_t thread, uint64_t n)
{
	return (thread + 1) << 32 | (n % PLACES) << 4;
}

/* At the end, the places that the thread has visited an odd number of times are live. */
static void *hammer(void *number)
{
	struct lane *own = lanes_mine();
	uint64_t thread = (uintptr_t)number, random = thread + 1;

	for (unsigned i = 0; i < TURNS; i++) {
		struct ledger_entry what = { .space = SPACE_BLOCK, .size = 8, .tid = own->tid };
		struct ledger_view view;

		random = random * 6364136223846793005u + 1442695040888963407u;
		what.address = place(thread, random >> 40);
		if (lookup_find(SPACE_BLOCK, what.address, 0, &view) && ledger_is_live(&view)) {
			if (!release_now(own, &view, FREE_STACK))
				abort();
		} else if (!ledger_enter(own, &what, NULL)) {
			abort();
		}
	}
	return NULL;
}

/* How many of the live blocks of all threads are shown in their place? */
static unsigned live_and_shown(unsigned *live)
{
	unsigned agreed = 0;

	*live = 0;
	for (uint64_t thread = 0; thread < THREADS; thread++) {
		for (uint64_t n = 0; n < PLACES; n++) {
			struct ledger_view view;

			if (!lookup_find(SPACE_BLOCK, place(thread, n), 0, &view) ||
			    !ledger_is_live(&view))
				continue;
			++*live;
			agreed += shown(place(thread, n)) == chunks_at(view.entry.shown) &&
				  shown(place(thread, n))->tid == view.entry.tid;
		}
	}
	return agreed;
}

Test(ledger, threads_that_work_at_once_leave_ledger_and_file_in_agreement)
{
	unsigned live, agreed;

	preload_run_threads(THREADS, hammer);
	agreed = live_and_shown(&live);
	cr_assert_gt(live, THREADS * PLACES / 4);
	cr_assert_eq(agreed, live);
	cr_assert_eq(shown_count(), live);
	cr_assert_not(gaps_exist());
	cr_assert_eq(trace_header->lost[TRACE_LOST_BLOCKS], 0);
}

static struct ledger_view shared_section;

/* Allocates and frees blocks of one section, as all threads do. */
static void *use_shared_section(void *number)
{
	struct lane *own = lanes_mine();

	for (uint64_t i = 0; i < TURNS; i++) {
		struct ledger_entry what = { .space = SPACE_BLOCK,
					     .address = place((uintptr_t)number, i),
					     .scope = scopes_of(&shared_section),
					     .size = 8 };
		struct ledger_view view;

		if (!ledger_enter(own, &what, &view))
			abort();
		if (i + 1 < TURNS && !release_now(own, &view, FREE_STACK))
			abort();
	}
	return NULL;
}

Test(ledger, a_section_that_threads_share_knows_its_live_blocks)
{
	struct ledger_view section;

	shared_section = enter_section(0x9000);
	preload_run_threads(THREADS, use_shared_section);
	cr_assert(lookup_find(SPACE_SECTION, 0x9000, 0, &section));
	cr_assert_eq(deletion_begin(&section), THREADS);
}

/* How many live blocks the section at 0x9000 has: its deletion begins, and is refused. */
static uint32_t live_blocks(void)
{
	struct ledger_view section;
	uint32_t count;

	cr_assert(lookup_find(SPACE_SECTION, 0x9000, 0, &section));
	count = deletion_begin(&section);
	cr_assert_eq(deletion_finish(lane, &section, false, 0, count_left, NULL), count);
	return count;
}

/* In whichever way they go. */
Test(ledger, the_blocks_of_a_section_are_known_until_they_go)
{
	struct ledger_view section = enter_section(0x9000), block = enter_block(&section, 0x9100, 8);

	cr_expect_eq(live_blocks(), 1);
	enter_block(&section, 0x9100, 16);
	cr_expect_eq(live_blocks(), 1, "handed out again");
	cr_assert(lookup_find(SPACE_BLOCK, 0x9100, 0, &block));
	cr_assert(release_begin(&block));
	enter_block(NULL, 0x9100, 8);
	cr_expect_eq(live_blocks(), 0, "and so while it was released");
	enter_block(&section, 0x9200, 8);
	cr_assert(lookup_find(SPACE_BLOCK, 0x9200, 0, &block));
	cr_assert(release_to_new_owner(lane, &block));
	cr_expect_eq(live_blocks(), 0, "handed over");
	enter_block(&section, 0x9300, 8);
	gaps_note_freed(SPACE_BLOCK, 0x9300, 0);
	cr_expect_eq(deletion_begin(&section), 0);
}

Test(ledger, a_block_that_the_file_has_no_room_for_is_counted_and_still_known)
{
	enum { LIVE = 20000 };
	struct ledger_view view;

	lane = preload_start_anew(256 << 10);
	for (uint64_t i = 0; i < LIVE; i++)
		enter_block(NULL, scattered(i), 8);
	cr_assert_eq(trace_header->lost[TRACE_LOST_BLOCKS], LIVE - shown_count());
	cr_assert_gt(shown_count(), 4000);
	cr_assert_not(gaps_exist());
	for (uint64_t i = 0; i < LIVE; i++) {
		cr_assert(lookup_find(SPACE_BLOCK, scattered(i), 0, &view));
		cr_assert(release_now(lane, &view, FREE_STACK));
	}
	cr_assert_eq(shown_count(), 0);
}

Test(ledger, a_gap_is_counted_and_stays)
{
	cr_assert_not(gaps_exist());
	gaps_note();
	cr_assert(gaps_exist());
	cr_assert_eq(trace_header->lost[TRACE_LOST_JUDGEMENTS], 1);
}

Test(ledger, a_block_whose_free_could_not_be_traced_is_no_longer_live)
{
	enter_block(NULL, 0x1000, 16);
	gaps_note_freed(SPACE_BLOCK, 0x1000, 0);
	gaps_note_freed(SPACE_BLOCK, 0x1000, 0);
	gaps_note_freed(SPACE_BLOCK, 0x2000, 0);
	cr_assert_neq(life_at(SPACE_BLOCK, 0x1000), LIFE_LIVE);
	cr_assert_eq(shown_count(), 0);
	cr_assert_eq(preload_chunks(TRACE_CHUNK_LEDGER), 1);
}

Test(ledger, a_section_whose_deletion_could_not_be_traced_takes_its_blocks_along)
{
	fill_section();
	gaps_note_freed(SPACE_SECTION, 0x9000, 0);
	cr_assert_neq(life_at(SPACE_SECTION, 0x9000), LIFE_LIVE);
	cr_assert_neq(life_at(SPACE_BLOCK, 0x1000), LIFE_LIVE);
	cr_assert_eq(life_at(SPACE_BLOCK, 0x2000), LIFE_LIVE);
	cr_assert_eq(shown_count(), 2, "the other section and its block");
}

static volatile sig_atomic_t is_going, has_missed, misses;

static void miss_section(int number)
{
	(void)number;
	if (!is_going)
		return;
	gaps_note_made(SPACE_SECTION, 0x9000, 0);
	has_missed = 1;
	misses++;
}

static void set_alarm(int us)
{
	struct itimerval every = { { 0, us }, { 0, us } };

	setitimer(ITIMER_REAL, &every, NULL);
}

/* A signal handler interrupts the tracer, at any instruction of a release, and calls. */
Test(ledger, a_section_made_untraced_during_a_release_is_not_taken_for_the_old_one)
{
	struct ledger_view view;

	signal(SIGALRM, miss_section);
	set_alarm(20);
	for (long i = 0; i < 50000000 && misses < 5000; i++) {
		view = enter_section(0x9000);
		is_going = 1;
		if (release_begin(&view))
			release_finish(lane, &view, true, FREE_STACK);
		is_going = 0;
		if (!has_missed)
			continue;
		has_missed = 0;
		cr_assert(lookup_find(SPACE_SECTION, 0x9000, 0, &view));
		cr_assert_not(ledger_is_live(&view));
		cr_assert(view.entry.flags & LEDGER_TRANSFERRED, "after %d", (int)misses);
	}
	set_alarm(0);
	cr_assert_gt(misses, 0);
}

static uint32_t stack_now(uint32_t stack)
{
	return stack ? stack + 1000 : 0;
}

/* The block's entry has a lower number than its section's. */
Test(ledger, a_forked_child_shows_what_it_inherits)
{
	struct ledger_view section, block;

	enter_and_release(0x1000);
	section = enter_section(0x9000);
	enter_block(&section, 0x1000, 16);
	enter_and_release(0x2000);
	block = enter_block(NULL, 0x3000, 16);
	release_suspect(&block);
	lane = preload_start_anew(RING);
	ledger_inherit(stack_now);
	cr_assert_eq(shown_count(), 3);
	cr_assert_eq(shown(0x1000)->flags, TRACE_ENTRY_INHERITED);
	cr_assert_eq(shown(0x1000)->stack, STACK + 1000);
	cr_assert_eq(shown(0x1000)->section, chunks_reference(shown(0x9000)));
	cr_assert_eq(shown(0x9000)->flags, TRACE_ENTRY_INHERITED);
	cr_assert_eq(shown(0x3000)->state, TRACE_ENTRY_SUSPECT);
	cr_assert(lookup_find(SPACE_BLOCK, 0x2000, 0, &block));
	cr_assert_eq(block.entry.gone_stack, FREE_STACK + 1000);
}

/* The child cannot know what the host answered in the parent. */
Test(ledger, in_a_forked_child_blocks_whose_deletion_was_in_flight_are_suspect)
{
	struct ledger_view section = enter_section(0x9000);

	enter_block(&section, 0x1000, 16);
	release_begin(&section);
	deletion_begin(&section);
	lane = preload_start_anew(RING);
	ledger_inherit(stack_now);
	cr_assert_eq(life_at(SPACE_BLOCK, 0x1000), LIFE_LIVE);
	cr_assert_eq(shown(0x1000)->state, TRACE_ENTRY_SUSPECT);
	cr_assert_eq(life_at(SPACE_SECTION, 0x9000), LIFE_LIVE);
}

Test(ledger, a_section_that_is_created_again_before_its_deletion_is_over_is_another_one)
{
	struct ledger_view old = enter_section(0x9000), new;
	unsigned count = 0;

	enter_block(&old, 0x1000, 16);
	cr_assert(release_begin(&old));
	cr_assert_eq(deletion_begin(&old), 1);
	new = enter_section(0x9000);
	enter_block(&new, 0x2000, 16);
	cr_assert_eq(deletion_finish(lane, &old, true, 0, count_left, &count), 1);
	release_finish(lane, &old, true, 0);
	cr_assert_eq(count, 1u);
	cr_assert_eq(life_at(SPACE_BLOCK, 0x1000), LIFE_DELETED);
	cr_assert_eq(life_at(SPACE_BLOCK, 0x2000), LIFE_LIVE);
	cr_assert_eq(life_at(SPACE_SECTION, 0x9000), LIFE_LIVE);
}

Test(ledger, of_two_sections_at_a_handle_a_forked_child_inherits_the_new_one)
{
	struct ledger_view section = enter_section(0x9000);

	release_begin(&section);
	section = enter_section(0x9000);
	lane = preload_start_anew(RING);
	ledger_inherit(stack_now);
	cr_assert_eq(shown_count(), 1);
	cr_assert_eq(shown(0x9000)->state, TRACE_ENTRY_SECTION);
	cr_assert_eq(life_at(SPACE_SECTION, 0x9000), LIFE_LIVE);
}

Test(ledger, what_is_live_is_counted_from_an_era_on)
{
	struct ledger_view section = enter_section(0x1000), block = enter_block(&section, 0x2000, 8);
	uint32_t era = trace_begin_era();

	enter_block(NULL, 0x3000, 8);
	enter_for_client(1, 0x4000, 8);
	cr_assert_eq(checkpoints_count_since(era), 2u);
	cr_assert_eq(checkpoints_count_since(0), 4u);
	cr_assert(release_now(lane, &block, FREE_STACK));
	cr_assert_eq(checkpoints_count_since(0), 3u);
	enter_block(&section, 0x2000, 8);
	cr_assert_eq(checkpoints_count_since(era), 3u);
	cr_assert_eq(checkpoints_count_since(trace_begin_era()), 0u);
}

/* Suspect, adopted and inherited ones. */
Test(ledger, blocks_that_are_no_leak_of_this_process_are_not_counted)
{
	static const uint8_t flags[] = { LEDGER_ADOPTED, LEDGER_INHERITED, LEDGER_SUSPECT,
					 LEDGER_IGNORED };

	for (uint64_t i = 0; i < sizeof(flags); i++)
		enter(&(struct ledger_entry){ .address = 0x1000 * (i + 1),
					      .space = SPACE_SECTION,
					      .family = FAMILY_SHARED_MEMORY,
					      .flags = flags[i] });
	cr_assert_eq(checkpoints_count_since(0), 0u);
}

static uint32_t era_shown(const struct trace_entry *entry)
{
	size_t offset = (size_t)((const char *)entry - (const char *)trace_header);
	const char *chunk = (const char *)trace_header + offset - offset % TRACE_CHUNK_BYTES;

	offset = offset % TRACE_CHUNK_BYTES - TRACE_CHUNK_HEADER_BYTES;
	return ((const uint32_t *)(chunk + TRACE_LEDGER_ERAS_OFFSET))[offset / sizeof(*entry)];
}

/* Of more entries than a chunk has. */
Test(ledger, a_reader_of_the_file_finds_in_which_era_a_block_was_made)
{
	enum { BLOCKS = 2 * TRACE_LEDGER_ENTRIES + 1 };
	uint32_t first = trace_era(), last;

	for (unsigned i = 0; i < BLOCKS; i++) {
		enter_block(NULL, 0x1000 + 16 * i, 8);
		last = trace_begin_era();
	}
	for (unsigned i = 0; i < BLOCKS; i++)
		cr_assert_eq(era_shown(shown(0x1000 + 16 * i)), first + i);
	cr_assert_eq(trace_header->last_era, last);
	cr_assert_eq(preload_chunks(TRACE_CHUNK_LEDGER), 3);
}

Test(ledger, what_is_meant_to_live_for_ever_is_shown_so)
{
	struct ledger_view section = enter_section(0x9000), block = enter_block(&section, 0x1000, 8);

	enter_for_client(1, 0x4000, 8);
	cr_assert(ledger_ignore(0x9000));
	cr_assert(ledger_ignore(0x1000));
	cr_assert(ledger_ignore(0x4000));
	cr_assert_not(ledger_ignore(0x1004), "inside of a block");
	cr_assert_not(ledger_ignore(0x7000), "nothing");
	cr_assert_eq(shown(0x9000)->state, TRACE_ENTRY_IGNORED_SECTION);
	cr_assert_eq(shown(0x1000)->state, TRACE_ENTRY_IGNORED);
	cr_assert_eq(shown(0x4000)->state, TRACE_ENTRY_IGNORED);
	cr_assert(lookup_find(SPACE_BLOCK, 0x1000, 0, &block));
	cr_assert(release_now(lane, &block, FREE_STACK));
	cr_assert_not(ledger_ignore(0x1000), "freed");
	enter_block(&section, 0x1000, 8);
	cr_assert_eq(shown(0x1000)->state, TRACE_ENTRY_BLOCK, "another block");
}

/* Otherwise each of two threads takes from the other's cache what is beside its own entry. */
Test(ledger, lanes_do_not_share_runs_of_entries)
{
	enum { BLOCKS = 3 * ENTRIES_RUN };
	bool is_others[2 * BLOCKS / ENTRIES_RUN + 3][2] = { 0 };
	struct lane *own = lane, *other;
	struct reentry_mark mark;

	other = lanes_nest(&mark);
	cr_assert(other && other != own);
	for (unsigned i = 0; i < 2 * BLOCKS; i++) {
		lane = i & 1 ? other : own;
		is_others[enter_block(NULL, 0x1000 + 16 * i, 8).number / ENTRIES_RUN][i & 1] = true;
	}
	lanes_unnest(other);
	for (unsigned i = 0; i < sizeof(is_others) / sizeof(is_others[0]); i++)
		cr_expect_not(is_others[i][0] && is_others[i][1], "run %u", i);
}

/* The same in the file. */
Test(ledger, lanes_do_not_share_chunks_of_places)
{
	enum { BLOCKS = 2 * TRACE_LEDGER_ENTRIES, CHUNKS_MOST = 256 };
	enum { GRANULES = TRACE_CHUNK_BYTES / TRACE_GRANULE };
	bool is_others[CHUNKS_MOST][2] = { 0 };
	struct lane *own = lane, *other;

	preload_start_threads(&other, 1);
	own->places_most = other->places_most = LANE_PLACES_MOST;
	for (unsigned i = 0; i < 2 * BLOCKS; i++) {
		uint32_t chunk;

		lane = i & 1 ? other : own;
		chunk = entries[enter_block(NULL, 0x1000 + 16 * i, 8).number].shown / GRANULES;
		cr_assert_lt(chunk, CHUNKS_MOST);
		is_others[chunk][i & 1] = true;
	}
	preload_end_threads();
	for (unsigned i = 0; i < CHUNKS_MOST; i++)
		cr_expect_not(is_others[i][0] && is_others[i][1], "chunk %u", i);
}

/* Else it would share what it is about to need. */
Test(ledger, a_lane_that_has_freed_all_keeps_the_places)
{
	enum { BLOCKS = LANE_PLACES_MOST * 3 / 4 };
	struct ledger_view block[BLOCKS];

	trace_header->max_chunks = 4096;
	preload_start_threads(&lane, 1);
	for (unsigned i = 0; i < BLOCKS; i++)
		block[i] = enter_block(NULL, 0x1000 + 16 * i, 8);
	for (unsigned i = 0; i < BLOCKS; i++)
		cr_assert(release_now(lane, &block[i], FREE_STACK));
	cr_expect_geq(lane->places, BLOCKS);
	preload_end_threads();
}
