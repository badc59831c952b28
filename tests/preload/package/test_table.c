/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "include/secpkg.h"
#include "preload/call/shims.h"
#include "preload/file/trace.h"
#include "preload/package/packages.h"
#include "preload/package/table.h"
#include "preload/package/wrapped.h"
#include "preload/sharedmem/functions.h"
#include "tests/support/preload_fixture.h"

#define SLOT_INDEX(table, name, family, role, shim) \
	offsetof(SLOT_TABLE_##table, name) / sizeof(void *),

#define SLOT_IS_LSA(table, name, family, role, shim) sizeof(SLOT_TABLE_##table) > DLL_BYTES,

enum {
	DLL_BYTES = sizeof(SECPKG_DLL_FUNCTIONS),
	SLOTS = sizeof(LSA_SECPKG_NEWEST_TABLE) / sizeof(void *),
	DISPATCH_SLOTS = LSA_DISPATCH_SLOT_COUNT,
	DLL_SLOTS = DLL_BYTES / sizeof(void *),
	UNLOAD = offsetof(LSA_SECPKG_FUNCTION_TABLE, UnloadPackage) / sizeof(void *),
	PACKAGE = 5,
};

static const size_t traced[] = { TRACED_SLOTS(SLOT_INDEX) };
static const bool is_of_lsa[] = { TRACED_SLOTS(SLOT_IS_LSA) };

/* Tables get the host's functions only. The suite `provided` tests lsatrace's own. */
static void start(void)
{
	preload_init("allocator=host");
}

TestSuite(table, .init = start);

/* Returns the number that a slot of the LSA's table has among the traced ones; -1: it is not
 * traced. */
static int traced_at(size_t index)
{
	for (int slot = 0; slot < SLOT_COUNT; slot++)
		if (is_of_lsa[slot] && traced[slot] == index)
			return slot;
	return -1;
}

/* For a package whose number and index are the same. */
static void **substitute(const void *table, enum table_kind kind, uint32_t package)
{
	return table_substitute(table, kind, kind, CONVENTION_SYSV, package, package);
}

/* Returns what a table is taken for, without a doubt. */
static enum table_kind kind_of(void **table, enum table_kind handed)
{
	unsigned doubt;
	enum table_kind kind = table_kind_of(table, handed, &doubt);

	cr_expect_eq(doubt, 0u);
	return kind;
}

/* Returns an address in the code of this test, another one for each slot. It is never called. */
static void *code(size_t index)
{
	return (void *)((uintptr_t)&traced_at + index);
}

static void fill(void **table, size_t slots)
{
	for (size_t i = 0; i < slots; i++)
		table[i] = code(i);
}

/* Makes a table of `slots` slots that ends where a page ends. The next page cannot be accessed. */
static void **table_at_the_end_of_a_page(size_t slots)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(at, MAP_FAILED);
	cr_assert_eq(mprotect(at + page, page, PROT_NONE), 0);
	fill((void **)(at + page) - slots, slots);
	return (void **)(at + page) - slots;
}

/* Does a slot hold the wrapper of UnloadPackage of some package, and is the host's function behind it? */
static bool is_wrapped(const void *slot)
{
	for (uint32_t number = 0; number < WRAPPED_PACKAGES; number++)
		if (slot == wrappers_at(CONVENTION_SYSV, WRAPPED_UnloadPackage, number))
			return originals_of_wrappers[number][WRAPPED_UnloadPackage] == code(UNLOAD);
	return false;
}

/* Each traced slot below `slots` holds the package's shim, that of UnloadPackage a wrapper if it is a
 * full table; all others below `mapped` are as the host has them. */
static void expect_hooked(void **table, size_t slots, size_t mapped, uint32_t package)
{
	for (size_t i = 0; i < TABLE_SLOTS; i++) {
		int slot = traced_at(i);

		if (slot >= 0 && i < slots && i < mapped) {
			cr_expect_eq(table[i], shims_at(CONVENTION_SYSV, slot, package), "slot %zu",
				     i);
			cr_expect_eq(originals_of_shims[package][slot], code(i), "slot %zu", i);
		} else if (i == UNLOAD && slots == SLOTS && i < mapped) {
			cr_expect(is_wrapped(table[i]));
		} else {
			cr_expect_eq(table[i], i < mapped ? code(i) : NULL, "slot %zu", i);
		}
	}
}

