/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "../preload/guard.h"
#include "../preload/ledger.h"
#include "../preload/transfer.h"
#include "slots.h"
#include "support/preload_fixture.h"

enum { WORDS = 8, REQUEST = 1, CHAIN = 100000 };

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

/* A block as an allocator would hand it out, and as the ledger has it. */
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

	return ledger_find(space, (uint64_t)(uintptr_t)address, REQUEST, &view) &&
	       ledger_is_live(&view);
}

static bool has_gone(const void *address)
{
	struct ledger_view view;

	return ledger_find(SPACE_BLOCK, (uint64_t)(uintptr_t)address, 0, &view) &&
	       ledger_life(&view) == LIFE_RELEASED && view.entry.flags & LEDGER_TRANSFERRED;
}

Test(transfer, a_block_goes_to_the_lsa_with_what_it_points_to)
{
	void **token = block(FAMILY_LSA_HEAP), **name = block(FAMILY_LSA_HEAP);
	void **text = block(FAMILY_LSA_HEAP), **other = block(FAMILY_LSA_HEAP);

	token[0] = name;
	token[7] = text;
	name[3] = other;
	transfer_to_lsa(token);
	cr_assert(has_gone(token));
	cr_assert(has_gone(name));
	cr_assert(has_gone(text));
	cr_assert(has_gone(other));
	cr_assert_not(guard_inside);
}

Test(transfer, what_nothing_points_to_stays)
{
	void **token = block(FAMILY_LSA_HEAP), **other = block(FAMILY_LSA_HEAP);

	token[0] = other + 1; /* inside of it: a string's text, not a block */
	transfer_to_lsa(token);
	cr_assert(is_live(SPACE_BLOCK, other));
}

Test(transfer, blocks_that_point_to_each_other_go_once)
{
	void **one = block(FAMILY_LSA_HEAP), **other = block(FAMILY_LSA_HEAP);

	one[0] = other;
	other[0] = one;
	other[1] = other;
	transfer_to_lsa(one);
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
	transfer_to_lsa(first);
	cr_assert(has_gone(*(void **)*first));
	cr_assert(is_live(SPACE_BLOCK, last));
}

Test(transfer, blocks_of_other_families_stay_the_packages)
{
	void **token = block(FAMILY_LSA_HEAP), **private = block(FAMILY_PRIVATE_HEAP);

	token[0] = private;
	transfer_to_lsa(token);
	transfer_to_lsa(private);
	cr_assert(is_live(SPACE_BLOCK, private));
}

Test(transfer, what_is_no_block_is_left_alone)
{
	void *unknown[WORDS] = { block(FAMILY_LSA_HEAP) };

	transfer_to_lsa(NULL);
	transfer_to_lsa(unknown);
	cr_assert(is_live(SPACE_BLOCK, unknown[0]));
	cr_assert_not(guard_inside);
}

Test(transfer, what_a_structure_points_to_goes)
{
	void **one = block(FAMILY_LSA_HEAP), **other = block(FAMILY_LSA_HEAP);
	void *structure[3] = { one, NULL, other };

	transfer_contents_to_lsa(structure, 2 * sizeof(void *));
	cr_assert(has_gone(one));
	cr_assert(is_live(SPACE_BLOCK, other), "it lies behind the structure");
	transfer_contents_to_lsa(NULL, 100);
}

Test(transfer, a_clients_buffer_goes_to_its_client)
{
	const void *buffer = (const void *)0x1000;

	enter(SPACE_CLIENT, FAMILY_CLIENT_BUFFER, buffer, REQUEST);
	transfer_to_client((const void *)2, buffer);
	cr_assert(is_live(SPACE_CLIENT, buffer), "another client's address");
	transfer_to_client((const void *)REQUEST, buffer);
	cr_assert_not(is_live(SPACE_CLIENT, buffer));
	transfer_to_client((const void *)REQUEST, NULL);
}

Test(transfer, a_block_of_the_lsas_heap_goes_to_a_client_as_well)
{
	void **answer = block(FAMILY_LSA_HEAP);

	transfer_to_client((const void *)REQUEST, answer);
	cr_assert(has_gone(answer));
}

Test(transfer, within_the_tracer_nothing_changes_hands)
{
	void **token = block(FAMILY_LSA_HEAP);

	guard_inside = true;
	transfer_to_lsa(token);
	cr_assert(guard_inside);
	cr_assert(is_live(SPACE_BLOCK, token));
}
