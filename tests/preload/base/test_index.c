/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <sys/resource.h>

#include <criterion/criterion.h>

#include "preload/base/index.h"
#include "tests/support/preload_fixture.h"

static struct index numbers;

static void clear(void)
{
	index_clear(&numbers);
}

TestSuite(index, .fini = clear);

static uint64_t hash_of(uint32_t number)
{
	return index_mix(number);
}

static bool is_it(uint32_t number, void *sought)
{
	return number == *(const uint32_t *)sought;
}

static bool found(uint64_t hash, uint32_t number)
{
	return index_find(&numbers, hash, is_it, &number) == number;
}

static void add_all(uint32_t from, uint32_t to)
{
	for (uint32_t number = from; number < to; number++)
		cr_assert(index_add(&numbers, hash_of(number), number));
}

static void assert_all_found(uint32_t from, uint32_t to)
{
	for (uint32_t number = from; number < to; number++)
		cr_assert(found(hash_of(number), number), "number %u", number);
}

Test(index, nothing_is_found_in_an_empty_one)
{
	struct index_walk walk = { .index = &numbers, .hash = 1 };

	cr_assert_not(found(1, 1));
	cr_assert_eq(index_next_neighbour(&walk), 0);
}

Test(index, a_number_is_found_by_its_hash_and_by_no_other)
{
	uint64_t hash = hash_of(7);

	cr_assert(index_add(&numbers, hash, 7));
	cr_assert(found(hash, 7));
	/* In the same bucket, with another upper half of the hash. */
	cr_assert_not(found(hash ^ 1ull << 40, 7));
}

/* More numbers than both buckets of a level have room for. */
Test(index, numbers_of_one_hash_are_all_found)
{
	enum { MANY = 100 };

	for (uint32_t number = 1; number <= MANY; number++)
		cr_assert(index_add(&numbers, 42, number));
	for (uint32_t number = 1; number <= MANY; number++)
		cr_assert(found(42, number));
}

Test(index, numbers_are_found_on_every_level)
{
	enum { MANY = 400000 };

	add_all(1, MANY);
	cr_assert_not_null(numbers.level[2]);
	cr_assert_null(numbers.level[4], "four levels have room for 1392640");
	assert_all_found(1, MANY);
}

static const uint64_t *place_of(uint32_t number)
{
	struct index_walk walk = { .index = &numbers, .hash = hash_of(number) };
	uint32_t next;

	while ((next = index_next_neighbour(&walk)) != 0 && next != number)
		;
	return next ? walk.at : NULL;
}

Test(index, nothing_moves_when_it_grows)
{
	const uint64_t *before;

	add_all(1, 2);
	before = place_of(1);
	cr_assert_not_null(before);
	add_all(2, 80000);
	cr_assert_not_null(numbers.level[1]);
	cr_assert_eq(place_of(1), before);
}

Test(index, a_number_takes_the_place_of_a_neighbour)
{
	uint64_t old = hash_of(1), new = old ^ 1ull << 40;
	struct index_walk walk = { .index = &numbers, .hash = new };

	cr_assert(index_add(&numbers, old, 1));
	cr_assert_eq(index_next_neighbour(&walk), 1);
	cr_assert(index_replace(&walk, 1, 2));
	cr_assert_not(found(old, 1));
	cr_assert(found(new, 2));
}

Test(index, a_number_that_is_no_longer_there_is_not_replaced)
{
	uint64_t hash = hash_of(1);
	struct index_walk one = { .index = &numbers, .hash = hash }, other = one;

	cr_assert(index_add(&numbers, hash, 1));
	cr_assert_eq(index_next_neighbour(&one), 1);
	cr_assert_eq(index_next_neighbour(&other), 1);
	cr_assert(index_replace(&one, 1, 2));
	cr_assert_not(index_replace(&other, 1, 3));
	cr_assert(found(hash, 2));
	cr_assert_not(found(hash, 3));
}

Test(index, an_index_that_was_cleared_can_be_filled_again)
{
	add_all(1, 10000);
	index_clear(&numbers);
	cr_assert_not(found(hash_of(1), 1));
	add_all(1, 10000);
	assert_all_found(1, 10000);
}

Test(index, without_memory_nothing_is_added)
{
	struct rlimit limit, none;
	bool added;

	getrlimit(RLIMIT_AS, &limit);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = limit.rlim_max };
	setrlimit(RLIMIT_AS, &none);
	added = index_add(&numbers, 1, 1);
	setrlimit(RLIMIT_AS, &limit);
	cr_assert_not(added);
	for (unsigned i = 1; !added; i++) {
		cr_assert_leq(i, INDEX_PATIENCE);
		added = index_add(&numbers, 1, 1);
	}
	cr_assert(found(1, 1));
}

/* The walk finds those of one hash, and no others of the same buckets. */
Test(index, numbers_of_one_hash_are_walked_over_and_removed)
{
	enum { MANY = 60 };
	struct index_walk walk = { .index = &numbers, .hash = 42 };
	uint32_t next, sum = 0;

	for (uint32_t number = 1; number <= MANY; number++) {
		cr_assert(index_add(&numbers, 42, number));
		cr_assert(index_add(&numbers, 42 ^ 1ull << 40, MANY + number));
	}
	while ((next = index_next(&walk)) != 0) {
		cr_assert_leq(next, MANY);
		sum += next;
		if (next % 2)
			cr_assert(index_replace(&walk, next, 0));
	}
	cr_assert_eq(sum, MANY * (MANY + 1) / 2);
	for (uint32_t number = 1; number <= MANY; number++)
		cr_assert_eq(found(42, number), number % 2 == 0);
	cr_assert(index_add(&numbers, 42, 1));
	cr_assert(found(42, 1), "in the place of one that was removed");
}

enum { THREADS = 8, EACH = 20000 };

static void *add_own(void *thread)
{
	uint32_t first = (uint32_t)(uintptr_t)thread * EACH + 1;

	for (uint32_t number = first; number < first + EACH; number++)
		if (!index_add(&numbers, hash_of(number), number))
			abort();
	return NULL;
}

Test(index, threads_that_add_at_once_lose_nothing)
{
	preload_run_threads(THREADS, add_own);
	assert_all_found(1, THREADS * EACH + 1);
}
