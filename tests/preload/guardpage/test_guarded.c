/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "include/secpkg.h"
#include "preload/call/convention.h"
#include "preload/capture/cfi.h"
#include "preload/capture/modules.h"
#include "preload/capture/tree.h"
#include "preload/capture/unwind.h"
#include "preload/file/trace.h"
#include "preload/guardpage/functions.h"
#include "preload/guardpage/guarded.h"
#include "preload/guardpage/locate.h"
#include "preload/guardpage/quarantine.h"
#include "preload/guardpage/region.h"
#include "preload/guardpage/span.h"
#include "preload/ledger/ledger.h"
#include "tests/support/preload_fixture.h"

enum { SIZE = 24, ROOM = 4096, ROUNDS = 10000, THREADS = 4 };

#define HEAPS "guard-families=lsa-heap,private-heap"

static void start(const char *options)
{
	preload_init(options);
	cr_assert(modules_init() && lanes_init(&unwind_lane_history) && ledger_init() &&
		  tree_init() && cfi_init());
	preload_start_anew(1 << 20);
	cr_assert(guarded_init());
}

/* Lets the kernel read a byte, which does not fault. */
static bool is_accessible(const void *address)
{
	static int ends[2];
	char byte;

	if (!ends[0])
		cr_assert(pipe(ends) == 0);
	return write(ends[1], address, 1) == 1 && read(ends[0], &byte, 1) == 1;
}

static bool is_filled(const char *block, size_t size, int value)
{
	for (size_t i = 0; i < size; i++)
		if (block[i] != value)
			return false;
	return true;
}

static enum trace_kind kind_at(const void *address)
{
	return locate_address((uint64_t)(uintptr_t)address).kind;
}

static uint64_t block_at(const void *address)
{
	return locate_address((uint64_t)(uintptr_t)address).block;
}

/* Rows of places. */

static struct span_row row(uint32_t places)
{
	static uint64_t bits[4];

	memset(bits, 0, sizeof(bits));
	return (struct span_row){ .bits = bits, .places = places };
}

Test(preload_guarded, places_that_were_given_back_are_taken_again_when_their_turn_comes)
{
	struct span_row r = row(256);

	for (uint32_t i = 0; i < 8; i++)
		cr_assert_eq(span_take(&r, 2), 2 * i);
	span_give(&r, 0, 2);
	span_give(&r, 12, 2);
	span_give(&r, 8, 2);
	cr_expect_eq(span_take(&r, 2), 0u, "behind the last one taken there is none free");
	cr_expect_eq(span_take(&r, 2), 8u);
	cr_expect_eq(span_take(&r, 2), 12u);
	cr_expect_eq(span_take(&r, 2), 16u);
}

Test(preload_guarded, a_row_is_used_to_its_last_place)
{
	struct span_row r = row(130);

	cr_assert_eq(span_take(&r, 100), 0u);
	cr_assert_eq(span_take(&r, 31), SPAN_NONE);
	cr_assert_eq(span_take(&r, 29), 100u);
	span_give(&r, 100, 29);
	cr_expect_eq(span_take(&r, 30), 100u, "what is free at the end and what was never taken");
	cr_expect_eq(span_take(&r, 1), SPAN_NONE);
	span_give(&r, 63, 3);
	cr_expect_eq(span_take(&r, 4), SPAN_NONE);
	cr_expect_eq(span_take(&r, 3), 63u);
}

/* The quarantine. */

Test(preload_guarded, a_quarantine_knows_its_oldest_and_its_sum)
{
	struct quarantined a = { 0 }, b = { 0 }, c = { 0 };
	struct quarantine q = { 0 };

	quarantine_add(&q, &a, 10);
	quarantine_add(&q, &b, 20);
	quarantine_add(&q, &c, 30);
	quarantine_remove(&q, &b);
	quarantine_remove(&q, &b);
	cr_expect_eq(q.bytes, 40u);
	cr_expect_eq(q.oldest, &a);
	quarantine_remove(&q, &a);
	cr_expect_eq(q.oldest, &c);
	quarantine_remove(&q, &c);
	cr_expect_null(q.oldest);
	cr_expect_null(q.newest);
	cr_expect_eq(q.bytes, 0u);
}