Test(table, traced_slots_are_shims_and_all_others_the_hosts)
{
	void *host[TABLE_SLOTS], **ours;

	fill(host, TABLE_SLOTS);
	ours = substitute(host, TABLE_FULL, PACKAGE);
	cr_assert_neq(ours, host);
	expect_hooked(ours, SLOTS, TABLE_SLOTS, PACKAGE);
}

Test(table, the_hosts_own_table_is_only_read)
{
	void **host = table_at_the_end_of_a_page(SLOTS);

	mprotect((void *)((uintptr_t)host & ~4095ull), 4096, PROT_READ);
	expect_hooked(substitute(host, TABLE_FULL, PACKAGE), SLOTS, SLOTS, PACKAGE);
	for (size_t i = 0; i < SLOTS; i++)
		cr_assert_eq(host[i], code(i));
}

Test(table, a_short_table_before_an_unmapped_page_is_copied_as_far_as_it_goes)
{
	static const size_t lengths[] = { 1, DISPATCH_SLOTS, 30, 41, SLOTS };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		void **host = table_at_the_end_of_a_page(lengths[i]);

		expect_hooked(substitute(host, TABLE_FULL, PACKAGE), SLOTS, lengths[i], PACKAGE);
	}
}

Test(table, only_the_slots_that_a_table_has_are_traced)
{
	void *host[TABLE_SLOTS];

	fill(host, TABLE_SLOTS);
	expect_hooked(substitute(host, TABLE_DISPATCH, PACKAGE), DISPATCH_SLOTS, TABLE_SLOTS,
		      PACKAGE);
}

/* Hosts hand over the full table in place of a dispatch table, and packages rely on it. */
Test(table, a_full_table_is_known_by_what_lies_behind_the_dispatch_table)
{
	void **host = table_at_the_end_of_a_page(traced[SLOT_DeleteSharedMemory] + 1);

	cr_expect_eq(kind_of(host, TABLE_DISPATCH), TABLE_FULL);
	for (int slot = SLOT_CreateSharedMemory; slot <= SLOT_DeleteSharedMemory; slot++)
		host[traced[slot]] = NULL;
	cr_expect_eq(kind_of(host, TABLE_DISPATCH), TABLE_FULL, "the host has no shared memory");
	cr_expect_eq(kind_of(host, TABLE_DLL), TABLE_DLL);
	for (size_t i = DISPATCH_SLOTS; i <= traced[SLOT_DeleteSharedMemory]; i++)
		host[i] = NULL;
	cr_expect_eq(kind_of(host, TABLE_DISPATCH), TABLE_DISPATCH, "nothing lies behind");
	cr_expect_eq(kind_of(table_at_the_end_of_a_page(DISPATCH_SLOTS + 5), TABLE_DISPATCH),
		     TABLE_DISPATCH, "nothing that is traced lies behind");
}

Test(table, functions_behind_a_dispatch_table_that_are_not_traced_are_a_doubt)
{
	void **host = table_at_the_end_of_a_page(SLOTS);
	unsigned doubt;

	host[DISPATCH_SLOTS + 2] = host;
	cr_expect_eq(table_kind_of(host, TABLE_DISPATCH, &doubt), TABLE_DISPATCH);
	cr_expect_eq(doubt, DISPATCH_SLOTS + 2u);
	cr_expect_eq(table_kind_of(host, TABLE_FULL, &doubt), TABLE_FULL);
	cr_expect_eq(doubt, 0u);
}

/* Packages copy a table as long as the longest one that they know, wherever it ends. */
Test(table, a_copy_may_be_read_beyond_the_longest_table)
{
	cr_assert_geq((size_t)TABLE_SLOTS, 512 / sizeof(void *));
}

Test(table, a_slot_of_null_stays_null)
{
	void *host[TABLE_SLOTS] = { 0 }, **ours;

	ours = substitute(host, TABLE_FULL, PACKAGE);
	for (size_t i = 0; i < TABLE_SLOTS; i++)
		cr_assert_null(ours[i]);
}

/* What lies behind a short table may be anything. */
Test(table, what_is_no_code_stays_as_it_is)
{
	void *host[TABLE_SLOTS], **ours;

	for (size_t i = 0; i < TABLE_SLOTS; i++)
		host[i] = i % 2 ? (void *)host : (void *)(i + 1);
	ours = substitute(host, TABLE_FULL, PACKAGE);
	cr_assert_eq(memcmp(ours, host, sizeof(host)), 0);
}

