/* SPDX-License-Identifier: MIT */
/*
 * What a host gets in place of a library's tables, and the packages in place of the host's. This
 * program plays the library: it builds its tables slot by slot.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "include/secpkg.h"
#include "preload/base/process.h"
#include "preload/call/shims.h"
#include "preload/file/trace.h"
#include "preload/package/lsa_ap.h"
#include "preload/package/lsa_mode.h"
#include "preload/package/packages.h"
#include "preload/package/table.h"
#include "preload/package/wrapped.h"
#include "tests/support/preload_fixture.h"
#include "tests/support/run.h"

enum { TABLES_MOST = 130, LONGEST = SECPKG_PACKAGE_SLOT_COUNT, PAGE = 4096 };

/* What the library returns, with whatever arguments it is called. */
static struct {
	void **tables;
	ULONG count;
	ULONG version;
	NTSTATUS status;
	size_t slots; /* of each table, whatever `version` says */
} library;

static void **memory; /* the end of some pages; behind it lies one that cannot be accessed */
static void *host_table[TABLE_SLOTS];
static void *given[3]; /* the table that each package got */
static ULONG_PTR given_id[3];
static char *folder;

static NTSTATUS library_entry(ULONG version, PULONG package_version, PSECPKG_FUNCTION_TABLE *tables,
			      PULONG count)
{
	cr_expect_eq(version, 7);
	if (package_version)
		*package_version = library.version;
	*tables = (PSECPKG_FUNCTION_TABLE)library.tables;
	*count = library.count;
	errno = 42;
	return library.status;
}

static NTSTATUS outcome; /* what Initialize of the packages returns, if it is an error */

#define INITIALIZE(n) \
	static NTSTATUS initialize_##n(ULONG_PTR id, PSECPKG_PARAMETERS parameters, \
				       PLSA_SECPKG_FUNCTION_TABLE table) \
	{ \
		(void)parameters; \
		given_id[n] = id; \
		given[n] = table; \
		return outcome < 0 ? outcome : 100 + n; \
	}
INITIALIZE(0)
INITIALIZE(1)
INITIALIZE(2)

static SpInitializeFn *const initialize[] = { initialize_0, initialize_1, initialize_2 };

static NTSTATUS get_info(PSecPkgInfoW info)
{
	static WCHAR name[256] = u"pa\u00e9kage \u20ac";

	info->Name = name;
	return STATUS_SUCCESS;
}

static NTSTATUS any_function(void)
{
	return STATUS_SUCCESS;
}

static void init(const char *output)
{
	char options[4200];

	snprintf(options, sizeof(options), "allocator=host:output=%s", output);
	preload_init(options);
}

static void start(void)
{
	char output[4100];
	size_t bytes = (TABLES_MOST * LONGEST * sizeof(void *) / PAGE + 2) * PAGE;

	folder = temporary_folder_new();
	snprintf(output, sizeof(output), "%s/a.trace", folder);
	init(output);
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memory = (void **)((char *)memory + bytes - PAGE);
	mprotect(memory, PAGE, PROT_NONE);
	for (size_t i = 0; i < TABLE_SLOTS; i++)
		host_table[i] = (void *)any_function;
}

static void end(void)
{
	temporary_folder_remove(folder);
}

TestSuite(packages, .init = start, .fini = end);

static void *slot(const void *tables, size_t slots, size_t table, size_t offset)
{
	return *(void **)((char *)tables + table * slots * sizeof(void *) + offset);
}

#define SLOT(tables, table, name) \
	slot(tables, library.slots, table, offsetof(SECPKG_FUNCTION_TABLE, name))

/* Tables of `slots` slots that end where a page does. Each has what every package has, and `extra`
 * in one other slot. */
static void build(ULONG version, size_t slots, ULONG count)
{
	library.tables = memory - slots * count;
	library.count = count;
	library.version = version;
	library.slots = slots;
	for (ULONG i = 0; i < count; i++) {
		SECPKG_FUNCTION_TABLE *table = (SECPKG_FUNCTION_TABLE *)(library.tables + i * slots);

		memset(table, 0, slots * sizeof(void *));
		table->Initialize = initialize[i % 3];
		table->GetInfo = get_info;
		table->Shutdown = any_function;
	}
}

