/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <criterion/criterion.h>

#include "include/slots.h"
#include "preload/base/process.h"
#include "preload/base/reentry.h"
#include "preload/file/trace.h"
#include "preload/ledger/ledger.h"
#include "preload/ledger/lookup.h"
#include "preload/ledger/release.h"
#include "preload/package/transfer.h"
#include "tests/support/preload_fixture.h"

enum { WORDS = 8, REQUEST = 1, PACKAGE = 3, PAGE = 4096, CHAIN = 100000 };

static const struct transfer logon = { TRANSFER_LogonUser, PACKAGE, (const void *)REQUEST };

static struct lane *lane;

static void start(void)
{
	lane = preload_start(4 << 20);
}

TestSuite(transfer, .init = start);

static void enter(enum ledger_space space, enum family family, const void *address, uint64_t scope)
{
	struct ledger_entry what = { .space = (uint8_t)space,
				     .family = (uint8_t)family,
				     .address = (uint64_t)(uintptr_t)address,
				     .scope = scope,
				     .size = WORDS * sizeof(uint64_t) };

	cr_assert(ledger_enter(lane, &what, NULL));
}

/* A block in memory and in the ledger. */
static void **block(enum family family)
{
	static void *heap[CHAIN + 100][WORDS];
	static unsigned used;

	enter(SPACE_BLOCK, family, heap[used], 0);
	return heap[used++];
}

static bool is_live(enum ledger_space space, const void *address)
{
	struct ledger_view view;

	return lookup_find(space, (uint64_t)(uintptr_t)address, REQUEST, &view) &&
	       ledger_is_live(&view);
}

static bool has_gone(const void *address)
{
	struct ledger_view view;

	return lookup_find(SPACE_BLOCK, (uint64_t)(uintptr_t)address, 0, &view) &&
	       ledger_life(&view) == LIFE_RELEASED && view.entry.flags & LEDGER_TRANSFERRED;
}

Test(transfer, a_block_goes_to_the_lsa_with_what_it_points_to)
{
	void **token = block(FAMILY_LSA_HEAP), **name = block(FAMILY_LSA_HEAP);
	void **text = block(FAMILY_LSA_HEAP), **other = block(FAMILY_LSA_HEAP);

	token[0] = name;
	token[7] = text;
	name[3] = other;
	transfer_to_lsa(&logon, token);
	cr_assert(has_gone(token));
	cr_assert(has_gone(name));
	cr_assert(has_gone(text));
	cr_assert(has_gone(other));
	cr_assert_not(reentry_inside);
}

Test(transfer, what_nothing_points_to_stays)
{
	void **token = block(FAMILY_LSA_HEAP), **other = block(FAMILY_LSA_HEAP);

	token[0] = other + 1; /* inside the block: the text of a string, not a block */
	transfer_to_lsa(&logon, token);
	cr_assert(is_live(SPACE_BLOCK, other));
}

/* The host may say that a block is longer than it is. Memory that is not mapped is not read. */
Test(transfer, a_block_that_is_shorter_than_the_host_said_is_read_to_its_end)
{
	char *pages =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void **answer = (void **)(pages + PAGE - sizeof(void *));
	struct ledger_entry what = { .space = SPACE_BLOCK,
				     .family = FAMILY_LSA_HEAP,
				     .address = (uint64_t)(uintptr_t)answer,
				     .size = 1000,
				     .flags = LEDGER_OBTAINED };
	void **name = block(FAMILY_LSA_HEAP);

	mprotect(pages + PAGE, PAGE, PROT_NONE);
	cr_assert(ledger_enter(lane, &what, NULL));
	*answer = name;
	transfer_to_client(&logon, answer);
	cr_assert(has_gone(answer));
	cr_assert(has_gone(name));
}

Test(transfer, blocks_that_point_to_each_other_go_once)
{
	void **one = block(FAMILY_LSA_HEAP), **other = block(FAMILY_LSA_HEAP);

	one[0] = other;
	other[0] = one;
	other[1] = other;
	transfer_to_lsa(&logon, one);
	cr_assert(has_gone(one));
	cr_assert(has_gone(other));
}

Test(transfer, a_chain_of_blocks_is_followed_within_bounds)
{
	void **first = block(FAMILY_LSA_HEAP), **last = first;

	for (int i = 0; i < CHAIN; i++) {
		void **next = block(FAMILY_LSA_HEAP);

		*last = next;
		last = next;
	}
	transfer_to_lsa(&logon, first);
	cr_assert(has_gone(*(void **)*first));
	cr_assert(is_live(SPACE_BLOCK, last));
}

