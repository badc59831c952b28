/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "preload/sharedmem/arena.h"

enum { BYTES = 65536, GRANULES = BYTES / ARENA_GRANULE };

static struct arena *arena;

static void start(void)
{
	arena = arena_new(BYTES);
	cr_assert_not_null(arena);
}

static void end(void)
{
	arena_release(arena);
}

TestSuite(arena, .init = start, .fini = end);

/* The whole arena can be allocated as one block, at the same place as before: nothing was lost. */
static void expect_whole(void)
{
	uint64_t block = arena_allocate(arena, BYTES);

	cr_assert_eq(block, ARENA_GRANULE);
	cr_assert_eq(arena_free(arena, block), BYTES);
}

Test(arena, one_block_may_take_all_of_it)
{
	expect_whole();
	cr_expect_eq(arena_allocate(arena, BYTES + 1), 0);
	cr_expect_eq(arena_allocate(arena, UINT64_MAX), 0);
	expect_whole();
}

Test(arena, blocks_fill_it_to_the_last_granule)
{
	bool seen[GRANULES + 1] = { false };

	for (int i = 0; i < GRANULES; i++) {
		uint64_t block = arena_allocate(arena, 1);

		cr_assert_neq(block, 0);
		cr_assert_eq(block % ARENA_GRANULE, 0);
		cr_assert_leq(block / ARENA_GRANULE, GRANULES);
		cr_assert(!seen[block / ARENA_GRANULE]);
		seen[block / ARENA_GRANULE] = true;
	}
	cr_expect_eq(arena_allocate(arena, 1), 0);
	for (uint64_t i = 1; i <= GRANULES; i++)
		cr_assert_eq(arena_free(arena, i * ARENA_GRANULE), ARENA_GRANULE);
	expect_whole();
}

Test(arena, a_block_of_no_bytes_is_one_of_its_own)
{
	uint64_t one = arena_allocate(arena, 0), other = arena_allocate(arena, 0);

	cr_expect_neq(one, 0);
	cr_expect_neq(other, 0);
	cr_expect_neq(one, other);
	cr_expect_eq(arena_free(arena, one), ARENA_GRANULE);
}

Test(arena, what_is_no_block_is_not_freed)
{
	uint64_t block = arena_allocate(arena, 100), next = arena_allocate(arena, 16);
	static const uint64_t wrong[] = { 0,          1,          8,          BYTES,
					  BYTES + 16, BYTES + 32, UINT64_MAX, UINT64_MAX - 15 };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		cr_expect_eq(arena_free(arena, wrong[i]), 0, "%zu", i);
	for (uint64_t inside = 1; inside < 112; inside++)
		cr_expect_eq(arena_free(arena, block + inside), 0);
	cr_expect_eq(arena_free(arena, next + 16), 0);
	cr_expect_eq(arena_free(arena, block), 112);
	cr_expect_eq(arena_free(arena, next), 16);
	expect_whole();
}

static void expect_freed_once(uint64_t bytes)
{
	uint64_t block = arena_allocate(arena, bytes);

	cr_expect_eq(arena_free(arena, block), arena_round(bytes));
	cr_expect_eq(arena_free(arena, block), 0);
	cr_expect_eq(arena_free(arena, block), 0);
}

Test(arena, a_block_is_freed_once)
{
	expect_freed_once(16);
	expect_freed_once(1024);
	expect_freed_once(1040);
	expect_freed_once(BYTES);
	expect_whole();
}