static SpLsaModeInitializeFn entry_for(SpLsaModeInitializeFn real)
{
	return (SpLsaModeInitializeFn)lsa_mode_entry_for((void *)real, LIBRARY_LSA, CONVENTION_SYSV);
}

static SpLsaModeInitializeFn entry(void)
{
	return entry_for(library_entry);
}

/* The tables that the host gets. */
static void *tables_of_host(void)
{
	PSECPKG_FUNCTION_TABLE tables = NULL;
	ULONG version = 0, count = 0;

	cr_assert_eq(entry()(7, &version, &tables, &count), library.status);
	cr_expect_eq(version, library.version);
	cr_expect_eq(count, library.count);
	return tables;
}

static NTSTATUS call_initialize(const void *tables, size_t table)
{
	SpInitializeFn *function = (SpInitializeFn *)SLOT(tables, table, Initialize);

	return function(1000 + table, NULL, (PLSA_SECPKG_FUNCTION_TABLE)host_table);
}

static void assert_left_alone(void)
{
	cr_assert_eq(tables_of_host(), library.tables);
}

/* Initialises each package. Each gets a table of its own, with its own shims. */
static void assert_initialized(const void *tables)
{
	for (size_t i = 0; i < 3; i++) {
		cr_assert_eq(call_initialize(tables, i), 100 + (NTSTATUS)i);
		cr_assert_eq(given_id[i], 1000 + i);
		cr_assert_neq(given[i], host_table);
		cr_assert_eq(((PLSA_SECPKG_FUNCTION_TABLE)given[i])->CreateSharedMemory,
			     shims_at(CONVENTION_SYSV, SLOT_CreateSharedMemory, i));
	}
}

/* The trace counts so many packages as lost. A package is initialised first, so that there is
 * one. */
static void assert_lost(uint64_t expected)
{
	build(SECPKG_INTERFACE_VERSION_8, 38, 1);
	call_initialize(tables_of_host(), 0);
	cr_assert_not_null(trace_header);
	cr_assert_eq(trace_header->lost[TRACE_LOST_PACKAGES], expected);
}

Test(packages, a_library_has_one_entry)
{
	SpLsaModeInitializeFn other = (SpLsaModeInitializeFn)(void *)any_function;

	cr_assert_neq(entry(), library_entry);
	cr_assert_eq(entry(), entry());
	cr_assert_neq(entry_for(other), entry());
	cr_assert_neq(entry_for(other), other);
}

Test(packages, a_library_beyond_the_128th_is_left_alone)
{
	SpLsaModeInitializeFn real[130];

	for (uintptr_t i = 0; i < 130; i++)
		real[i] = (SpLsaModeInitializeFn)((uintptr_t)any_function + i);
	for (int i = 0; i < 128; i++)
		cr_assert_neq(entry_for(real[i]), real[i], "%d", i);
	cr_assert_eq(entry_for(real[128]), real[128]);
	cr_assert_eq(entry_for(real[129]), real[129]);
	cr_assert_neq(entry_for(real[127]), real[127]);
}

/* On some kernels there is no page that is cleared in a forked child. */
Test(packages, without_a_guard_libraries_are_left_alone)
{
	process_page = NULL;
	cr_assert_eq(entry(), library_entry);
}

Test(packages, the_host_gets_a_copy_in_which_some_slots_are_ours)
{
	char *ours;

	build(SECPKG_INTERFACE_VERSION_8, 38, 1);
	mprotect((char *)memory - PAGE, PAGE, PROT_READ);
	errno = 0;
	ours = tables_of_host();
	cr_assert_eq(errno, 42, "as the library left it");
	cr_assert_neq((void *)ours, library.tables);
	cr_assert_eq(SLOT(ours, 0, Initialize), wrappers_at(CONVENTION_SYSV, WRAPPED_Initialize, 0));
	cr_assert_eq(SLOT(ours, 0, GetInfo), wrappers_at(CONVENTION_SYSV, WRAPPED_GetInfo, 0));
	cr_assert_eq(SLOT(ours, 0, Shutdown), (void *)any_function);
	cr_assert_null(SLOT(ours, 0, LogonUser));
	cr_assert_null(SLOT(ours, 0, InitializePackage));
}

