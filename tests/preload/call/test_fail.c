/* SPDX-License-Identifier: MIT */
/* Calls that --fail lets fail: this program plays the package and its host. */
#include <errno.h>
#include <gnu/libc-version.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "include/failures.h"
#include "include/kinds.h"
#include "include/secpkg.h"
#include "preload/base/lock.h"
#include "preload/call/convention.h"
#include "preload/call/fail.h"
#include "preload/call/originals.h"
#include "preload/file/trace.h"
#include "preload/package/inplace.h"
#include "preload/package/packages.h"
#include "preload/package/table.h"
#include "tests/support/preload_fixture.h"
#include "tests/support/run.h"

enum { PACKAGE = 3, OTHER_PACKAGE = 4, REFUSED_SIZE = 5000 };

#define AT(address) ((void *)(uintptr_t)(address))

static LSA_SECPKG_NEWEST_TABLE hosts;
static PLSA_SECPKG_FUNCTION_TABLE ours;
static char *folder;
static unsigned calls; /* of the host's functions */

static PVOID SECPKG_CALL host_allocate(ULONG size)
{
	__atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
	return AT(0x1000 + size);
}

static PVOID SECPKG_CALL host_create(ULONG max_size, ULONG initial_size)
{
	(void)max_size;
	(void)initial_size;
	calls++;
	return AT(0x9000);
}

static PVOID SECPKG_CALL host_allocate_in(PVOID section, ULONG size)
{
	calls++;
	return size == REFUSED_SIZE ? NULL : (char *)section + size;
}

static void SECPKG_CALL host_free_in(PVOID section, PVOID memory)
{
	(void)section;
	(void)memory;
	calls++;
}

static BOOLEAN SECPKG_CALL host_delete(PVOID section)
{
	(void)section;
	calls++;
	return TRUE;
}

static NTSTATUS SECPKG_CALL host_duplicate(HANDLE handle, PHANDLE copy)
{
	calls++;
	*copy = handle;
	errno = 42;
	return 7;
}

/* Of its 13 arguments seven are on the stack. */
static NTSTATUS SECPKG_CALL host_create_token(PLUID a, PTOKEN_SOURCE b, SECURITY_LOGON_TYPE c,
					      SECURITY_IMPERSONATION_LEVEL d,
					      LSA_TOKEN_INFORMATION_TYPE e, PVOID f,
					      PTOKEN_GROUPS g, PUNICODE_STRING h, PUNICODE_STRING i,
					      PUNICODE_STRING j, PUNICODE_STRING k, PHANDLE l,
					      PNTSTATUS m)
{
	calls++;
	cr_assert(a == AT(1) && b == AT(2) && c == 3 && d == 4 && e == 5 && f == AT(6));
	cr_assert(g == AT(7) && h == AT(8) && i == AT(9) && j == AT(10) && k == AT(11));
	cr_assert(l == AT(12) && m == AT(13));
	return 8;
}

static NTSTATUS create_token(void)
{
	return ours->CreateToken(AT(1), AT(2), 3, 4, 5, AT(6), AT(7), AT(8), AT(9), AT(10), AT(11),
				 AT(12), AT(13));
}

/* Of a function with variable arguments, al says how many vector registers have some. */
static NTSTATUS host_variable(int count, ...)
{
	va_list list;

	va_start(list, count);
	for (int i = 0; i < count; i++)
		cr_assert_eq(va_arg(list, double), i + 0.5);
	va_end(list);
	calls++;
	return 9;
}

static void start_with(const char *fail)
{
	char options[4200];

	folder = temporary_folder_new();
	snprintf(options, sizeof(options), "ring=4M:output=%s/a.trace:%s", folder, fail);
	hosts.Older = (LSA_SECPKG_FUNCTION_TABLE){
		.CreateSharedMemory = host_create,
		.AllocateSharedMemory = host_allocate_in,
		.FreeSharedMemory = host_free_in,
		.DeleteSharedMemory = host_delete,
		.AllocateLsaHeap = host_allocate,
		.DuplicateHandle = host_duplicate,
		.CreateToken = host_create_token,
	};
	hosts.GetClientInfoEx = (void *)host_variable;
	preload_init(options);
	cr_assert(trace_begin());
	ours = table_substitute(&hosts, TABLE_FULL, TABLE_FULL, CONVENTION, PACKAGE, PACKAGE);
}