Test(table, each_package_has_its_own)
{
	void *host[TABLE_SLOTS];

	fill(host, TABLE_SLOTS);
	for (uint32_t package = 0; package < TRACE_PACKAGES; package++)
		substitute(host, TABLE_FULL, package);
	for (uint32_t package = 0; package < TRACE_PACKAGES; package++)
		expect_hooked(substitute(host, TABLE_FULL, package), SLOTS, TABLE_SLOTS, package);
}

Test(table, no_two_shims_are_one)
{
	const int32_t *all = &shims_sysv[0][0];

	for (size_t i = 0; i < SLOT_COUNT * TRACE_PACKAGES; i++)
		for (size_t earlier = 0; earlier < i; earlier++)
			cr_assert_neq(all[i], all[earlier]);
}

Test(table, a_package_that_is_initialised_again_finds_its_copy_where_it_was)
{
	void *host[TABLE_SLOTS], *other[TABLE_SLOTS], **ours;
	size_t create = traced[SLOT_CreateSharedMemory];

	fill(host, TABLE_SLOTS);
	fill(other, TABLE_SLOTS);
	other[create] = code(1000);
	ours = substitute(host, TABLE_FULL, PACKAGE);
	cr_assert_eq(substitute(other, TABLE_FULL, PACKAGE), ours);
	cr_assert_eq(ours[create], shims_at(CONVENTION_SYSV, SLOT_CreateSharedMemory, PACKAGE));
	cr_assert_eq(originals_of_shims[PACKAGE][SLOT_CreateSharedMemory], code(1000));
}

/* InitializePackage gets the short table, Initialize the long one, and either may come last. */
Test(table, a_short_table_that_comes_later_leaves_the_long_one_whole)
{
	void **host = table_at_the_end_of_a_page(SLOTS);
	void **dispatch = table_at_the_end_of_a_page(DISPATCH_SLOTS), **ours;

	ours = substitute(host, TABLE_FULL, PACKAGE);
	substitute(dispatch, TABLE_DISPATCH, PACKAGE);
	expect_hooked(ours, SLOTS, SLOTS, PACKAGE);
}

/* A package passes its table on to another one. Each call is traced once, as the second one's. */
Test(table, a_package_that_is_handed_anothers_table_calls_the_host)
{
	void *host[TABLE_SLOTS], **first;

	fill(host, TABLE_SLOTS);
	first = substitute(host, TABLE_FULL, PACKAGE);
	expect_hooked(substitute(first, TABLE_FULL, PACKAGE + 1), SLOTS, TABLE_SLOTS, PACKAGE + 1);
}

Test(table, a_package_that_is_handed_its_own_table_calls_the_host)
{
	void *host[TABLE_SLOTS], **first;

	fill(host, TABLE_SLOTS);
	first = substitute(host, TABLE_FULL, PACKAGE);
	expect_hooked(substitute(first, TABLE_FULL, PACKAGE), SLOTS, TABLE_SLOTS, PACKAGE);
}

Test(table, a_clients_table_has_slots_of_its_own)
{
	void **host = table_at_the_end_of_a_page(DLL_SLOTS), **ours;

	ours = substitute(host, TABLE_DLL, PACKAGE);
	for (size_t i = 0; i < TABLE_SLOTS; i++) {
		const void *expected = i < DLL_SLOTS ? host[i] : NULL;

		if (i == traced[SLOT_AllocateHeap])
			expected = shims_at(CONVENTION_SYSV, SLOT_AllocateHeap, PACKAGE);
		else if (i == traced[SLOT_FreeHeap])
			expected = shims_at(CONVENTION_SYSV, SLOT_FreeHeap, PACKAGE);
		cr_expect_eq(ours[i], expected, "slot %zu", i);
	}
	cr_expect_eq(originals_of_shims[PACKAGE][SLOT_FreeHeap], host[1]);
}