#define IS_WRAPPED(name, member, ...) || offset == offsetof(SECPKG_FUNCTION_TABLE, member)

static bool is_wrapped(size_t offset)
{
	return false WRAPPED_LSA_SLOTS(IS_WRAPPED, IS_WRAPPED);
}

/* So calls of them are as fast as without the tracer. */
Test(packages, functions_that_are_not_needed_are_the_packages_own)
{
	char *ours;

	build(SECPKG_INTERFACE_VERSION_8, 38, 1);
	for (size_t i = 0; i < 38; i++)
		library.tables[i] = (char *)(void *)any_function + i;
	ours = tables_of_host();
	for (size_t i = 0; i < 38; i++) {
		void *in_copy = slot(ours, 38, 0, i * sizeof(void *));

		if (is_wrapped(i * sizeof(void *)))
			cr_expect_neq(in_copy, library.tables[i], "slot %zu", i);
		else
			cr_expect_eq(in_copy, library.tables[i], "slot %zu", i);
	}
}

Test(packages, a_library_that_fails_or_has_no_packages_is_left_alone)
{
	build(SECPKG_INTERFACE_VERSION_8, 38, 1);
	library.status = STATUS_UNSUCCESSFUL;
	assert_left_alone();
	library.status = STATUS_SUCCESS;
	library.count = 0;
	assert_left_alone();
	library.count = 1;
	library.tables = NULL;
	assert_left_alone();
	assert_lost(0);
}

Test(packages, each_version_has_its_stride)
{
	ULONG version = SECPKG_INTERFACE_VERSION;

	for (; version <= SECPKG_INTERFACE_VERSION_8; version <<= 1) {
		unsigned slots = secpkg_slots_of_version(version);
		void *ours;

		build(version, slots, 3);
		ours = tables_of_host();
		cr_assert_neq(ours, library.tables, "version %x", version);
		for (size_t i = 0; i < 3; i++) {
			cr_assert_neq(SLOT(ours, i, Initialize), (void *)initialize[i]);
			cr_assert_eq(call_initialize(ours, i), 100 + (NTSTATUS)i);
			cr_assert_eq(SLOT(ours, i, Shutdown), (void *)any_function);
		}
	}
}

Test(packages, packages_are_told_apart)
{
	build(SECPKG_INTERFACE_VERSION_2, 28, 3);
	assert_initialized(tables_of_host());
}

/* Real libraries say version 3 and have larger tables. */
Test(packages, tables_that_are_larger_than_their_version_says_are_found_out)
{
	build(SECPKG_INTERFACE_VERSION_3, 38, 3);
	assert_initialized(tables_of_host());
}

Test(packages, an_unknown_version_is_taken_for_the_newest)
{
	build(0x1234, 38, 3);
	assert_initialized(tables_of_host());
}

Test(packages, an_array_that_makes_no_sense_is_left_alone_and_counted)
{
	build(SECPKG_INTERFACE_VERSION_8, 38, 3);
	for (size_t i = 0; i < 38 * 3; i++)
		library.tables[i] = (void *)(i + 1);
	assert_left_alone();
	assert_lost(3);
}

static const struct trace_record *last_record(enum trace_record_type type)
{
	struct trace_record *record = NULL, *last = NULL;

	while ((record = preload_next_record(record)) != NULL)
		if (record->type == type)
			last = record;
	return last;
}

static void *shim_given(size_t table)
{
	return (void *)((PLSA_SECPKG_FUNCTION_TABLE)given[table % 3])->CreateSharedMemory;
}

static const struct trace_record *record_after(const struct trace_record *after,
					       enum trace_record_type type)
{
	while ((after = preload_next_record(after)) != NULL && after->type != type)
		;
	return after;
}

/* The number of records of a type about the package with an index; about all, if it is negative. */
static int records_of(enum trace_record_type type, int index)
{
	const struct trace_record *record = NULL;
	int count = 0;

	while ((record = record_after(record, type)) != NULL)
		count += index < 0 || ((const struct trace_text *)record)->number == (uint32_t)index;
	return count;
}