/* Blocks. */

Test(preload_guarded, a_block_ends_at_an_inaccessible_page)
{
	char *section, *block;

	start("");
	section = guarded_create(1 << 20);
	for (uint32_t size = 16; size < 10000; size += 496) {
		block = guarded_allocate(section, size);
		cr_assert_not_null(block);
		cr_expect_eq((uintptr_t)(block + size) % REGION_PAGE, 0u);
		cr_expect(is_accessible(block) && is_accessible(block + size - 1));
		cr_expect_not(is_accessible(block + size));
	}
}

Test(preload_guarded, a_block_begins_after_an_inaccessible_page)
{
	char *section, *block;

	start("guard-side=before");
	section = guarded_create(1 << 20);
	for (uint32_t size = 1; size < 10000; size += 499) {
		block = guarded_allocate(section, size);
		cr_assert_not_null(block);
		cr_expect_eq((uintptr_t)block % REGION_PAGE, 0u);
		cr_expect(is_accessible(block) && is_accessible(block + size - 1));
		cr_expect_not(is_accessible(block - 1));
	}
}

Test(preload_guarded, a_block_ends_to_the_byte_at_an_inaccessible_page_if_it_need_not_be_aligned)
{
	char *section, *block;

	start("guard-align=1");
	section = guarded_create(1 << 20);
	for (uint32_t size = 1; size < 10000; size += 497) {
		block = guarded_allocate(section, size);
		cr_assert_not_null(block);
		cr_expect_eq((uintptr_t)(block + size) % REGION_PAGE, 0u);
		cr_expect(is_accessible(block) && is_accessible(block + size - 1));
		cr_expect_not(is_accessible(block + size));
	}
	block = guarded_allocate(section, 0);
	cr_assert_not_null(block);
	cr_expect(is_accessible(block));
	guarded_free(section, block);
}

Test(preload_guarded, blocks_are_aligned_and_zeroed_also_where_others_were)
{
	char *section;

	start("guard-quarantine=4K");
	section = guarded_create(1 << 16);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint32_t size = i * 7 % 5000;
		char *block = guarded_allocate(section, size);

		cr_assert_not_null(block);
		cr_assert_eq((uintptr_t)block % GUARDED_ALIGNMENT, 0u);
		cr_assert(is_filled(block, size, 0));
		memset(block, 0x55, size);
		guarded_free(section, block);
	}
}

Test(preload_guarded, a_section_has_room_for_the_bytes_that_were_promised)
{
	char *section, *block = NULL;

	start("");
	section = guarded_create(ROOM - 5);
	for (int i = 0; i < ROOM / GUARDED_ALIGNMENT; i++)
		cr_assert_not_null(block = guarded_allocate(section, i % 2 ? 16 : 1));
	cr_expect_null(guarded_allocate(section, 1));
	guarded_free(section, block);
	cr_expect_not_null(guarded_allocate(section, 16));
	cr_expect_null(guarded_allocate(section, 0));
	cr_expect_null(guarded_create(0));
}

Test(preload_guarded, a_wrong_free_is_refused)
{
	char *section, *other, *block, *lsa, *all[3];

	start(HEAPS);
	section = guarded_create(ROOM);
	other = guarded_create(ROOM);
	block = guarded_allocate(section, SIZE);
	lsa = guarded_allocate_heap(FAMILY_LSA_HEAP, SIZE);
	guarded_free(other, block);
	guarded_free(section, block + GUARDED_ALIGNMENT);
	guarded_free(section, section);
	guarded_free(section, NULL);
	guarded_free(section, lsa);
	guarded_free_heap(FAMILY_PRIVATE_HEAP, lsa);
	guarded_free_heap(FAMILY_LSA_HEAP, block);
	all[0] = block, all[1] = lsa, all[2] = guarded_allocate(other, SIZE);
	for (int i = 0; i < 3; i++)
		cr_expect(is_accessible(all[i]), "block %d", i);
	guarded_free(section, block);
	guarded_free(section, block);
	cr_expect_null(guarded_allocate(block, SIZE));
	cr_expect_not(guarded_delete(block));
	cr_expect_not(guarded_delete(section + REGION_PAGE));
	cr_expect(guarded_delete(section));
	cr_expect_not(guarded_delete(section));
	cr_expect_null(guarded_allocate(section, SIZE));
}

