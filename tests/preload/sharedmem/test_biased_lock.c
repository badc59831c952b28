/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>

#include "preload/sharedmem/biased_lock.h"

static struct biased_lock lock;

Test(biased_lock, the_first_thread_owns_it)
{
	cr_assert(biased_lock_take(&lock));
	cr_expect_eq(biased_lock_held, BIASED_LOCK_HELD_BY_OWNER);
	biased_lock_release(&lock);
	cr_expect_eq(biased_lock_held, BIASED_LOCK_NOT_HELD);
	cr_assert(biased_lock_take(&lock));
	cr_expect_eq(biased_lock_held, BIASED_LOCK_HELD_BY_OWNER);
}

Test(biased_lock, a_thread_under_a_lock_gets_no_other)
{
	struct biased_lock other = { 0 };

	cr_assert(biased_lock_take(&lock));
	cr_expect_not(biased_lock_take(&lock));
	cr_expect_not(biased_lock_take(&other));
	biased_lock_release(&lock);
	cr_expect(biased_lock_take(&other));
}

static void *take(void *taken)
{
	errno = 4242;
	*(bool *)taken = biased_lock_take(&lock);
	if (*(bool *)taken)
		biased_lock_release(&lock);
	cr_expect_eq(errno, 4242);
	return NULL;
}

static bool is_taken_by_another(void)
{
	pthread_t thread;
	bool taken;

	pthread_create(&thread, NULL, take, &taken);
	pthread_join(thread, NULL);
	return taken;
}

Test(biased_lock, who_comes_owns_it_until_there_were_too_many)
{
	for (uint32_t i = 0; i < BIASED_LOCK_OWNERS; i += 2) {
		cr_assert(biased_lock_take(&lock));
		cr_expect_eq(biased_lock_held, BIASED_LOCK_HELD_BY_OWNER + i);
		biased_lock_release(&lock);
		cr_assert(is_taken_by_another());
	}
	cr_assert(biased_lock_take(&lock));
	cr_expect_eq(biased_lock_held, BIASED_LOCK_HELD_BY_ANY);
	biased_lock_release(&lock);
	cr_assert(is_taken_by_another());
}

/* Once as its owner, once as anybody. */
Test(biased_lock, who_cannot_get_it_goes_without, .timeout = 60)
{
	for (int i = 0; i < 2; i++) {
		biased_lock_take(&lock);
		cr_expect_not(is_taken_by_another());
		biased_lock_release(&lock);
		cr_expect(is_taken_by_another());
	}
}

/* The first thread owns the lock and takes it again and again, until the second one ends that. */
enum { HANDOVERS = 500, STEPS = 50, STEPS_ALONE = 100 };

static volatile uint64_t counter; /* not atomic: a step that two threads make at once is lost */
static uint64_t owners_steps, is_over;

static void make_step(void)
{
	while (!biased_lock_take(&lock))
		;
	counter = counter + 1;
	biased_lock_release(&lock);
}

static void *own(void *unused)
{
	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED)) {
		make_step();
		__atomic_store_n(&owners_steps, owners_steps + 1, __ATOMIC_RELAXED);
	}
	return unused;
}

static void come_second(void)
{
	while (__atomic_load_n(&owners_steps, __ATOMIC_RELAXED) < STEPS_ALONE)
		;
	for (int i = 0; i < STEPS; i++)
		make_step();
	__atomic_store_n(&is_over, 1, __ATOMIC_RELAXED);
}

Test(biased_lock, it_changes_hands_without_two_having_it, .timeout = 120)
{
	pthread_t owner;

	for (int i = 0; i < HANDOVERS; i++) {
		lock = (struct biased_lock){ 0 };
		counter = owners_steps = is_over = 0;
		pthread_create(&owner, NULL, own, NULL);
		come_second();
		pthread_join(owner, NULL);
		cr_assert_eq(counter, owners_steps + STEPS, "%d", i);
	}
}