Test(packages, packages_beyond_the_64th_share_an_index)
{
	const struct trace_package *last;
	void *ours;

	build(SECPKG_INTERFACE_VERSION_8, 38, 67);
	ours = tables_of_host();
	for (size_t i = 0; i < 67; i++) {
		call_initialize(ours, i);
		cr_assert_eq(shim_given(i),
			     shims_at(CONVENTION_SYSV, SLOT_CreateSharedMemory, i < 64 ? i : 64),
			     "%zu", i);
		cr_assert_eq(given_id[i % 3], 1000 + i);
	}
	cr_assert_neq(given[64 % 3], given[65 % 3]);
	cr_assert_eq(records_of(TRACE_RECORD_PACKAGE, -1), 65);
	last = (const struct trace_package *)last_record(TRACE_RECORD_PACKAGE);
	cr_assert_eq(last->index, TRACE_PACKAGE_OTHER);
	cr_assert_eq(last->flags, TRACE_PACKAGE_NO_ID);
	cr_assert_eq(last->module, 0);
	cr_assert_eq(trace_header->lost[TRACE_LOST_PACKAGES], 0);
	packages_end(66);
	packages_name(65, u"other");
	cr_assert_eq(records_of(TRACE_RECORD_PACKAGE_GONE, -1), 0, "there may be others of it");
	cr_assert_eq(records_of(TRACE_RECORD_PACKAGE_NAME, -1), 0);
}

/* In the usual order: the first package is initialised before the last library is loaded. */
Test(packages, packages_beyond_the_128th_are_left_alone_and_counted)
{
	void *ours;

	cr_assert(trace_begin());
	build(SECPKG_INTERFACE_VERSION_8, 38, 130);
	ours = tables_of_host();
	cr_assert_neq(ours, library.tables);
	cr_assert_eq(SLOT(ours, 127, Initialize),
		     wrappers_at(CONVENTION_SYSV, WRAPPED_Initialize, 127));
	cr_assert_eq(SLOT(ours, 128, Initialize), (void *)initialize[128 % 3]);
	cr_assert_eq(SLOT(ours, 129, Initialize), (void *)initialize[129 % 3]);
	cr_assert_eq(trace_header->lost[TRACE_LOST_PACKAGES], 2);
	cr_assert_eq(tables_of_host(), ours);
	cr_assert_eq(trace_header->lost[TRACE_LOST_PACKAGES], 2);
}

/* A package that has no table yet has no index, which another one may need. */
Test(packages, indices_are_given_with_the_tables)
{
	void *ours;

	build(SECPKG_INTERFACE_VERSION_8, 38, 3);
	ours = tables_of_host();
	call_initialize(ours, 2);
	cr_assert_eq(shim_given(2), shims_at(CONVENTION_SYSV, SLOT_CreateSharedMemory, 0));
	call_initialize(ours, 0);
	cr_assert_eq(shim_given(0), shims_at(CONVENTION_SYSV, SLOT_CreateSharedMemory, 1));
	call_initialize(ours, 2);
	cr_assert_eq(shim_given(2), shims_at(CONVENTION_SYSV, SLOT_CreateSharedMemory, 0));
	cr_assert_eq(records_of(TRACE_RECORD_PACKAGE, -1), 2, "once each");
}

/* The package at a position, which was initialised last, has ended. When it is handed a table
 * again, it is a new one. */
static void assert_gone(const void *tables, size_t table)
{
	cr_assert_eq(records_of(TRACE_RECORD_PACKAGE_GONE, 0), 1);
	cr_assert_eq(records_of(TRACE_RECORD_PACKAGE_GONE, -1), 1);
	call_initialize(tables, table);
	cr_assert_eq(shim_given(table), shims_at(CONVENTION_SYSV, SLOT_CreateSharedMemory, 1));
	cr_assert_eq(records_of(TRACE_RECORD_PACKAGE, 1), 1);
}

