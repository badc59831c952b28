/* SPDX-License-Identifier: MIT */
#include <pthread.h>

#include <criterion/criterion.h>

#include "preload/file/clock.h"
#include "tests/support/preload_fixture.h"

static void start(void)
{
	clock_init();
}

TestSuite(clock, .init = start);

Test(clock, time_never_goes_back)
{
	uint64_t last = clock_first()->ticks;

	for (int i = 0; i < 100000; i++) {
		uint64_t before = clock_ticks(), after = clock_ticks_after();

		cr_assert(last <= before && before <= after);
		last = after;
	}
}

Test(clock, a_clock_point_is_one_moment_by_two_clocks)
{
	uint64_t ticks = clock_ticks(), ns = clock_monotonic_ns();
	struct trace_clock now = clock_now();

	cr_assert(ticks <= now.ticks && now.ticks <= clock_ticks());
	cr_assert(ns <= now.monotonic_ns && now.monotonic_ns <= clock_monotonic_ns());
	cr_assert_leq(clock_first()->ticks, ticks);
	cr_assert_leq(clock_first()->monotonic_ns, ns);
	cr_assert_neq(clock_first()->monotonic_ns, 0);
}

/* A time that one thread passes on is not later than the time that the receiving thread reads. */
static uint64_t handed;

static void *hand_over(void *failure)
{
	for (int i = 0; i < 20000; i++) {
		uint64_t theirs = __atomic_load_n(&handed, __ATOMIC_ACQUIRE);
		uint64_t mine = clock_ticks_after();

		if (mine < theirs)
			return failure;
		__atomic_store_n(&handed, mine, __ATOMIC_RELEASE);
	}
	return NULL;
}

Test(clock, times_of_threads_are_in_the_order_of_what_they_do)
{
	static char failure;
	pthread_t other;
	void *went_back;

	cr_assert_eq(pthread_create(&other, NULL, hand_over, &failure), 0);
	cr_assert_null(hand_over(&failure));
	pthread_join(other, &went_back);
	cr_assert_null(went_back);
}

/* The moments before and after are in order. */
Test(clock, ticks_go_on_without_the_counter)
{
	uint64_t before, first, last;

	while (clock_monotonic_ns() == clock_first()->monotonic_ns)
		;
	before = clock_ticks();
	clock_leave_counter();
	cr_assert_not(clock_has_tsc);
	first = clock_ticks();
	cr_assert_leq(before, first);
	for (int i = 0; i < 1000; i++) {
		last = clock_ticks_after();
		cr_assert_leq(first, last);
		first = last;
	}
}
