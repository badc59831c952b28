/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload/base/process.h"
#include "preload/sharedmem/heaps.h"
#include "tests/support/preload_fixture.h"

static void start(void)
{
	cr_assert(process_init());
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
	cr_assert(process_init());
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

Test(heaps, they_grow_as_blocks_are_handed_out_and_shrink_to_one_free_block)
{
	enum { BLOCKS = 2000, BYTES = 30000 };
	static char *block[BLOCKS];

	for (int i = 0; i < BLOCKS; i++) {
		block[i] = heaps_allocate_lsa(BYTES);
		cr_assert_not_null(block[i]);
		memset(block[i], i, BYTES);
	}
	for (int i = 0; i < BLOCKS; i++) {
		cr_assert_eq(block[i][0], (char)i);
		cr_assert_eq(block[i][BYTES - 1], (char)i);
		heaps_free_lsa(block[i]);
	}
	cr_expect_eq(heaps_allocate_lsa(BLOCKS * BYTES), block[0]);
}

/* The host's data, as if its own allocator had made it: locked, but no more than there is. */
Test(heaps, a_host_that_locks_its_memory_locks_what_it_was_given)
{
	unsigned char is_there = 0;
	char *block;

	cr_assert_not_null(heaps_allocate_private(5 << 20));
	if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
		cr_skip_test("mlockall(): %s", strerror(errno));
	block = heaps_allocate_private(5 << 20);
	cr_assert_not_null(block);
	cr_assert_eq(mincore((void *)((uintptr_t)block & ~4095ul), 4096, &is_there), 0);
	cr_expect(is_there);
	cr_expect_lt(preload_locked_bytes(), 1u << 30);
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