Test(packages, a_package_that_fails_to_initialise_ends)
{
	void *ours;

	build(SECPKG_INTERFACE_VERSION_8, 38, 3);
	ours = tables_of_host();
	outcome = STATUS_UNSUCCESSFUL;
	cr_assert_eq(call_initialize(ours, 1), STATUS_UNSUCCESSFUL);
	outcome = STATUS_SUCCESS;
	packages_end(1);
	cr_assert_gt(((const struct trace_text *)last_record(TRACE_RECORD_PACKAGE_GONE))->length,
		     0u);
	assert_gone(ours, 1);
}

static NTSTATUS refuse(void)
{
	return STATUS_ACCESS_DENIED;
}

static NTSTATUS call_unload(size_t table)
{
	return ((PLSA_SECPKG_FUNCTION_TABLE)given[table])->UnloadPackage();
}

Test(packages, a_package_that_is_unloaded_ends)
{
	void *ours;

	build(SECPKG_INTERFACE_VERSION_8, 38, 3);
	ours = tables_of_host();
	call_initialize(ours, 1);
	cr_assert_eq(call_unload(1), STATUS_SUCCESS);
	cr_assert_eq(((const struct trace_text *)last_record(TRACE_RECORD_PACKAGE_GONE))->length,
		     0u);
	assert_gone(ours, 1);
}

Test(packages, a_package_whose_unloading_is_refused_goes_on)
{
	build(SECPKG_INTERFACE_VERSION_8, 38, 3);
	host_table[12] = (void *)refuse;
	call_initialize(tables_of_host(), 1);
	cr_assert_eq(call_unload(1), STATUS_ACCESS_DENIED);
	cr_assert_eq(records_of(TRACE_RECORD_PACKAGE_GONE, -1), 0);
}

Test(packages, a_host_need_not_be_able_to_unload)
{
	build(SECPKG_INTERFACE_VERSION_8, 38, 3);
	host_table[12] = NULL;
	call_initialize(tables_of_host(), 1);
	cr_assert_null(((PLSA_SECPKG_FUNCTION_TABLE)given[1])->UnloadPackage);
}

/* Or its own copy, for a second time. */
Test(packages, a_package_that_is_handed_anothers_table_ends_alone)
{
	void *ours;

	build(SECPKG_INTERFACE_VERSION_8, 38, 3);
	ours = tables_of_host();
	call_initialize(ours, 1);
	memcpy(host_table, given[1], sizeof(host_table));
	call_initialize(ours, 1);
	call_initialize(ours, 2);
	cr_assert_eq(call_unload(2), STATUS_SUCCESS);
	cr_assert_eq(records_of(TRACE_RECORD_PACKAGE_GONE, 1), 1);
	cr_assert_eq(records_of(TRACE_RECORD_PACKAGE_GONE, 0), 0);
	cr_assert_eq(call_unload(1), STATUS_SUCCESS);
	cr_assert_eq(records_of(TRACE_RECORD_PACKAGE_GONE, 0), 1);
}