static void end(void)
{
	temporary_folder_remove(folder);
}

TestSuite(fail, .fini = end);

/* Which of the next `count` allocations fail, as a text of '.' and 'x'. */
static const char *pattern(unsigned count)
{
	static char text[201];

	for (unsigned i = 0; i < count; i++)
		text[i] = ours->AllocateLsaHeap(i) ? '.' : 'x';
	text[count] = '\0';
	return text;
}

static const struct trace_event *last_event(void)
{
	const struct trace_event *last = NULL;

	for (struct trace_event *e = preload_next_event(NULL); e; e = preload_next_event(e))
		if (e->state)
			last = e;
	return last;
}

/* All findings as one text: "kind/reason kind ...". */
static const char *findings(void)
{
	static char text[1024];
	size_t bytes = 0;

	text[0] = '\0';
	for (struct trace_finding *f = preload_next_finding(NULL); f; f = preload_next_finding(f))
		if (f->committed)
			bytes += (size_t)snprintf(text + bytes, sizeof(text) - bytes, "%s%s%s%s",
						  bytes ? " " : "", kinds_text(f->kind),
						  f->reason ? "/" : "",
						  kinds_reason_text(f->reason));
	return text;
}

Test(fail, without_which_each_call_fails_and_the_host_is_not_called)
{
	start_with("fail=AllocateLsaHeap");
	cr_assert_str_eq(pattern(4), "xxxx");
	cr_assert_eq(calls, 0);
}

Test(fail, the_nth_call_fails)
{
	start_with("fail=AllocateLsaHeap\\:3");
	cr_assert_str_eq(pattern(6), "..x...");
	cr_assert_eq(calls, 5);
}

Test(fail, all_calls_from_the_nth_on_fail)
{
	start_with("fail=AllocateLsaHeap\\:3-");
	cr_assert_str_eq(pattern(6), "..xxxx");
}

Test(fail, the_call_number_zero_is_none)
{
	start_with("fail=AllocateLsaHeap\\:0");
	cr_assert_str_eq(pattern(6), "......");
}

Test(fail, two_values_of_the_option_count_for_themselves)
{
	start_with("fail=AllocateLsaHeap\\:2:fail=AllocateLsaHeap\\:5");
	cr_assert_str_eq(pattern(6), ".x..x.");
}

Test(fail, one_of_many_is_chosen_by_the_seed_and_equally_each_time)
{
	char first[201];
	unsigned failed = 0;

	start_with("fail=AllocateLsaHeap\\:1/10@7");
	strcpy(first, pattern(200));
	for (unsigned i = 0; i < 200; i++)
		failed += first[i] == 'x';
	cr_assert(failed >= 8 && failed <= 40, "%u", failed);
	fail_after_fork();
	cr_assert_str_eq(pattern(200), first);
	end();
	start_with("fail=AllocateLsaHeap\\:1/10@8");
	fail_after_fork();
	cr_assert_str_neq(pattern(200), first);
}

Test(fail, calls_of_all_packages_are_counted)
{
	PLSA_SECPKG_FUNCTION_TABLE other;

	start_with("fail=AllocateLsaHeap\\:2");
	other = table_substitute(&hosts, TABLE_FULL, TABLE_FULL, CONVENTION, OTHER_PACKAGE,
				 OTHER_PACKAGE);
	cr_assert(ours->AllocateLsaHeap(1));
	cr_assert_null(other->AllocateLsaHeap(1));
	cr_assert(ours->AllocateLsaHeap(1));
}