Test(transfer, blocks_of_other_families_stay_the_packages)
{
	void **answer = block(FAMILY_LSA_HEAP), **private = block(FAMILY_PRIVATE_HEAP);

	answer[0] = private;
	transfer_to_client(&logon, answer);
	transfer_to_lsa(&logon, private);
	cr_assert(is_live(SPACE_BLOCK, private));
}

/* Nobody says that the LSA could not free it. */
Test(transfer, a_block_of_the_other_halfs_heap_goes_to_the_lsa_and_to_no_client)
{
	void **one = block(FAMILY_USER_HEAP), **other = block(FAMILY_USER_HEAP);

	transfer_to_lsa(&logon, one);
	transfer_to_client(&logon, other);
	cr_assert(has_gone(one));
	cr_assert(is_live(SPACE_BLOCK, other));
}

/* The page of LSA_TOKEN_INFORMATION_V1 wants them there. */
Test(transfer, groups_of_a_token_may_be_of_the_private_heap)
{
	void **token = block(FAMILY_LSA_HEAP), **groups = block(FAMILY_PRIVATE_HEAP);
	void **sid = block(FAMILY_PRIVATE_HEAP);

	token[0] = groups;
	groups[0] = sid;
	transfer_to_lsa(&logon, token);
	cr_assert(has_gone(groups));
	cr_assert(has_gone(sid));
}

Test(transfer, what_is_no_block_is_left_alone)
{
	void *unknown[WORDS] = { block(FAMILY_LSA_HEAP) };

	transfer_to_lsa(&logon, NULL);
	transfer_to_lsa(&logon, unknown);
	cr_assert(is_live(SPACE_BLOCK, unknown[0]));
	cr_assert_not(reentry_inside);
}

Test(transfer, what_a_structure_points_to_goes)
{
	void **one = block(FAMILY_LSA_HEAP), **other = block(FAMILY_LSA_HEAP);
	void *structure[3] = { one, NULL, other };

	transfer_contents_to_lsa(&logon, structure, 2 * sizeof(void *));
	cr_assert(has_gone(one));
	cr_assert(is_live(SPACE_BLOCK, other), "it lies behind the structure");
	transfer_contents_to_lsa(&logon, NULL, 100);
}

Test(transfer, a_clients_buffer_goes_to_its_client)
{
	const struct transfer other = { TRANSFER_LogonUser, PACKAGE, (const void *)2 };
	const void *buffer = (const void *)0x1000;

	enter(SPACE_CLIENT, FAMILY_CLIENT_BUFFER, buffer, REQUEST);
	transfer_to_client(&other, buffer);
	cr_assert(is_live(SPACE_CLIENT, buffer), "another client's address");
	transfer_to_client(&logon, buffer);
	cr_assert_not(is_live(SPACE_CLIENT, buffer));
	transfer_to_client(&logon, NULL);
}

Test(transfer, a_buffer_of_no_request_goes_to_any_client)
{
	const void *buffer = (const void *)0x1000;
	struct ledger_view view;

	enter(SPACE_CLIENT, FAMILY_CLIENT_BUFFER, buffer, 0);
	cr_assert_not(transfer_is_wrong(&logon, true, buffer, 1));
	transfer_to_client(&logon, buffer);
	cr_assert_not(lookup_find(SPACE_CLIENT, 0x1000, 0, &view) && ledger_is_live(&view));
}

/* The buffer of a string lies in the block of the string, where a smaller block has been. */
Test(transfer, an_address_inside_a_live_block_was_not_freed)
{
	void **string = block(FAMILY_LSA_HEAP), **buffer = string + 2;
	struct ledger_view view;

	enter(SPACE_BLOCK, FAMILY_LSA_HEAP, buffer, 0);
	cr_assert(lookup_find(SPACE_BLOCK, (uint64_t)(uintptr_t)buffer, 0, &view));
	cr_assert(release_now(lane, &view, 0));
	cr_assert_not(transfer_is_wrong(&logon, false, buffer, 1));
	cr_assert(lookup_find(SPACE_BLOCK, (uint64_t)(uintptr_t)string, 0, &view));
	cr_assert(release_now(lane, &view, 0));
	cr_assert(transfer_is_wrong(&logon, false, buffer, 1));
}

Test(transfer, a_block_of_the_lsas_heap_goes_to_a_client_as_well)
{
	void **answer = block(FAMILY_LSA_HEAP);

	transfer_to_client(&logon, answer);
	cr_assert(has_gone(answer));
}

