/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "include/secpkg.h"
#include "preload/call/shims.h"
#include "preload/file/trace.h"
#include "preload/package/inplace.h"
#include "preload/package/packages.h"
#include "preload/package/table.h"
#include "tests/support/preload_fixture.h"

static void start(void)
{
	preload_start(4 << 20);
}

TestSuite(inplace, .init = start);

/* Functions of the host lie outside of the module that holds the shims, which here is the test. */
#define COUNT_LSA 1
#define COUNT_NEWEST 0
#define COUNT_DLL 0
#define COUNT_SLOT(table, ...) +COUNT_##table

enum {
	LSA_SLOTS = TRACED_SLOTS(COUNT_SLOT),
	NEWEST_SLOTS = SLOT_COUNT - 2, /* the other two are of SECPKG_DLL_FUNCTIONS */
};

#define HOST_FUNCTION ((void *)getpid)
#define OTHER_FUNCTION ((void *)getppid)

static void fill(LSA_SECPKG_FUNCTION_TABLE *table, void *function)
{
	void **slots = (void **)table;

	for (size_t i = 0; i < LSA_SECPKG_SLOT_COUNT; i++)
		slots[i] = function;
}

static unsigned count_shims_in(void *const *slots, size_t count, uint32_t package)
{
	unsigned shims_in = 0;

	for (size_t i = 0; i < count; i++)
		for (int slot = 0; slot < SLOT_COUNT; slot++)
			shims_in += slots[i] == shims_at(CONVENTION_SYSV, slot, package);
	return shims_in;
}

static unsigned count_shims(const LSA_SECPKG_FUNCTION_TABLE *table, uint32_t package)
{
	return count_shims_in((void *const *)table, LSA_SECPKG_SLOT_COUNT, package);
}

static void hook(LSA_SECPKG_FUNCTION_TABLE *table)
{
	inplace_hook((void **)table, LSA_SECPKG_SLOT_COUNT, CONVENTION_SYSV, "table");
}

static void hook_anew(LSA_SECPKG_FUNCTION_TABLE *table)
{
	inplace_hook_anew((void **)table, LSA_SECPKG_SLOT_COUNT, CONVENTION_SYSV, "table");
}

/* No slot behind the length that a table is said to have is touched. */
Test(inplace, a_newer_table_has_more_slots_if_it_is_said_to_be_so_long)
{
	enum { SLOTS = sizeof(LSA_SECPKG_NEWEST_TABLE) / sizeof(void *) };
	static void *table[SLOTS], *shorter[SLOTS];

	for (size_t i = 0; i < SLOTS; i++)
		table[i] = shorter[i] = HOST_FUNCTION;
	inplace_hook(table, SLOTS, CONVENTION_SYSV, "table");
	inplace_hook(shorter, LSA_SECPKG_SLOT_COUNT, CONVENTION_SYSV, "shorter");
	cr_expect_eq(count_shims_in(table, SLOTS, 0), (unsigned)NEWEST_SLOTS);
	cr_expect_eq(count_shims_in(shorter, SLOTS, 1), (unsigned)LSA_SLOTS);
}

Test(inplace, every_slot_that_is_traced_gets_its_shim)
{
	static LSA_SECPKG_FUNCTION_TABLE table;

	fill(&table, HOST_FUNCTION);
	hook(&table);
	cr_assert_eq(count_shims(&table, 0), (unsigned)LSA_SLOTS);
	cr_assert_eq((void *)table.AllocateLsaHeap,
		     shims_at(CONVENTION_SYSV, SLOT_AllocateLsaHeap, 0));
	cr_assert_eq(originals_of_shims[0][SLOT_AllocateLsaHeap], HOST_FUNCTION);
	cr_assert_eq((void *)table.CreateThread, HOST_FUNCTION);
}

Test(inplace, a_table_that_ends_sooner_is_not_written_beyond)
{
	static LSA_SECPKG_FUNCTION_TABLE table;

	fill(&table, HOST_FUNCTION);
	inplace_hook((void **)&table, LSA_DISPATCH_SLOT_COUNT, CONVENTION_SYSV, "table");
	cr_assert_eq((void *)table.AllocateLsaHeap,
		     shims_at(CONVENTION_SYSV, SLOT_AllocateLsaHeap, 0));
	cr_assert_eq((void *)table.CreateSharedMemory, HOST_FUNCTION);
	cr_assert_eq((void *)table.CallPackage, HOST_FUNCTION);
	hook(&table);
	cr_assert_eq((void *)table.CreateSharedMemory, HOST_FUNCTION);
}

Test(inplace, memory_that_is_read_only_is_so_again)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	LSA_SECPKG_FUNCTION_TABLE *table = (LSA_SECPKG_FUNCTION_TABLE *)(pages + page - 208);

	fill(table, HOST_FUNCTION);
	cr_assert_eq(mprotect(pages, 2 * page, PROT_READ), 0);
	errno = 42;
	hook(table);
	cr_assert_eq(errno, 42);
	cr_assert_eq(count_shims(table, 0), (unsigned)LSA_SLOTS);
	errno = 0;
	/* The pages are still read-only: the kernel could write to them otherwise. */
	cr_assert(getcwd(pages, page) == NULL && errno == EFAULT);
	cr_assert(getcwd(pages + page, page) == NULL && errno == EFAULT);
}