/* In every order in which three neighbours can be freed. */
Test(arena, free_neighbours_become_one)
{
	static const int orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					 { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

	for (int i = 0; i < 6; i++) {
		uint64_t block[3];

		for (int j = 0; j < 3; j++)
			block[j] = arena_allocate(arena, 8000);
		for (int j = 0; j < 3; j++)
			cr_assert_eq(arena_free(arena, block[orders[i][j]]), 8000);
		expect_whole();
	}
}

Test(arena, a_hole_is_found_however_nearly_it_fits)
{
	uint64_t hole = arena_allocate(arena, 5008);

	while (arena_allocate(arena, 1024))
		;
	while (arena_allocate(arena, 16))
		;
	arena_free(arena, hole);
	cr_expect_eq(arena_allocate(arena, 5008), hole);
}

Test(arena, as_many_as_can_be_referred_to_are_handed_out)
{
	struct arena *largest = arena_new(ARENA_BYTES_MOST);
	uint64_t block = arena_allocate(largest, ARENA_BYTES_MOST - 48);
	uint64_t behind = arena_allocate(largest, 48);

	cr_expect_eq(block, ARENA_GRANULE);
	cr_expect_eq(behind, ARENA_BYTES_MOST - 32);
	cr_expect_eq(arena_free(largest, block), ARENA_BYTES_MOST - 48);
	cr_expect_eq(arena_free(largest, behind), 48);
	cr_expect_eq(arena_allocate(largest, ARENA_BYTES_MOST), ARENA_GRANULE);
	arena_release(largest);
}

/* Leaves blocks in use, a kept block and free ones of several sizes behind. */
static void leave_used(uint64_t bytes)
{
	struct arena *used = arena_new(bytes);
	uint64_t block[5];

	for (uint64_t i = 0; i < 5; i++)
		block[i] = arena_allocate(used, 16 + 2000 * i);
	arena_free(used, block[0]);
	arena_free(used, block[1]);
	arena_free(used, block[3]);
	arena_release(used);
}

/* One uses what a smaller one, one of its size and a larger one have left. */
Test(arena, what_was_used_before_is_as_new)
{
	static const uint64_t before[] = { BYTES / 4, BYTES, 4 * BYTES };

	for (int i = 0; i < 3; i++) {
		arena_release(arena);
		leave_used(before[i]);
		arena = arena_new(BYTES);
		for (uint64_t granule = 0; granule <= GRANULES; granule++)
			cr_assert_eq(arena_free(arena, granule * ARENA_GRANULE), 0);
		for (uint64_t granule = 1; granule <= GRANULES; granule++)
			cr_assert_eq(arena_allocate(arena, 16), granule * ARENA_GRANULE);
		cr_assert_eq(arena_allocate(arena, 16), 0);
	}
}

Test(arena, what_is_too_small_is_not_used_for_more)
{
	struct arena *small = arena_new(BYTES / 4), *large;

	arena_release(small);
	large = arena_new(BYTES);
	cr_expect_neq(large, small);
	arena_release(large);
}

/* Against a model, in which each granule belongs to no block or to one. */
enum { MODEL_BLOCKS = 300, MODEL_STEPS = 200000 };

static void mark(uint16_t *owner, uint64_t block, uint64_t bytes, uint16_t from, uint16_t to)
{
	for (uint64_t i = block / ARENA_GRANULE; i < (block + bytes) / ARENA_GRANULE; i++) {
		cr_assert_leq(i, GRANULES);
		cr_assert_eq(owner[i], from);
		owner[i] = to;
	}
}

Test(arena, blocks_never_overlap_and_nothing_is_lost)
{
	static uint16_t owner[GRANULES + 2];
	uint64_t block[MODEL_BLOCKS] = { 0 }, bytes[MODEL_BLOCKS];

	srand(1);
	for (int step = 0; step < MODEL_STEPS; step++) {
		uint16_t i = (uint16_t)(rand() % MODEL_BLOCKS);

		if (block[i]) {
			mark(owner, block[i], bytes[i], i + 1, 0);
			cr_assert_eq(arena_free(arena, block[i]), bytes[i]);
			block[i] = 0;
		} else {
			bytes[i] = (uint64_t)(rand() % (rand() % 16 ? 400 : 6000));
			block[i] = arena_allocate(arena, bytes[i]);
			bytes[i] = arena_round(bytes[i]);
			mark(owner, block[i], block[i] ? bytes[i] : 0, 0, i + 1);
		}
	}
	for (int i = 0; i < MODEL_BLOCKS; i++)
		if (block[i])
			cr_assert_eq(arena_free(arena, block[i]), bytes[i]);
	expect_whole();
}
