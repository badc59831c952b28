/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "viewer/base/search.h"
#include "viewer/base/sum.h"

Test(search, counts_the_items_that_start_at_or_below_an_address)
{
	static const struct {
		uint64_t start;
		uint32_t other;
	} items[] = { { 10, 1 }, { 20, 2 }, { 20, 3 }, { 30, 4 } };

	cr_expect_eq(search_starts(items, 4, sizeof(*items), 9), 0);
	cr_expect_eq(search_starts(items, 4, sizeof(*items), 10), 1);
	cr_expect_eq(search_starts(items, 4, sizeof(*items), 20), 3);
	cr_expect_eq(search_starts(items, 4, sizeof(*items), UINT64_MAX), 4);
	cr_expect_eq(search_starts(NULL, 0, sizeof(*items), 5), 0);
}

Test(sum, stops_at_the_greatest_number)
{
	uint64_t sum = 40;

	sum_add(&sum, 2);
	cr_expect_eq(sum, 42);
	sum_add(&sum, UINT64_MAX - 1);
	cr_expect_eq(sum, UINT64_MAX);
}