Test(inplace, what_lies_where_nothing_can_be_read_is_left_alone)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void **table = (void **)(pages + page - sizeof(LSA_DISPATCH_TABLE));

	cr_assert_eq(mprotect(pages + page, page, PROT_NONE), 0);
	for (size_t i = 0; i < LSA_DISPATCH_SLOT_COUNT; i++)
		table[i] = HOST_FUNCTION;
	inplace_hook(table, LSA_SECPKG_SLOT_COUNT, CONVENTION_SYSV, "table");
	cr_assert_eq(table[5], shims_at(CONVENTION_SYSV, SLOT_AllocateLsaHeap, 0));
	inplace_hook((void **)(pages + page), LSA_SECPKG_SLOT_COUNT, CONVENTION_SYSV, "table");
	inplace_hook(NULL, LSA_SECPKG_SLOT_COUNT, CONVENTION_SYSV, "table");
}

Test(inplace, a_table_is_one_package_however_often_it_is_hooked)
{
	static LSA_SECPKG_FUNCTION_TABLE first, second;

	fill(&first, HOST_FUNCTION);
	fill(&second, HOST_FUNCTION);
	hook(&first);
	hook(&first);
	hook_anew(&first);
	hook(&second);
	cr_assert_eq(count_shims(&first, 0), (unsigned)LSA_SLOTS);
	cr_assert_eq(count_shims(&second, 1), (unsigned)LSA_SLOTS);
}

Test(inplace, slots_that_are_filled_later_get_their_shims_later)
{
	static LSA_SECPKG_FUNCTION_TABLE table;

	hook(&table);
	cr_assert_eq(count_shims(&table, 0), 0u);
	*(void **)&table.AllocateLsaHeap = HOST_FUNCTION;
	hook(&table);
	cr_assert_eq(count_shims(&table, 0), 1u);
	fill(&table, HOST_FUNCTION);
	hook(&table);
	cr_assert_eq(count_shims(&table, 0), (unsigned)LSA_SLOTS);
}

/* It may call the shim that it found there, which would call it. */
Test(inplace, another_function_in_the_place_of_a_shim_is_left_alone)
{
	static LSA_SECPKG_FUNCTION_TABLE table;

	fill(&table, HOST_FUNCTION);
	hook(&table);
	*(void **)&table.AllocateLsaHeap = OTHER_FUNCTION;
	hook(&table);
	cr_assert_eq((void *)table.AllocateLsaHeap, OTHER_FUNCTION);
	cr_assert_eq(originals_of_shims[0][SLOT_AllocateLsaHeap], HOST_FUNCTION);
}

Test(inplace, another_table_in_the_place_of_one_is_another_package)
{
	static LSA_SECPKG_FUNCTION_TABLE table;

	fill(&table, HOST_FUNCTION);
	hook_anew(&table);
	fill(&table, OTHER_FUNCTION);
	hook_anew(&table);
	cr_assert_eq(count_shims(&table, 1), (unsigned)LSA_SLOTS);
	cr_assert_eq(originals_of_shims[0][SLOT_AllocateLsaHeap], HOST_FUNCTION);
	cr_assert_eq(originals_of_shims[1][SLOT_AllocateLsaHeap], OTHER_FUNCTION);
}

/* It is a table that the tracer has handed out, or a copy of one. */
Test(inplace, slots_that_hold_shims_already_are_left_alone)
{
	static LSA_SECPKG_FUNCTION_TABLE table, copy;

	fill(&table, HOST_FUNCTION);
	hook(&table);
	memcpy(&copy, &table, sizeof(copy));
	hook(&copy);
	cr_assert_eq(memcmp(&copy, &table, sizeof(copy)), 0);
}

Test(inplace, too_many_tables_are_counted_and_left_alone)
{
	static LSA_SECPKG_FUNCTION_TABLE table[TRACE_PACKAGE_OTHER + 1];

	for (size_t i = 0; i <= TRACE_PACKAGE_OTHER; i++) {
		fill(&table[i], HOST_FUNCTION);
		hook(&table[i]);
	}
	cr_assert_eq(count_shims(&table[63], 63), (unsigned)LSA_SLOTS);
	cr_assert_eq((void *)table[64].AllocateLsaHeap, HOST_FUNCTION);
	cr_assert_eq(trace_header->lost[TRACE_LOST_PACKAGES], 1u);
}

/* A table that --table names may not be filled yet. A host that hooks its table says that it is. */
Test(inplace, a_filled_table_without_shared_memory_gets_ours)
{
	static LSA_SECPKG_FUNCTION_TABLE first, second;

	fill(&first, HOST_FUNCTION);
	fill(&second, HOST_FUNCTION);
	first.CreateSharedMemory = second.CreateSharedMemory = NULL;
	hook(&first);
	cr_expect_null(first.CreateSharedMemory);
	hook_anew(&second);
	cr_expect_eq((void *)second.CreateSharedMemory,
		     shims_at(CONVENTION_SYSV, SLOT_CreateSharedMemory, 1));
	cr_expect_eq(count_shims(&second, 1), (unsigned)LSA_SLOTS);
}
