/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload/sharedmem/heaps.h"
#include "tests/support/preload_fixture.h"

static void start(void)
{
	cr_assert(heaps_init());
}

TestSuite(heaps, .init = start);

static void expect_zero(const char *block, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		cr_assert_eq(block[i], 0);
}

Test(heaps, a_block_is_aligned_and_zero_whenever_it_is_handed_out)
{
	for (ULONG size = 0; size < 100000; size = size * 2 + 1)
		for (int i = 0; i < 3; i++) {
			char *block = heaps_allocate_lsa(size);

			cr_assert_not_null(block);
			cr_assert_eq((uintptr_t)block % 16, 0);
			expect_zero(block, size);
			memset(block, 0xff, size);
			heaps_free_lsa(block);
		}
}

Test(heaps, each_frees_its_own_blocks_only)
{
	char *lsa = heaps_allocate_lsa(100), *private = heaps_allocate_private(100);

	heaps_free_private(lsa);
	heaps_free_lsa(private);
	heaps_free_lsa(NULL);
	heaps_free_lsa(lsa + 16);
	heaps_free_lsa(&lsa);
	cr_expect_neq(heaps_allocate_lsa(100), lsa);
	cr_expect_neq(heaps_allocate_private(100), private);
	heaps_free_lsa(lsa);
	cr_expect_eq(heaps_allocate_lsa(100), lsa);
}

Test(heaps, more_than_there_can_be_is_refused)
{
	cr_expect_null(heaps_allocate_private(UINT64_MAX));
	cr_expect_null(heaps_allocate_private(1ull << 40));
}

static void *map(size_t bytes)
{
	return mmap(NULL, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static void expect_smaller(void)
{
	preload_limit_address_space(1u << 30);
	cr_assert(heaps_init());
	cr_expect_not_null(heaps_allocate_lsa(1 << 20));
	cr_expect_not_null(heaps_allocate_private(1 << 20));
	cr_expect_neq(map(1u << 29), MAP_FAILED, "nothing is left for the host");
}

/* A suite without heaps_init(). */
Test(limited_heaps, where_address_space_is_limited_they_are_smaller)
{
	expect_smaller();
}

Test(limited_heaps, what_the_host_has_taken_already_is_not_there_to_be_shared)
{
	cr_assert_neq(map(8ull << 30), MAP_FAILED);
	expect_smaller();
}

Test(heaps, a_forked_child_has_its_own)
{
	char *block = heaps_allocate_lsa(100);
	int status;
	pid_t child;

	strcpy(block, "parent");
	child = fork();
	if (child == 0) {
		strcpy(block, "child");
		heaps_free_lsa(block);
		_exit(heaps_allocate_lsa(100) == block ? 0 : 1);
	}
	waitpid(child, &status, 0);
	cr_expect_eq(status, 0);
	cr_expect_str_eq(block, "parent");
}