/* Freeing. */

Test(preload_guarded, what_was_freed_stays_inaccessible_within_the_budget_and_no_longer)
{
	enum { BUDGET_BLOCKS = 8 }; /* of two pages each */
	char *section, *blocks[BUDGET_BLOCKS + 1];

	start("guard-quarantine=64K");
	section = guarded_create(1 << 16);
	for (int i = 0; i <= BUDGET_BLOCKS; i++)
		blocks[i] = guarded_allocate(section, SIZE);
	for (int i = 0; i < BUDGET_BLOCKS; i++)
		guarded_free(section, blocks[i]);
	for (int i = 0; i < 100; i++)
		cr_assert_gt((char *)guarded_allocate(section, SIZE), blocks[BUDGET_BLOCKS]);
	cr_expect_not(is_accessible(blocks[0]));
	guarded_free(section, blocks[BUDGET_BLOCKS]);
	cr_expect_eq(guarded_allocate(section, SIZE), blocks[0], "the oldest one's pages");
	cr_expect_not(is_accessible(blocks[1]));
}

static int mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int lines = 0, c;

	cr_assert_not_null(maps);
	while ((c = getc(maps)) != EOF)
		lines += c == '\n';
	fclose(maps);
	return lines;
}

static void churn(const char *section)
{
	for (int i = 0; i < ROUNDS; i++) {
		guarded_free(section, guarded_allocate(section, SIZE));
		guarded_free_heap(FAMILY_LSA_HEAP, guarded_allocate_heap(FAMILY_LSA_HEAP, SIZE));
	}
}

Test(preload_guarded, what_was_freed_costs_no_mappings)
{
	const char *section;
	int before;

	start("guard-families=lsa-heap");
	section = guarded_create(ROOM);
	before = mappings();
	churn(section);
	cr_expect_leq(mappings(), before + 2);
	cr_assert(guarded_delete(section));
	cr_expect_leq(mappings(), before);
}

Test(preload_guarded, sections_that_come_and_go_leave_nothing_behind)
{
	int before = 0;

	start("guard-quarantine=1M");
	for (int i = 0; i < ROUNDS; i++) {
		char *section = guarded_create(1 << 20);

		cr_assert_not_null(section, "after %d", i);
		cr_assert_not_null(guarded_allocate(section, SIZE));
		cr_assert(guarded_delete(section));
		if (i == 0)
			before = mappings();
	}
	cr_expect_leq(mappings(), before + 2);
}

/* Classifying an access. */

Test(preload_guarded, an_access_is_named_after_what_lies_there)
{
	char *section, *block, *other;
	int elsewhere;

	start("");
	section = guarded_create(ROOM);
	cr_expect_eq(kind_at(section), TRACE_KIND_OVERFLOW);
	cr_expect_eq(block_at(section), 0u);
	block = guarded_allocate(section, SIZE);
	other = guarded_allocate(section, SIZE);
	cr_expect_eq(kind_at(block), TRACE_KIND_NONE);
	cr_expect_eq(kind_at(&elsewhere), TRACE_KIND_NONE);
	cr_expect_eq(kind_at(NULL), TRACE_KIND_NONE);
	cr_expect_eq(kind_at(block + 32), TRACE_KIND_OVERFLOW);
	cr_expect_eq(block_at(block + 32), (uint64_t)(uintptr_t)block);
	guarded_free(section, block);
	cr_expect_eq(kind_at(block + 4), TRACE_KIND_USE_AFTER_FREE);
	cr_expect(guarded_delete(section));
	cr_expect_eq(kind_at(block + 4), TRACE_KIND_USE_AFTER_FREE);
	cr_expect_eq(kind_at(other + 4), TRACE_KIND_USE_AFTER_DELETE);
	cr_expect_eq(kind_at(section), TRACE_KIND_USE_AFTER_DELETE);
}