Test(table, packages_that_share_an_index_share_its_shims_where_their_host_has_one_function)
{
	void *host[TABLE_SLOTS], *other[TABLE_SLOTS], **ours;
	size_t create = traced[SLOT_CreateSharedMemory];

	preload_start(1 << 20);
	fill(host, TABLE_SLOTS);
	fill(other, TABLE_SLOTS);
	other[create] = code(1000);
	cr_assert_neq(table_substitute(host, TABLE_FULL, TABLE_FULL, CONVENTION_SYSV, 70,
				       TRACE_PACKAGE_OTHER),
		      table_substitute(host, TABLE_FULL, TABLE_FULL, CONVENTION_SYSV, 71,
				       TRACE_PACKAGE_OTHER));
	ours = table_substitute(other, TABLE_FULL, TABLE_FULL, CONVENTION_SYSV, 72,
				TRACE_PACKAGE_OTHER);
	cr_assert_eq(ours[create], code(1000));
	cr_assert_eq(originals_of_shims[TRACE_PACKAGE_OTHER][SLOT_CreateSharedMemory], code(create));
	cr_assert_eq(trace_header->lost[TRACE_LOST_PACKAGES], 1);
	other[create] = code(create);
	ours = table_substitute(other, TABLE_FULL, TABLE_FULL, CONVENTION_SYSV, 72,
				TRACE_PACKAGE_OTHER);
	expect_hooked(ours, SLOTS, TABLE_SLOTS, TRACE_PACKAGE_OTHER);
	cr_assert_eq(trace_header->lost[TRACE_LOST_PACKAGES], 1);
}

#define SLOT_FAMILY(table, name, family, role, shim) FAMILY_##family,

Test(table, families_that_are_not_wanted_are_not_touched)
{
	static const enum family family[] = { TRACED_SLOTS(SLOT_FAMILY) };
	void *host[TABLE_SLOTS], **ours;

	preload_init("allocator=host:families=lsa-heap,client-buffer");
	fill(host, TABLE_SLOTS);
	ours = substitute(host, TABLE_FULL, PACKAGE);
	for (int slot = 0; slot < SLOT_COUNT; slot++) {
		bool wanted =
			family[slot] == FAMILY_LSA_HEAP || family[slot] == FAMILY_CLIENT_BUFFER;

		if (!is_of_lsa[slot])
			continue;
		cr_expect_eq(ours[traced[slot]],
			     wanted ? shims_at(CONVENTION_SYSV, slot, PACKAGE) : code(traced[slot]),
			     "slot %d", slot);
	}
}

/* lsatrace's own functions in place of the host's. */

#define OURS_BY_SLOT (sharedmem_functions[CONVENTION_SYSV])

static void start_provided(void)
{
	preload_init("");
}

TestSuite(provided, .init = start_provided);

static bool is_shared_memory(int slot)
{
	return slot <= SLOT_DeleteSharedMemory;
}

/* Each slot of shared memory holds a shim for lsatrace's own function; all others are as usual. */
static void expect_provided(void **table)
{
	for (size_t i = 0; i < TABLE_SLOTS; i++) {
		int slot = traced_at(i);

		if (slot < 0) {
			cr_expect(i == UNLOAD ? is_wrapped(table[i])
					      : table[i] == (i < SLOTS ? code(i) : NULL));
			continue;
		}
		cr_expect_eq(table[i], shims_at(CONVENTION_SYSV, slot, PACKAGE));
		cr_expect_eq(originals_of_shims[PACKAGE][slot],
			     is_shared_memory(slot) ? OURS_BY_SLOT[slot] : code(i));
	}
}

Test(provided, a_family_that_lacks_any_function_is_ours_as_a_whole)
{
	for (int slot = SLOT_CreateSharedMemory; slot <= SLOT_DeleteSharedMemory; slot++) {
		void *host[TABLE_SLOTS] = { 0 };

		fill(host, SLOTS);
		host[traced[slot]] = NULL;
		expect_provided(substitute(host, TABLE_FULL, PACKAGE));
	}
}

Test(provided, a_family_that_is_whole_stays_the_hosts)
{
	void *host[TABLE_SLOTS];

	fill(host, TABLE_SLOTS);
	expect_hooked(substitute(host, TABLE_FULL, PACKAGE), SLOTS, TABLE_SLOTS, PACKAGE);
}

Test(provided, a_family_that_is_whole_is_ours_at_the_users_wish)
{
	void *host[TABLE_SLOTS] = { 0 };

	preload_init("allocator=embedded");
	fill(host, SLOTS);
	expect_provided(substitute(host, TABLE_FULL, PACKAGE));
}

Test(provided, what_lies_behind_a_dispatch_table_is_none_of_its_slots)
{
	void *host[TABLE_SLOTS] = { 0 }, **ours;

	preload_init("allocator=embedded");
	fill(host, DISPATCH_SLOTS);
	ours = substitute(host, TABLE_DISPATCH, PACKAGE);
	expect_hooked(ours, DISPATCH_SLOTS, DISPATCH_SLOTS, PACKAGE);
	cr_expect_not(table_stands_for_null(TABLE_DISPATCH));
}