/* The recorded transfer after another one, or the first one if that is NULL. */
static struct trace_event *next_transfer(struct trace_event *event)
{
	while ((event = preload_next_event(event)) != NULL)
		if (event->function == TRANSFER_LogonUser)
			return event;
	return NULL;
}

static const struct trace_counter *counter(void)
{
	for (struct trace_counters *c = preload_next_counters(NULL); c; c = preload_next_counters(c))
		if (c->valid && c->package == PACKAGE &&
		    c->first == TRANSFER_LogonUser / TRACE_COUNTERS_FUNCTIONS *
					TRACE_COUNTERS_FUNCTIONS)
			return &c->function[TRANSFER_LogonUser % TRACE_COUNTERS_FUNCTIONS];
	return NULL;
}

Test(transfer, each_block_that_goes_is_recorded_and_counted)
{
	void **token = block(FAMILY_LSA_HEAP), **name = block(FAMILY_LSA_HEAP);
	struct trace_event *first, *second;

	token[0] = name;
	transfer_to_lsa(&logon, token);
	cr_assert(first = next_transfer(NULL));
	cr_assert(second = next_transfer(first));
	cr_expect_null(next_transfer(second));
	cr_expect_eq(first->address, (uint64_t)(uintptr_t)token);
	cr_expect_eq(second->address, (uint64_t)(uintptr_t)name);
	cr_expect_eq(first->size, WORDS * sizeof(uint64_t));
	cr_expect_eq(first->section, 0, "the LSA is no client");
	cr_expect_eq(first->result, FAMILY_LSA_HEAP);
	cr_expect_eq(first->package, PACKAGE);
	cr_expect_eq(first->tid, lane->tid);
	cr_expect_eq(first->state, TRACE_EVENT_COMMITTED);
	cr_expect_eq(first->verdict, TRACE_KIND_NONE);
	cr_expect_leq(first->time, second->time);
	cr_expect_neq(first->caller, 0);
	cr_expect_neq(first->stack, 0);
	cr_expect_eq(first->stack, second->stack, "they go by one return");
	cr_expect_eq(counter()->calls, 2);
	cr_expect_eq(counter()->bytes, 2 * WORDS * sizeof(uint64_t));
	cr_expect_eq(counter()->failed, 0);
}

Test(transfer, what_goes_to_a_client_is_recorded_with_its_request)
{
	void **answer = block(FAMILY_LSA_HEAP);

	enter(SPACE_CLIENT, FAMILY_CLIENT_BUFFER, (const void *)0x1000, REQUEST);
	transfer_to_client(&logon, (const void *)0x1000);
	transfer_to_client(&logon, answer);
	cr_assert(next_transfer(NULL));
	for (struct trace_event *e = next_transfer(NULL); e; e = next_transfer(e))
		cr_expect_eq(e->section, REQUEST);
	cr_expect_eq(next_transfer(NULL)->result, FAMILY_CLIENT_BUFFER | TRACE_RECEIVER_CLIENT << 8);
	cr_expect_eq(counter()->calls, 2);
}

Test(transfer, what_stays_leaves_no_record)
{
	transfer_to_lsa(&logon, block(FAMILY_PRIVATE_HEAP));
	transfer_to_lsa(&logon, &logon);
	transfer_to_client(&logon, (const void *)0x1000);
	cr_expect_null(next_transfer(NULL));
	cr_expect_null(counter());
}

Test(transfer, a_chunk_of_the_ring_says_how_many_transfers_it_holds)
{
	transfer_to_lsa(&logon, block(FAMILY_LSA_HEAP));
	transfer_to_lsa(&logon, block(FAMILY_LSA_HEAP));
	cr_expect_eq(lane->chunk->transfers, 2);
}

/* In a signal handler that interrupted the tracer. */
Test(transfer, in_an_interrupted_tracer_what_goes_is_not_recorded_and_no_leak)
{
	void **token = block(FAMILY_LSA_HEAP);

	reentry_inside = true;
	transfer_to_lsa(&logon, token);
	cr_assert(reentry_inside);
	cr_assert(has_gone(token));
	cr_expect_null(next_transfer(NULL));
	cr_expect_eq(trace_header->lost[TRACE_LOST_EVENTS], 1);
}

Test(transfer, without_a_trace_nothing_changes_its_owner)
{
	void **token = block(FAMILY_LSA_HEAP);

	process_page->trace = 0;
	transfer_to_lsa(&logon, token);
	cr_assert(is_live(SPACE_BLOCK, token));
	cr_assert_not(reentry_inside);
}