Test(preload_guarded, the_page_between_two_blocks_is_the_nearer_ones)
{
	char *section, *one, *other;

	start("");
	section = guarded_create(ROOM);
	one = guarded_allocate(section, REGION_PAGE / 2);
	other = guarded_allocate(section, REGION_PAGE / 2);
	cr_expect_eq(block_at(one + REGION_PAGE), (uint64_t)(uintptr_t)one);
	cr_expect_eq(kind_at(one + REGION_PAGE), TRACE_KIND_OVERFLOW);
	guarded_free(section, one);
	cr_expect_eq(kind_at(one + REGION_PAGE), TRACE_KIND_USE_AFTER_FREE);
	guarded_free(section, other);
}

Test(preload_guarded, an_access_before_a_block_that_begins_after_its_guard_is_an_underflow)
{
	char *section, *one, *other;

	start("guard-side=before");
	section = guarded_create(2 * ROOM);
	one = guarded_allocate(section, REGION_PAGE);
	other = guarded_allocate(section, SIZE);
	cr_expect_eq(kind_at(other - 1), TRACE_KIND_UNDERFLOW);
	cr_expect_eq(block_at(other - 1), (uint64_t)(uintptr_t)other);
	cr_expect_eq(kind_at(one + REGION_PAGE), TRACE_KIND_OVERFLOW, "from the one below it");
	cr_expect_eq(block_at(one + REGION_PAGE), (uint64_t)(uintptr_t)one);
}

/* More blocks than there are mappings for. */

Test(preload_guarded, a_block_is_guarded_where_unguarded_ones_were)
{
	enum { MOST = 40000, SPARE = 20 };
	char *section, *other, *spare[SPARE], **blocks = malloc(MOST * sizeof(*blocks));
	uint64_t guarded = 0;

	start("guard-quarantine=4K");
	section = guarded_create(MOST * 32);
	other = guarded_create(ROOM);
	for (int i = 0; i < SPARE; i++)
		spare[i] = guarded_allocate(other, SIZE);
	for (int i = 0; i < MOST; i++) {
		cr_assert_not_null(blocks[i] = guarded_allocate(section, SIZE));
		guarded += trace_header->unguarded == 0;
	}
	cr_assert_lt(guarded, (uint64_t)MOST);
	for (uint64_t i = guarded; i < MOST; i++)
		guarded_free(section, blocks[i]);
	for (int i = 0; i < SPARE; i++)
		guarded_free(other, spare[i]);
	for (int i = 0; i < SPARE; i++) {
		char *block = guarded_allocate(section, SIZE);

		cr_assert_not_null(block);
		cr_assert(is_filled(block, SIZE, 0));
		cr_assert_not(is_accessible(block + 32), "block %d", i);
	}
	free(blocks);
}

/* The functions behind the shims. */

static int host_calls;

static void SECPKG_CALL host_free(PVOID memory)
{
	(void)memory;
	host_calls++;
}

static void SECPKG_CALL host_free_in_section(PVOID section, PVOID memory)
{
	(void)section;
	(void)memory;
	host_calls++;
}

static PVOID SECPKG_CALL host_create(ULONG max_size, ULONG initial_size)
{
	(void)max_size;
	(void)initial_size;
	return &host_calls;
}

static PVOID SECPKG_CALL host_allocate(PVOID section, ULONG size)
{
	(void)size;
	return section;
}

static void start_functions(void)
{
	preload_init("allocator=guard");
	cr_assert(modules_init() && lanes_init(&unwind_lane_history) && ledger_init() &&
		  tree_init() && cfi_init());
	preload_start_anew(1 << 20);
}

Test(preload_guarded, a_host_never_gets_a_guarded_block_to_free)
{
	LSA_CREATE_SHARED_MEMORY *create;
	LSA_ALLOCATE_SHARED_MEMORY *allocate;
	LSA_FREE_SHARED_MEMORY *release;
	LSA_FREE_LSA_HEAP *release_lsa;
	PVOID section, block;

	start_functions();
	create = guardpage_function(SLOT_CreateSharedMemory, CONVENTION, (void *)host_create);
	allocate = guardpage_function(SLOT_AllocateSharedMemory, CONVENTION, (void *)host_allocate);
	release =
		guardpage_function(SLOT_FreeSharedMemory, CONVENTION, (void *)host_free_in_section);
	release_lsa = guardpage_function(SLOT_FreeLsaHeap, CONVENTION, (void *)host_free);
	section = create(ROOM, ROOM);
	block = allocate(section, SIZE);
	cr_assert(guarded_owns(section) && guarded_owns(block));
	release(&host_calls, block);
	release_lsa(block);
	cr_expect_eq(host_calls, 0);
	cr_expect(is_accessible(block));
	release(section, block);
	cr_expect_not(is_accessible(block));
}

