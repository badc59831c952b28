/* SPDX-License-Identifier: MIT */
/* A list of free numbers, for any number of threads at once. */
#include <pthread.h>
#include <stdint.h>

#include <criterion/criterion.h>

#include "preload/base/free_list.h"

enum { THINGS = 8, THREADS = 4, ROUNDS = 100000 };

static struct free_list list;
static uint32_t link_of_thing[THINGS + 1];
static uint32_t holders[THINGS + 1]; /* threads that have taken a thing, and not given it back */

static uint32_t *link_of(uint32_t number)
{
	return &link_of_thing[number];
}

Test(free_list, an_empty_one_has_nothing_to_take)
{
	cr_expect_eq(free_list_take(&list, link_of), 0);
}

Test(free_list, what_came_last_is_taken_first)
{
	for (uint32_t number = 1; number <= 3; number++)
		free_list_add(&list, number, link_of(number));
	cr_expect_eq(free_list_take(&list, link_of), 3);
	free_list_add(&list, 3, link_of(3));
	for (uint32_t number = 3; number > 0; number--)
		cr_expect_eq(free_list_take(&list, link_of), number);
	cr_expect_eq(free_list_take(&list, link_of), 0);
}

static void *take_and_add(void *mistakes)
{
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t number = free_list_take(&list, link_of);

		if (!number)
			continue;
		if (__atomic_fetch_add(&holders[number], 1, __ATOMIC_RELAXED) != 0)
			__atomic_fetch_add((int *)mistakes, 1, __ATOMIC_RELAXED);
		__atomic_fetch_sub(&holders[number], 1, __ATOMIC_RELAXED);
		free_list_add(&list, number, link_of(number));
	}
	return NULL;
}

Test(free_list, no_two_threads_take_the_same, .timeout = 60)
{
	pthread_t thread[THREADS];
	uint32_t count = 0;
	int mistakes = 0;

	for (uint32_t number = 1; number <= THINGS; number++)
		free_list_add(&list, number, link_of(number));
	for (int i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&thread[i], NULL, take_and_add, &mistakes), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	cr_expect_eq(mistakes, 0);
	while (free_list_take(&list, link_of))
		count++;
	cr_expect_eq(count, THINGS, "none was lost");
}