/* Maps a page where code may lie: it plays a library that can be unloaded. */
static void *page_of_code(void)
{
	return mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void unload(void *code)
{
	munmap(code, PAGE);
	lsa_mode_forget_unloaded();
}

Test(packages, places_of_libraries_that_are_gone_are_given_again)
{
	void *code = page_of_code();

	for (int i = 0; i < 300; i++) {
		cr_assert_neq(lsa_mode_entry_for(code, LIBRARY_LSA, CONVENTION_SYSV), code, "%d", i);
		cr_assert_neq(lsa_mode_entry_for(code, LIBRARY_USER, CONVENTION_SYSV), code, "%d",
			      i);
		unload(code);
		code = page_of_code();
	}
	cr_assert_neq(entry(), library_entry);
}

Test(packages, numbers_of_packages_that_are_gone_are_given_again)
{
	void *code = page_of_code(),
	     *first = lsa_ap_function_for(code, WRAPPED_LogonUser, CONVENTION_SYSV);
	uint32_t other;

	cr_assert_eq(first, wrappers_at(CONVENTION_SYSV, WRAPPED_LogonUser, 0));
	other = packages_add((const void *)any_function, 0, CONVENTION_SYSV);
	unload(code);
	cr_assert_null(originals_of_wrappers[0][WRAPPED_LogonUser]);
	cr_assert_eq(packages_add((const void *)refuse, 0, CONVENTION_SYSV), 0);
	cr_assert_eq(packages_code(other), (const void *)any_function, "that one is still there");
}

/* The package is known by one of its functions, whichever the host looks up first. */
Test(packages, the_exports_of_a_library_are_those_of_one_package)
{
	cr_assert_eq(lsa_ap_function_for((void *)any_function, WRAPPED_LogonUser, CONVENTION_SYSV),
		     wrappers_at(CONVENTION_SYSV, WRAPPED_LogonUser, 0));
	cr_assert_eq(lsa_ap_function_for((void *)refuse, WRAPPED_InitializePackage, CONVENTION_SYSV),
		     wrappers_at(CONVENTION_SYSV, WRAPPED_InitializePackage, 0));
	cr_assert_eq(lsa_ap_function_for((void *)any_function, WRAPPED_LogonUser, CONVENTION_SYSV),
		     wrappers_at(CONVENTION_SYSV, WRAPPED_LogonUser, 0), "the same again");
	cr_assert_eq(lsa_ap_function_for((void *)refuse, WRAPPED_LogonUser, CONVENTION_SYSV),
		     wrappers_at(CONVENTION_SYSV, WRAPPED_LogonUser, 1),
		     "a library has but one of a kind");
	cr_assert_neq(lsa_ap_function_for((void *)getpid, WRAPPED_CallPackage, CONVENTION_SYSV),
		      wrappers_at(CONVENTION_SYSV, WRAPPED_CallPackage, 0), "another library");
	cr_assert_eq(originals_of_wrappers[0][WRAPPED_InitializePackage], (void *)refuse);
}

Test(packages, a_library_that_is_asked_again_gives_the_same)
{
	void *ours;

	build(SECPKG_INTERFACE_VERSION_8, 38, 3);
	ours = tables_of_host();
	cr_assert_eq(tables_of_host(), ours);
	assert_initialized(ours);
}

Test(packages, a_library_that_has_other_functions_when_asked_again_has_them_called)
{
	SECPKG_FUNCTION_TABLE *table;
	void *ours;

	build(SECPKG_INTERFACE_VERSION_8, 38, 3);
	ours = tables_of_host();
	table = (SECPKG_FUNCTION_TABLE *)library.tables;
	table->Initialize = initialize_2;
	cr_assert_eq(call_initialize(ours, 0), 100);
	cr_assert_eq(tables_of_host(), ours);
	cr_assert_eq(call_initialize(ours, 0), 102);
	cr_assert_eq(SLOT(ours, 0, Initialize), wrappers_at(CONVENTION_SYSV, WRAPPED_Initialize, 0));
}

/* The host still uses the tables that it got first, while the library has fewer by now. */
Test(packages, a_library_that_gives_fewer_tables_later_does_no_harm)
{
	void *old, *new;

	build(SECPKG_INTERFACE_VERSION_8, 38, 3);
	old = tables_of_host();
	library.count = 1;
	new = tables_of_host();
	cr_assert_eq(call_initialize(old, 2), 102);
	cr_assert_eq(call_initialize(new, 0), 100);
	for (int package = 4; package < WRAPPED_PACKAGES; package++)
		cr_assert_null(originals_of_wrappers[package][WRAPPED_Initialize], "%d", package);
}

Test(packages, a_package_may_be_given_no_table)
{
	SpInitializeFn *function;

	build(SECPKG_INTERFACE_VERSION_8, 38, 1);
	function = (SpInitializeFn *)SLOT(tables_of_host(), 0, Initialize);
	given[0] = host_table;
	cr_assert_eq(function(5, NULL, NULL), 100);
	cr_assert_null(given[0]);
	cr_assert_eq(given_id[0], 5);
}

Test(packages, where_no_trace_can_be_made_packages_get_the_hosts_table)
{
	init("/nowhere/a.trace");
	build(SECPKG_INTERFACE_VERSION_8, 38, 1);
	call_initialize(tables_of_host(), 0);
	cr_assert_eq(given[0], host_table);
}

static SECPKG_FUNCTION_TABLE *late_table;

static NTSTATUS initialize_late(ULONG_PTR id, PSECPKG_PARAMETERS parameters,
				PLSA_SECPKG_FUNCTION_TABLE table)
{
	late_table->LogonTerminated = (LSA_AP_LOGON_TERMINATED *)(void *)any_function;
	late_table->CallPackage = (LSA_AP_CALL_PACKAGE *)(void *)any_function;
	return initialize_0(id, parameters, table);
}

Test(packages, a_table_may_be_completed_by_initialize)
{
	void *ours;

	build(SECPKG_INTERFACE_VERSION, 27, 2);
	late_table = (SECPKG_FUNCTION_TABLE *)(library.tables + 27);
	late_table->Initialize = initialize_late;
	ours = tables_of_host();
	cr_assert_null(SLOT(ours, 1, LogonTerminated));
	call_initialize(ours, 1);
	cr_assert_eq(SLOT(ours, 1, LogonTerminated), (void *)any_function);
	cr_assert_eq(SLOT(ours, 1, CallPackage),
		     wrappers_at(CONVENTION_SYSV, WRAPPED_CallPackage, 1));
	cr_assert_eq(SLOT(ours, 1, Initialize), wrappers_at(CONVENTION_SYSV, WRAPPED_Initialize, 1));
	cr_assert_null(SLOT(ours, 0, LogonTerminated));
}

Test(packages, a_package_is_defined_by_its_id_and_place)
{
	const struct trace_package *package;

	build(SECPKG_INTERFACE_VERSION_8, 38, 3);
	call_initialize(tables_of_host(), 2);
	package = (const struct trace_package *)last_record(TRACE_RECORD_PACKAGE);
	cr_assert_not_null(package);
	cr_assert_eq(package->index, 0);
	cr_assert_eq(package->table, 2);
	cr_assert_eq(package->package_id, 1002);
	cr_assert_neq(package->module, 0);
}

static void assert_named(uint32_t package)
{
	const struct trace_text *name =
		(const struct trace_text *)last_record(TRACE_RECORD_PACKAGE_NAME);

	cr_assert_not_null(name);
	cr_assert_eq(name->number, package);
	cr_assert_eq(name->length, strlen("pa\u00e9kage \u20ac"));
	cr_assert_eq(memcmp(name->text, "pa\u00e9kage \u20ac", name->length), 0);
}

static void call_get_info(const void *tables, size_t table)
{
	SecPkgInfoW info = { 0 };

	cr_assert_eq(((SpGetInfoFn *)SLOT(tables, table, GetInfo))(&info), STATUS_SUCCESS);
}

Test(packages, a_package_has_the_name_that_it_gives_itself)
{
	void *ours;

	build(SECPKG_INTERFACE_VERSION_8, 38, 3);
	ours = tables_of_host();
	call_initialize(ours, 1);
	call_get_info(ours, 1);
	assert_named(0);
}

Test(packages, a_package_may_give_its_name_before_it_is_initialised)
{
	void *ours;

	build(SECPKG_INTERFACE_VERSION_8, 38, 3);
	ours = tables_of_host();
	call_get_info(ours, 1);
	cr_assert_null(trace_header, "that alone makes no trace");
	call_initialize(ours, 1);
	assert_named(0);
}

/* The name does not end before a page that cannot be read. */
Test(packages, a_name_is_read_as_far_as_it_may_be)
{
	WCHAR *end = (WCHAR *)memory;

	build(SECPKG_INTERFACE_VERSION_8, 38, 1);
	call_initialize(tables_of_host(), 0);
	end[-2] = 'a';
	end[-1] = 0xd800;
	packages_name(0, end - 2);
	cr_assert_eq(((const struct trace_text *)last_record(TRACE_RECORD_PACKAGE_NAME))->length, 4);
}

/* A client's tables: `slots` slots each, of which the first is InstanceInit. */
static void *given_dll;

static NTSTATUS instance_init(ULONG version, PSECPKG_DLL_FUNCTIONS table, PVOID *functions)
{
	(void)version, (void)functions;
	given_dll = table;
	return outcome;
}

static void *client_tables(ULONG version, size_t slots, ULONG count)
{
	PSECPKG_FUNCTION_TABLE tables = NULL;
	void *client = lsa_mode_entry_for((void *)library_entry, LIBRARY_USER, CONVENTION_SYSV);
	ULONG returned = 0, any = 0;

	library.tables = memory - slots * count;
	library.count = count;
	library.version = version;
	library.slots = slots;
	for (size_t i = 0; i < slots * count; i++)
		library.tables[i] = i % slots == 0   ? (void *)instance_init
				    : i % slots == 3 ? NULL
						     : (void *)any_function;
	cr_assert_eq(((SpLsaModeInitializeFn)client)(7, &any, &tables, &returned), STATUS_SUCCESS);
	cr_assert_eq(returned, count);
	return tables;
}

#define USER_SLOT_OF(name, member) \
	[offsetof(SECPKG_USER_FUNCTION_TABLE, member) / sizeof(void *)] = WRAPPED_##name + 1,
#define USER_RETURN_OF(name, member, ...) USER_SLOT_OF(name, member)

/* Returns what a slot of a client's table should hold. The test has no function in slot 3. */
static void *expected_of_client(size_t slot, void *own, uint32_t package)
{
	static const unsigned wrapped[16] = { WRAPPED_USER_SLOTS(USER_SLOT_OF, USER_RETURN_OF) };

	return wrapped[slot] ? wrappers_at(CONVENTION_SYSV, wrapped[slot] - 1, package) : own;
}

static void assert_client_tables(ULONG version, size_t slots, ULONG count, uint32_t first)
{
	void **ours = client_tables(version, slots, count);

	cr_assert_neq(ours, library.tables);
	for (size_t i = 0; i < slots * count; i++)
		cr_assert_eq(ours[i],
			     expected_of_client(i % slots, library.tables[i],
						first + (uint32_t)(i / slots)),
			     "%zu", i);
}

Test(packages, a_clients_tables_are_as_long_as_their_version_says_or_as_they_are)
{
	assert_client_tables(SECPKG_INTERFACE_VERSION, 14, 3, 0);
	assert_client_tables(SECPKG_INTERFACE_VERSION_8 << 1, 15, 4, 3);
	assert_client_tables(SECPKG_INTERFACE_VERSION_8 << 1, 14, 5, 7);
}

Test(packages, a_client_package_gets_a_table_of_its_own)
{
	SECPKG_DLL_FUNCTIONS *own = (SECPKG_DLL_FUNCTIONS *)host_table;
	SpInstanceInitFn **ours = client_tables(SECPKG_INTERFACE_VERSION, 14, 1);
	const struct trace_package *package;

	cr_assert_eq(ours[0](1, own, NULL), STATUS_SUCCESS);
	cr_assert_neq(given_dll, own);
	cr_assert_eq(((SECPKG_DLL_FUNCTIONS *)given_dll)->FreeHeap,
		     (LSA_FREE_LSA_HEAP *)shims_at(CONVENTION_SYSV, SLOT_FreeHeap, 0));
	package = (const struct trace_package *)last_record(TRACE_RECORD_PACKAGE);
	cr_assert_eq(package->flags, TRACE_PACKAGE_NO_ID);
	cr_assert_neq(package->module, 0);
	outcome = STATUS_UNSUCCESSFUL;
	cr_assert_eq(ours[0](1, own, NULL), STATUS_UNSUCCESSFUL);
	cr_assert_eq(records_of(TRACE_RECORD_PACKAGE_GONE, 0), 1);
}

/* The linker found the tracer's exports for names that the package exports itself. */
static void *behind(void *function, const void *code)
{
	cr_expect_eq(code, (const void *)library_entry);
	return function == (void *)any_function ? (void *)refuse : function;
}

Test(packages, a_table_that_holds_our_own_exports_means_the_librarys)
{
	SECPKG_FUNCTION_TABLE *ours;

	own_tables_init(behind);
	build(SECPKG_INTERFACE_VERSION_8, 38, 1);
	((SECPKG_FUNCTION_TABLE *)library.tables)->LogonUser =
		(LSA_AP_LOGON_USER *)(void *)any_function;
	ours = tables_of_host();
	cr_assert_eq((void *)ours->LogonUser, wrappers_at(CONVENTION_SYSV, WRAPPED_LogonUser, 0));
	cr_assert_eq(originals_of_wrappers[0][WRAPPED_LogonUser], (void *)refuse);
}
