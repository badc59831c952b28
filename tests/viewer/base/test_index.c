/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "viewer/base/hash.h"
#include "viewer/base/index.h"

/* Item n is the number n * n; `context` is the number that is wanted. */
static bool is_square(const void *context, uint32_t item)
{
	return *(const uint64_t *)context == (uint64_t)item * item;
}

static void find_all(uint64_t (*hash_of)(uint64_t number))
{
	struct index x;

	index_init(&x, 1000);
	for (uint64_t i = 0; i < 1000; i++) {
		uint64_t square = i * i;
		uint64_t hash = hash_of(square);

		cr_assert_eq(index_find(&x, hash, is_square, &square), 0, "%u", (unsigned)i);
		cr_assert_eq(index_add(&x, hash, is_square, &square, i), i + 1);
	}
	for (uint64_t i = 0; i < 1000; i++) {
		uint64_t square = i * i;

		cr_assert_eq(index_find(&x, hash_of(square), is_square, &square), i + 1);
		cr_assert_eq(index_add(&x, hash_of(square), is_square, &square, 0), i + 1);
	}
	index_release(&x);
}

static uint64_t hash_number(uint64_t number)
{
	return hash_bytes(&number, sizeof(number));
}

static uint64_t collide(uint64_t number)
{
	(void)number;
	return UINT64_MAX;
}

Test(index, finds_each_item_of_as_many_as_there_may_be)
{
	find_all(hash_number);
}

Test(index, tells_items_with_one_hash_apart)
{
	find_all(collide);
}

Test(index, has_room_for_no_item_at_all)
{
	struct index x;
	uint64_t one = 1;

	index_init(&x, 0);
	cr_expect_eq(index_find(&x, hash_number(1), is_square, &one), 0);
	index_release(&x);
}

Test(hash, depends_on_each_byte_and_on_the_length)
{
	const char bytes[24] = { 0 };
	char other[24] = { 0 };

	for (size_t i = 0; i < sizeof(bytes); i++) {
		other[i] = 1;
		cr_expect_neq(hash_bytes(bytes, sizeof(bytes)), hash_bytes(other, sizeof(other)));
		cr_expect_neq(hash_bytes(bytes, i), hash_bytes(bytes, i + 1));
		other[i] = 0;
	}
	cr_expect_eq(hash_bytes(bytes, sizeof(bytes)), hash_bytes(other, sizeof(other)));
}