static void *allocate(void *failed)
{
	for (unsigned i = 0; i < 1000; i++)
		if (!ours->AllocateLsaHeap(1))
			__atomic_add_fetch((unsigned *)failed, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void *allocate_in_thread(void *number)
{
	static unsigned failed;

	(void)number;
	allocate(&failed);
	return (void *)&failed;
}

Test(fail, calls_of_all_threads_are_counted)
{
	unsigned failed = 0;

	start_with("fail=AllocateLsaHeap\\:4001-");
	preload_run_threads(4, allocate_in_thread);
	allocate(&failed);
	cr_assert_eq(failed, 1000);
	cr_assert_eq(calls, 4000);
}

Test(fail, a_failed_call_is_marked_in_its_event_and_its_note)
{
	start_with("fail=AllocateLsaHeap");
	pattern(1);
	cr_assert_eq(last_event()->state, TRACE_EVENT_COMMITTED | TRACE_EVENT_RETURNED |
						  TRACE_EVENT_FAILED | TRACE_EVENT_INJECTED);
	cr_assert_eq(last_event()->verdict, TRACE_KIND_FAILED_CALL);
	cr_assert_str_eq(findings(), "failed-call/injected");
}

Test(fail, a_call_that_the_host_refuses_is_not_marked)
{
	void *section;

	start_with("fail=AllocateSharedMemory\\:1");
	section = ours->CreateSharedMemory(4096, 4096);
	cr_assert_null(ours->AllocateSharedMemory(section, 64));
	cr_assert(last_event()->state & TRACE_EVENT_INJECTED);
	cr_assert_null(ours->AllocateSharedMemory(section, REFUSED_SIZE));
	cr_assert(last_event()->state & TRACE_EVENT_FAILED);
	cr_assert_not(last_event()->state & TRACE_EVENT_INJECTED);
	cr_assert_str_eq(findings(), "failed-call/injected failed-call");
}

Test(fail, a_section_whose_deletion_was_made_to_fail_is_live)
{
	void *section, *block;

	start_with("fail=DeleteSharedMemory\\:1");
	section = ours->CreateSharedMemory(4096, 4096);
	block = ours->AllocateSharedMemory(section, 64);
	cr_assert_eq(ours->DeleteSharedMemory(section), FALSE);
	ours->FreeSharedMemory(section, block);
	cr_assert_eq(ours->DeleteSharedMemory(section), TRUE);
	cr_assert_str_eq(findings(), "failed-call/injected");
	for (struct trace_entry *e = preload_next_entry(NULL); e; e = preload_next_entry(e))
		cr_assert_eq(e->state, TRACE_ENTRY_FREE);
}

static enum trace_entry_state state_of(const void *address)
{
	for (struct trace_entry *e = preload_next_entry(NULL); e; e = preload_next_entry(e))
		if (e->state != TRACE_ENTRY_FREE && e->address == (uint64_t)(uintptr_t)address)
			return e->state;
	return TRACE_ENTRY_FREE;
}

static NTSTATUS SECPKG_CALL host_allocate_client(PLSA_CLIENT_REQUEST request, ULONG size,
						 PVOID *buffer)
{
	(void)request;
	*buffer = AT(0x4000 + size);
	return 0;
}

/* The package has done what it should. */
Test(fail, what_a_call_that_was_made_to_fail_has_not_released_is_no_leak)
{
	void *section, *block, *buffer = NULL;

	start_with("fail=DeleteSharedMemory:fail=FreeClientBuffer");
	hosts.Older.AllocateClientBuffer = host_allocate_client;
	hosts.Older.FreeClientBuffer = (void *)host_variable;
	ours = table_substitute(&hosts, TABLE_FULL, TABLE_FULL, CONVENTION, PACKAGE, PACKAGE);
	section = ours->CreateSharedMemory(4096, 4096);
	block = ours->AllocateSharedMemory(section, 64);
	ours->AllocateClientBuffer(AT(1), 64, &buffer);
	cr_assert_eq(state_of(section), TRACE_ENTRY_SECTION);
	cr_assert_eq(state_of(buffer), TRACE_ENTRY_BLOCK);
	cr_assert_eq(ours->DeleteSharedMemory(section), FALSE);
	cr_assert_lt(ours->FreeClientBuffer(AT(1), buffer), 0);
	cr_assert_eq(state_of(section), TRACE_ENTRY_SUSPECT_SECTION);
	cr_assert_eq(state_of(block), TRACE_ENTRY_SUSPECT);
	cr_assert_eq(state_of(buffer), TRACE_ENTRY_SUSPECT);
	ours->FreeSharedMemory(section, block);
	cr_assert_str_eq(findings(), "failed-call/injected failed-call/injected");
}

/* That a call failed because of the option does not show that its handle was no section. */
Test(fail, an_unknown_section_is_not_accused)
{
	start_with("fail=AllocateSharedMemory:fail=DeleteSharedMemory");
	cr_assert_null(ours->AllocateSharedMemory(AT(0x7000), 64));
	cr_assert_eq(ours->DeleteSharedMemory(AT(0x7000)), FALSE);
	cr_assert_str_eq(findings(), "failed-call/injected failed-call/injected");
}

Test(fail, a_slot_that_is_not_traced_returns_its_status_and_changes_nothing)
{
	HANDLE copy = AT(5);

	start_with("fail=DuplicateHandle\\:2-=0xc0000008");
	cr_assert_eq(ours->DuplicateHandle(AT(6), &copy), 7);
	cr_assert_eq(copy, AT(6));
	cr_assert_eq(errno, 42);
	cr_assert_eq(last_event()->function, UNTRACED_DuplicateHandle);
	cr_assert_eq(last_event()->state, TRACE_EVENT_COMMITTED);
	copy = AT(5);
	errno = 43;
	cr_assert_eq(ours->DuplicateHandle(AT(6), &copy), STATUS_INVALID_HANDLE);
	cr_assert_eq(copy, AT(5));
	cr_assert_eq(errno, 43);
	cr_assert_eq(calls, 1);
	cr_assert_eq(last_event()->result, STATUS_INVALID_HANDLE);
	cr_assert_str_eq(findings(), "failed-call/injected");
}

Test(fail, all_arguments_pass_through)
{
	NTSTATUS (*variable)(int count, ...);

	start_with("fail=CreateToken\\:0:fail=GetClientInfoEx\\:2");
	cr_assert_eq(create_token(), 8);
	variable = ((LSA_SECPKG_NEWEST_TABLE *)ours)->GetClientInfoEx;
	cr_assert_neq((void *)variable, hosts.GetClientInfoEx);
	cr_assert_eq(variable(10, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5), 9);
	cr_assert_eq(calls, 2);
	cr_assert_eq(variable(0), (NTSTATUS)(FAILURE_SEVERITY + FAILURE_ACCESS_DENIED));
}

/* Says what lay in registers that no function of C is passed. */
uint64_t seen_rax, seen_r10;
extern const char host_registers[];
__asm__(".text\n"
	"host_registers:\n"
	"	movq %rax, seen_rax(%rip)\n"
	"	movq %r10, seen_r10(%rip)\n"
	"	ret\n");

Test(fail, registers_that_may_be_arguments_pass_through)
{
	start_with("fail=GetClientInfoEx\\:0");
	hosts.GetClientInfoEx = (void *)(uintptr_t)host_registers;
	ours = table_substitute(&hosts, TABLE_FULL, TABLE_FULL, CONVENTION, PACKAGE, PACKAGE);
	__asm__ volatile("movq $0x1234, %%rax\n\t"
			 "movq $0x5678, %%r10\n\t"
			 "call *%0"
			 :
			 : "b"(((LSA_SECPKG_NEWEST_TABLE *)ours)->GetClientInfoEx)
			 : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc",
			   "memory");
	cr_assert_eq(last_event()->function, UNTRACED_GetClientInfoEx);
	cr_assert_eq(seen_rax, 0x1234);
	cr_assert_eq(seen_r10, 0x5678);
}

Test(fail, slots_that_are_not_named_keep_what_they_had)
{
	start_with("fail=DuplicateHandle:fail=RegisterCallback");
	hosts.Older.AddCredential = (void *)host_variable; /* where a client has RegisterCallback */
	ours = table_substitute(&hosts, TABLE_FULL, TABLE_FULL, CONVENTION, PACKAGE, PACKAGE);
	cr_assert_eq((void *)ours->AddCredential, (void *)host_variable);
	cr_assert_eq(ours->CreateToken, host_create_token);
	cr_assert_eq(originals_of_shims[PACKAGE][SLOT_AllocateLsaHeap], (void *)host_allocate);
}

/* A package hands its table to another one: the stub of that must not lead to the stub of the first. */
Test(fail, a_call_through_the_table_of_another_package_is_counted_once)
{
	HANDLE copy = NULL;
	PLSA_SECPKG_FUNCTION_TABLE other;

	start_with("fail=DuplicateHandle\\:2:fail=AllocateLsaHeap\\:2");
	other = table_substitute(ours, TABLE_FULL, TABLE_FULL, CONVENTION, OTHER_PACKAGE,
				 OTHER_PACKAGE);
	cr_assert_eq(other->DuplicateHandle(AT(6), &copy), 7);
	cr_assert_eq(last_event()->package, OTHER_PACKAGE);
	cr_assert_lt(other->DuplicateHandle(AT(6), &copy), 0);
	cr_assert(other->AllocateLsaHeap(1));
	cr_assert_null(other->AllocateLsaHeap(1));
}

Test(fail, a_family_that_is_left_out_is_traced_if_one_of_its_slots_is_named)
{
	start_with("families=shared-memory:fail=AllocateLsaHeap\\:2");
	cr_assert_str_eq(pattern(3), ".x.");
	cr_assert_str_eq(findings(), "failed-call/injected");
}

/* A host's own table, in place. */
Test(fail, a_table_that_is_changed_in_place_has_stubs)
{
	HANDLE copy = AT(5);

	start_with("fail=DuplicateHandle:fail=AllocateLsaHeap\\:2");
	/* Functions of this program would be taken for the tracer's own, and a sanitizer's malloc() is one. */
	hosts.Older.DuplicateHandle = (void *)abort;
	hosts.Older.AllocateLsaHeap = (void *)gnu_get_libc_version;
	inplace_hook((void **)&hosts, sizeof(hosts) / sizeof(void *), CONVENTION, "table");
	cr_assert_eq(hosts.Older.DuplicateHandle(AT(6), &copy), (NTSTATUS)0xc000009a);
	cr_assert_eq(copy, AT(5));
	cr_assert(hosts.Older.AllocateLsaHeap(1));
	cr_assert_null(hosts.Older.AllocateLsaHeap(1));
	cr_assert_eq(hosts.Older.CreateToken, host_create_token);
}

static NTSTATUS SECPKG_CALL host_register(ULONG number, LSA_CALLBACK_FUNCTION *callback)
{
	(void)number;
	(void)callback;
	calls++;
	return 0;
}

Test(fail, slots_of_a_clients_table_fail)
{
	SECPKG_DLL_FUNCTIONS dll = { host_allocate, NULL, host_register, NULL }, *client;

	start_with("fail=RegisterCallback:fail=AllocateHeap:fail=LocatePackageById");
	client = table_substitute(&dll, TABLE_DLL, TABLE_DLL, CONVENTION, OTHER_PACKAGE,
				  OTHER_PACKAGE);
	cr_assert_eq(client->RegisterCallback(1, NULL), STATUS_NO_MEMORY);
	cr_assert_null(client->AllocateHeap(1));
	cr_assert_null(client->LocatePackageById, "an empty slot stays empty");
	cr_assert_eq(calls, 0);
}

/* The packages beyond the 64th share their stubs. The later one keeps its own function. */
Test(fail, packages_that_share_an_index_do_not_get_each_others_functions)
{
	PLSA_SECPKG_FUNCTION_TABLE one, two;

	start_with("fail=CreateToken\\:0");
	one = table_substitute(&hosts, TABLE_FULL, TABLE_FULL, CONVENTION, 70, TRACE_PACKAGE_OTHER);
	hosts.Older.CreateToken = (void *)host_variable;
	two = table_substitute(&hosts, TABLE_FULL, TABLE_FULL, CONVENTION, 71, TRACE_PACKAGE_OTHER);
	ours = one;
	cr_assert_eq(create_token(), 8);
	cr_assert_eq((void *)two->CreateToken, (void *)host_variable);
	cr_assert_eq(trace_header->lost[TRACE_LOST_PACKAGES], 1);
}