Test(preload_guarded, what_is_not_the_guards_goes_to_the_host)
{
	LSA_CREATE_SHARED_MEMORY *create;
	LSA_ALLOCATE_SHARED_MEMORY *allocate;
	LSA_FREE_LSA_HEAP *release_lsa;

	start_functions();
	create = guardpage_function(SLOT_CreateSharedMemory, CONVENTION, (void *)host_create);
	allocate = guardpage_function(SLOT_AllocateSharedMemory, CONVENTION, (void *)host_allocate);
	release_lsa = guardpage_function(SLOT_FreeLsaHeap, CONVENTION, (void *)host_free);
	cr_expect_eq(create(0, 0), (PVOID)&host_calls);
	cr_expect_eq(allocate(&host_calls, SIZE), (PVOID)&host_calls);
	release_lsa(&host_calls);
	cr_expect_eq(host_calls, 1);
}

Test(preload_guarded, a_slot_has_one_host_and_families_that_are_not_named_stay_its_own)
{
	void *ours;

	start_functions();
	ours = guardpage_function(SLOT_FreeLsaHeap, CONVENTION, (void *)host_free);
	cr_expect_neq(ours, (void *)host_free);
	cr_expect_eq(guardpage_function(SLOT_FreeLsaHeap, CONVENTION, (void *)host_free), ours);
	cr_expect_eq(guardpage_function(SLOT_FreeLsaHeap, CONVENTION, ours), ours);
	cr_expect_eq(guardpage_function(SLOT_FreeLsaHeap, CONVENTION, (void *)host_create),
		     (void *)host_create);
	cr_expect_eq(guardpage_function(SLOT_AllocateLsaHeap, CONVENTION, (void *)host_allocate),
		     (void *)host_allocate);
	cr_expect_eq(guardpage_function(SLOT_AllocateClientBuffer, CONVENTION, (void *)host_allocate),
		     (void *)host_allocate);
}

/* Copies. */

Test(preload_guarded, what_points_into_a_block_that_has_a_copy_has_its_place_there)
{
	char copy[SIZE], *block;
	uint64_t size;

	start(HEAPS);
	block = guarded_allocate_heap(FAMILY_LSA_HEAP, SIZE);
	cr_assert(guarded_is_block(FAMILY_LSA_HEAP, block, &size));
	cr_expect_eq(size, (uint64_t)SIZE);
	cr_expect_not(guarded_is_block(FAMILY_PRIVATE_HEAP, block, &size));
	cr_expect_not(guarded_is_block(FAMILY_LSA_HEAP, block + 16, &size));
	cr_expect_null(guarded_copy_of(block));
	guarded_note_copy(block, copy);
	cr_expect_eq(guarded_copy_of(block), copy);
	cr_expect_eq(guarded_copy_of(block + SIZE), copy + SIZE);
	cr_expect_null(guarded_copy_of(block + SIZE + 1));
	guarded_free_heap(FAMILY_LSA_HEAP, block);
	cr_expect_eq(guarded_copy_of(block + 3), copy + 3);
}

/* Threads. */

static void *shared_section;

static void *work(void *number)
{
	char *blocks[64] = { 0 };
	int value = (int)(uintptr_t)number + 1;

	for (int i = 0; i < ROUNDS; i++) {
		char **block = &blocks[i * 31 % 64];

		if (*block) {
			cr_assert(is_filled(*block, SIZE, value));
			guarded_free(shared_section, *block);
		}
		*block = guarded_allocate(shared_section, SIZE);
		cr_assert_not_null(*block);
		memset(*block, value, SIZE);
	}
	return NULL;
}

Test(preload_guarded, threads_have_blocks_of_their_own)
{
	start("guard-quarantine=64K");
	shared_section = guarded_create(THREADS * 64 * 32);
	preload_run_threads(THREADS, work);
	cr_expect(guarded_delete(shared_section));
}
