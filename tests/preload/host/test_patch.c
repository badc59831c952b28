/* SPDX-License-Identifier: MIT */
/* Pointers that are written where they lie, also in memory that is read-only. */
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include <criterion/criterion.h>

#include "preload/base/process.h"
#include "preload/host/maps.h"
#include "preload/host/patch.h"

enum { THREADS = 3, ROUNDS = 2000 };

static void **page;

static void start(void)
{
	cr_assert(process_init());
	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(page, MAP_FAILED);
}

TestSuite(patch, .init = start, .timeout = 120);

Test(patch, what_is_read_only_is_so_again_afterwards)
{
	cr_assert(patch_pointer(&page[3], &page));
	cr_expect_eq(page[3], &page);
	cr_expect_eq(maps_protection(page), PROT_READ);
}

Test(patch, a_pointer_that_is_not_aligned_is_left_alone)
{
	cr_expect_not(patch_pointer((void **)((char *)page + 4), &page));
	cr_expect_eq(maps_protection(page), PROT_READ);
}

Test(patch, a_word_may_lie_on_two_pages)
{
	char *two = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t word;

	cr_assert_neq(two, MAP_FAILED);
	cr_assert(patch_word(two + 4094, 0x12345678));
	cr_expect_eq(memcmp(memcpy(&word, two + 4094, 4), &(uint32_t){ 0x12345678 }, 4), 0);
	cr_expect_eq(maps_protection(two), PROT_READ);
	cr_expect_eq(maps_protection(two + 4096), PROT_READ);
	munmap(two + 4096, 4096);
	cr_expect_not(patch_word(two + 4094, 1));
	cr_expect_eq(maps_protection(two), PROT_READ);
	cr_expect(patch_word(two + 4092, 1));
	cr_expect_eq(maps_protection(two), PROT_READ);
}

static void *patch_own_place(void *place)
{
	for (int i = 0; i < ROUNDS; i++)
		if (!patch_pointer(place, place))
			return place;
	return NULL;
}

Test(patch, threads_may_change_places_on_one_page_at_once)
{
	pthread_t thread[THREADS];
	void *failed;

	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, patch_own_place, &page[i]);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], &failed);
		cr_expect_null(failed);
		cr_expect_eq(page[i], &page[i]);
	}
	cr_expect_eq(maps_protection(page), PROT_READ);
}
