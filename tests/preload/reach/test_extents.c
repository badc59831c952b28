/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "preload/reach/extents.h"

enum { MANY = 5000 };

static struct extent all[MANY], room[MANY];
static struct extents extents = { .all = all };

static void add(uint64_t start, uint64_t end)
{
	extents_add(&extents, (struct extent){ .start = start,
					       .end = end,
					       .number = (uint32_t)extents.count + 1 });
}

/* The parts of a span, as "1-2 [2-3] 3-9". */
static char parts[256];

static void write_part(const char *form, uint64_t start, uint64_t end)
{
	size_t used = strlen(parts);

	snprintf(parts + used, sizeof(parts) - used, form, (unsigned long)start, (unsigned long)end);
}

static void note_outside(uint64_t start, uint64_t end, void *unused)
{
	(void)unused;
	write_part(" %lu-%lu", start, end);
}

static void note_inside(uint64_t start, uint64_t end, void *unused)
{
	(void)unused;
	write_part(" [%lu-%lu]", start, end);
}

static const char *split(uint64_t start, uint64_t end)
{
	parts[0] = '\0';
	extents_split(&extents, start, end, note_outside, note_inside, NULL);
	return parts;
}

Test(extents, sorted_by_address_whatever_the_order_was)
{
	srand(1);
	for (int i = 0; i < MANY; i++)
		add((uint64_t)rand() << 32 | (uint64_t)rand(), 0);
	extents_sort(&extents, room);
	for (int i = 1; i < MANY; i++)
		cr_assert_leq(all[i - 1].start, all[i].start);
}

Test(extents, an_address_is_found_in_the_one_that_holds_it)
{
	add(200, 300);
	add(100, 101);
	add(300, 400);
	extents_sort(&extents, room);
	cr_expect_null(extents_find(&extents, 99));
	cr_expect_eq(extents_find(&extents, 100)->number, 2u);
	cr_expect_null(extents_find(&extents, 101));
	cr_expect_eq(extents_find(&extents, 299)->number, 1u);
	cr_expect_eq(extents_find(&extents, 300)->number, 3u);
	cr_expect_null(extents_find(&extents, 400));
}

Test(extents, nothing_is_found_among_none)
{
	cr_expect_null(extents_find(&extents, 0));
	cr_expect_str_eq(split(1, 9), " 1-9");
}

Test(extents, a_span_is_split_into_what_lies_outside_and_inside)
{
	add(100, 200);
	add(300, 400);
	cr_expect_str_eq(split(0, 500), " 0-100 [100-200] 200-300 [300-400] 400-500");
	cr_expect_str_eq(split(150, 350), " [150-200] 200-300 [300-350]");
	cr_expect_str_eq(split(200, 300), " 200-300");
	cr_expect_str_eq(split(100, 200), " [100-200]");
	cr_expect_str_eq(split(400, 500), " 400-500");
	cr_expect_str_eq(split(5, 5), "");
}

Test(extents, where_they_overlap_each_byte_is_visited_once)
{
	add(100, 200);
	add(150, 180);
	add(190, 300);
	cr_expect_str_eq(split(0, 400), " 0-100 [100-200] [200-300] 300-400");
}