Test(provided, other_slots_of_null_stay_null)
{
	void *host[TABLE_SLOTS] = { 0 }, **ours = substitute(host, TABLE_FULL, PACKAGE);

	for (size_t i = 0; i < TABLE_SLOTS; i++) {
		int slot = traced_at(i);

		cr_expect_eq(ours[i], slot >= 0 && is_shared_memory(slot)
					      ? shims_at(CONVENTION_SYSV, slot, PACKAGE)
					      : NULL);
	}
}

Test(provided, a_table_for_none_has_shared_memory_and_heaps)
{
	void **ours = substitute(NULL, TABLE_FULL, PACKAGE);

	cr_assert(table_stands_for_null(TABLE_FULL));
	cr_assert_not_null(ours);
	for (size_t i = 0; i < TABLE_SLOTS; i++) {
		int slot = traced_at(i);
		bool is_ours = slot >= 0 && OURS_BY_SLOT[slot];

		cr_expect_eq(ours[i], is_ours ? shims_at(CONVENTION_SYSV, slot, PACKAGE) : NULL,
			     "slot %zu", i);
	}
	cr_expect_not_null(ours[traced[SLOT_AllocateLsaHeap]]);
	cr_expect_not_null(ours[traced[SLOT_FreeReturnBuffer]]);
	cr_expect_null(ours[traced[SLOT_AllocateClientBuffer]]);
}

/* The host frees what the package returns with the functions of the table that it has given. */
Test(provided, a_table_for_none_has_the_heap_of_the_dispatch_table)
{
	void **dispatch = table_at_the_end_of_a_page(DISPATCH_SLOTS), **ours;
	size_t allocate = traced[SLOT_AllocateLsaHeap];

	substitute(dispatch, TABLE_DISPATCH, PACKAGE);
	ours = substitute(NULL, TABLE_FULL, PACKAGE);
	cr_expect_eq(ours[allocate], shims_at(CONVENTION_SYSV, SLOT_AllocateLsaHeap, PACKAGE));
	cr_expect_eq(originals_of_shims[PACKAGE][SLOT_AllocateLsaHeap], code(allocate));
	cr_expect_eq(originals_of_shims[PACKAGE][SLOT_AllocatePrivateHeap],
		     OURS_BY_SLOT[SLOT_AllocatePrivateHeap]);
	table_forget(PACKAGE);
	substitute(NULL, TABLE_FULL, PACKAGE);
	cr_expect_eq(originals_of_shims[PACKAGE][SLOT_AllocateLsaHeap],
		     OURS_BY_SLOT[SLOT_AllocateLsaHeap]);
}

/* A package that has a table expects that the heaps work, whether they are traced or not. */
Test(provided, an_implementation_without_heaps_gets_those_of_sharedmem)
{
	void *functions[SLOT_COUNT] = { [SLOT_CreateSharedMemory] = code(1) };

	cr_assert_eq(table_functions_of(functions, CONVENTION_SYSV, FAMILY_SHARED_MEMORY),
		     functions);
	cr_assert_eq(table_functions_of(functions, CONVENTION_SYSV, FAMILY_LSA_HEAP),
		     sharedmem_functions[CONVENTION_SYSV]);
	functions[SLOT_AllocatePrivateHeap] = code(2);
	cr_assert_eq(table_functions_of(functions, CONVENTION_SYSV, FAMILY_PRIVATE_HEAP), functions);
}

Test(provided, heaps_that_are_not_traced_are_there_all_the_same)
{
	void **ours;

	preload_init("families=shared-memory");
	ours = substitute(NULL, TABLE_FULL, PACKAGE);
	cr_expect_eq(ours[traced[SLOT_AllocateLsaHeap]], OURS_BY_SLOT[SLOT_AllocateLsaHeap]);
	cr_expect_eq(ours[traced[SLOT_CreateSharedMemory]],
		     shims_at(CONVENTION_SYSV, SLOT_CreateSharedMemory, PACKAGE));
}

Test(provided, nothing_is_provided_that_is_not_wanted)
{
	void *host[TABLE_SLOTS] = { 0 }, **ours;

	preload_init("families=lsa-heap");
	cr_expect_not(table_stands_for_null(TABLE_FULL));
	ours = substitute(host, TABLE_FULL, PACKAGE);
	for (size_t i = 0; i < TABLE_SLOTS; i++)
		cr_expect_null(ours[i]);
	preload_init("allocator=host");
	cr_expect_not(table_stands_for_null(TABLE_FULL));
}
