/* SPDX-License-Identifier: MIT */
/*
 * Whole calls: this program plays the package, which calls through its table, and the host behind it. It
 * then reads what the trace says.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <criterion/criterion.h>

#include "include/kinds.h"
#include "include/secpkg.h"
#include "preload/base/lock.h"
#include "preload/base/reentry.h"
#include "preload/call/convention.h"
#include "preload/capture/unwind.h"
#include "preload/file/lanes.h"
#include "preload/file/trace.h"
#include "preload/ledger/ledger.h"
#include "preload/ledger/lookup.h"
#include "preload/ledger/scopes.h"
#include "preload/package/packages.h"
#include "preload/package/table.h"
#include "tests/support/preload_fixture.h"
#include "tests/support/run.h"

enum { PACKAGE = 3, HOST_ERRNO = 42, OWN_ERRNO = 43 };

#define AT(address) ((void *)(uintptr_t)(address))

/* What the host shall answer, and what it was asked. */
static struct {
	void *result;
	NTSTATUS status;
	BOOLEAN deleted;
	uint64_t argument[3];
	unsigned calls;
	int errno_seen;
	void (*meanwhile)(void); /* while the host's function runs */
} host;

static PLSA_SECPKG_FUNCTION_TABLE ours;
static char *folder;

static void asked(uint64_t argument0, uint64_t argument1, uint64_t argument2)
{
	host.calls++;
	host.argument[0] = argument0;
	host.argument[1] = argument1;
	host.argument[2] = argument2;
	host.errno_seen = errno;
	if (host.meanwhile)
		host.meanwhile();
	errno = HOST_ERRNO;
}

#define NUMBER(pointer) ((uint64_t)(uintptr_t)(pointer))

static PVOID SECPKG_CALL host_create(ULONG max_size, ULONG initial_size)
{
	asked(max_size, initial_size, 0);
	return host.result;
}

static PVOID SECPKG_CALL host_allocate_in(PVOID section, ULONG size)
{
	asked(NUMBER(section), size, 0);
	return host.result;
}

static void SECPKG_CALL host_free_in(PVOID section, PVOID memory)
{
	asked(NUMBER(section), NUMBER(memory), 0);
}

static BOOLEAN SECPKG_CALL host_delete(PVOID section)
{
	asked(NUMBER(section), 0, 0);
	return host.deleted;
}

static PVOID SECPKG_CALL host_allocate(ULONG size)
{
	asked(size, 0, 0);
	return host.result;
}

static PVOID SECPKG_CALL host_allocate_private(SIZE_T size)
{
	asked(size, 0, 0);
	return host.result;
}

static void SECPKG_CALL host_free(PVOID memory)
{
	asked(NUMBER(memory), 0, 0);
}

static NTSTATUS SECPKG_CALL host_allocate_client(PLSA_CLIENT_REQUEST request, ULONG size,
						 PVOID *buffer)
{
	asked(NUMBER(request), size, NUMBER(buffer));
	if (NT_SUCCESS(host.status))
		*buffer = host.result;
	return host.status;
}

static NTSTATUS SECPKG_CALL host_free_client(PLSA_CLIENT_REQUEST request, PVOID buffer)
{
	asked(NUMBER(request), NUMBER(buffer), 0);
	return host.status;
}

static NTSTATUS SECPKG_CALL host_call_package(PUNICODE_STRING package, PVOID submit, ULONG bytes,
					      PVOID *buffer, PULONG length,
					      PNTSTATUS protocol_status)
{
	asked(NUMBER(package), NUMBER(submit), bytes);
	*buffer = host.result;
	*length = 100;
	*protocol_status = 5;
	return host.status;
}

static NTSTATUS SECPKG_CALL host_get_auth_data(PVOID user, PUCHAR *data, PULONG length)
{
	asked(NUMBER(user), 0, 0);
	*data = host.result;
	*length = 200;
	return host.status;
}

static NTSTATUS SECPKG_CALL host_get_credentials(PLUID logon, ULONG package, PULONG query,
						 BOOLEAN all, PLSA_STRING key, PULONG key_bytes,
						 PLSA_STRING credentials)
{
	asked(NUMBER(logon), package, NUMBER(query) + all + NUMBER(key) + NUMBER(key_bytes));
	if (credentials)
		*credentials = (LSA_STRING){ 20, 24, host.result };
	return host.status;
}

/* Shorter than what the tracer copies of it. */
static LSA_SECPKG_FUNCTION_TABLE hosts = {
	.CreateSharedMemory = host_create,
	.AllocateSharedMemory = host_allocate_in,
	.FreeSharedMemory = host_free_in,
	.DeleteSharedMemory = host_delete,
	.AllocateLsaHeap = host_allocate,
	.FreeLsaHeap = host_free,
	.FreeReturnBuffer = (LSA_FREE_LSA_HEAP *)host_free,
	.AllocatePrivateHeap = host_allocate_private,
	.FreePrivateHeap = host_free,
	.AllocateClientBuffer = host_allocate_client,
	.FreeClientBuffer = host_free_client,
	.CallPackage = host_call_package,
	.GetUserAuthData = host_get_auth_data,
	.GetCredentials = host_get_credentials,
};

static void start(void)
{
	char options[4200];

	folder = temporary_folder_new();
	snprintf(options, sizeof(options), "ring=4M:output=%s/a.trace", folder);
	preload_init(options);
	cr_assert(trace_begin());
	ours = table_substitute(&hosts, TABLE_FULL, TABLE_FULL, CONVENTION, PACKAGE, PACKAGE);
	host.deleted = TRUE;
}

static void end(void)
{
	temporary_folder_remove(folder);
}

TestSuite(shims, .init = start, .fini = end);

static void *create(uint64_t handle)
{
	host.result = AT(handle);
	return ours->CreateSharedMemory(4096, 1024);
}

static void *allocate_in(void *section, uint64_t address)
{
	host.result = AT(address);
	return ours->AllocateSharedMemory(section, 64);
}

static void *allocate(uint64_t address)
{
	host.result = AT(address);
	return ours->AllocateLsaHeap(64);
}

static NTSTATUS allocate_client(uint64_t request, uint64_t address, NTSTATUS status)
{
	void *buffer = NULL;

	host.result = AT(address);
	host.status = status;
	return ours->AllocateClientBuffer(AT(request), 64, &buffer);
}

/* All findings as one text: "kind/reason kind ...", each with its count before it if that is not 1. */
static const char *findings(void)
{
	static char text[1024];
	size_t bytes = 0;

	text[0] = '\0';
	for (struct trace_finding *f = preload_next_finding(NULL); f; f = preload_next_finding(f)) {
		if (!f->committed)
			continue;
		bytes += (size_t)snprintf(text + bytes, sizeof(text) - bytes, "%s",
					  bytes ? " " : "");
		if (f->count != 1)
			bytes += (size_t)snprintf(text + bytes, sizeof(text) - bytes, "%d*",
						  (int)f->count);
		bytes += (size_t)snprintf(text + bytes, sizeof(text) - bytes, "%s%s%s",
					  kinds_text(f->kind), f->reason ? "/" : "",
					  kinds_reason_text(f->reason));
	}
	return text;
}

#define assert_findings(expected) cr_assert_str_eq(findings(), expected, "%s", findings())

static const struct trace_finding *first_finding(void)
{
	return preload_next_finding(NULL);
}

/* The last recorded call. */
static const struct trace_event *last_event(void)
{
	const struct trace_event *last = NULL;

	for (struct trace_event *event = preload_next_event(NULL); event;
	     event = preload_next_event(event))
		if (event->state)
			last = event;
	return last;
}

static const struct trace_entry *shown(uint64_t address)
{
	for (struct trace_entry *entry = preload_next_entry(NULL); entry;
	     entry = preload_next_entry(entry))
		if (entry->state != TRACE_ENTRY_FREE && entry->address == address)
			return entry;
	return NULL;
}

static const struct trace_counter *counter(enum slot slot)
{
	for (struct trace_counters *counters = preload_next_counters(NULL); counters;
	     counters = preload_next_counters(counters))
		if (counters->valid && counters->package == PACKAGE)
			return &counters->function[slot];
	return NULL;
}

static const struct trace_lane *lane(void)
{
	return preload_next_lane(NULL);
}

/* The host was called once, with these arguments, and errno was passed on in both directions. */
#define assert_asked(argument0, argument1, argument2) \
	do { \
		cr_assert_eq(errno, HOST_ERRNO); \
		cr_assert_eq(host.errno_seen, OWN_ERRNO); \
		cr_assert_eq(host.calls, 1); \
		cr_assert_eq(host.argument[0], (uint64_t)(argument0)); \
		cr_assert_eq(host.argument[1], (uint64_t)(argument1)); \
		cr_assert_eq(host.argument[2], (uint64_t)(argument2)); \
		host.calls = 0; \
		errno = OWN_ERRNO; \
	} while (0)

Test(shims, arguments_results_and_errno_pass_through)
{
	void *buffer = NULL;

	errno = OWN_ERRNO;
	cr_assert_eq(create(0x9000), AT(0x9000));
	assert_asked(4096, 1024, 0);
	cr_assert_eq(allocate_in(AT(0x9000), 0x1000), AT(0x1000));
	assert_asked(0x9000, 64, 0);
	ours->FreeSharedMemory(AT(0x9000), AT(0x1000));
	assert_asked(0x9000, 0x1000, 0);
	host.deleted = 7;
	cr_assert_eq(ours->DeleteSharedMemory(AT(0x9000)), 7);
	assert_asked(0x9000, 0, 0);
	cr_assert_eq(allocate(0x2000), AT(0x2000));
	assert_asked(64, 0, 0);
	ours->FreeLsaHeap(AT(0x2000));
	assert_asked(0x2000, 0, 0);
	host.result = AT(0x3000);
	cr_assert_eq(ours->AllocatePrivateHeap(1ull << 40), AT(0x3000));
	assert_asked(1ull << 40, 0, 0);
	ours->FreePrivateHeap(AT(0x3000));
	assert_asked(0x3000, 0, 0);
	host.status = 9;
	cr_assert_eq(ours->AllocateClientBuffer(AT(1), 64, &buffer), 9);
	cr_assert_eq(buffer, AT(0x3000));
	assert_asked(1, 64, &buffer);
	cr_assert_eq(ours->FreeClientBuffer(AT(1), AT(0x3000)), 9);
	assert_asked(1, 0x3000, 0);
	assert_findings("");
}

Test(shims, what_a_function_hands_over_passes_through)
{
	NTSTATUS protocol_status = 0;
	void *buffer = NULL;
	UCHAR *data = NULL;
	ULONG length = 0;

	errno = OWN_ERRNO;
	host.result = AT(0x3000);
	cr_assert_eq(ours->CallPackage(AT(1), AT(2), 3, &buffer, &length, &protocol_status), 0);
	assert_asked(1, 2, 3);
	cr_assert(buffer == AT(0x3000) && length == 100 && protocol_status == 5);
	host.result = AT(0x4000);
	cr_assert_eq(ours->GetUserAuthData(AT(1), &data, &length), 0);
	assert_asked(1, 0, 0);
	cr_assert(data == AT(0x4000) && length == 200);
	cr_assert_eq(shown(0x3000)->size, 100);
	cr_assert_eq(shown(0x4000)->size, 200);
	ours->FreeReturnBuffer(AT(0x3000));
	ours->FreeLsaHeap(AT(0x4000));
	assert_findings("");
	cr_assert_null(shown(0x3000));
}

static NTSTATUS get_credentials(LSA_STRING *credentials)
{
	return ours->GetCredentials(AT(1), 2, AT(10), 4, AT(20), AT(30), credentials);
}

Test(shims, credentials_are_a_block_of_the_lsas_heap)
{
	LSA_STRING credentials = { 0 };

	errno = OWN_ERRNO;
	host.result = AT(0x3000);
	cr_assert_eq(get_credentials(&credentials), STATUS_SUCCESS);
	assert_asked(1, 2, 64);
	cr_assert(credentials.Buffer == AT(0x3000) && credentials.Length == 20);
	cr_assert_eq(shown(0x3000)->size, 24);
	cr_assert_eq(last_event()->address, 0x3000);
	ours->FreeLsaHeap(credentials.Buffer);
	assert_findings("");
	cr_assert_null(shown(0x3000));
}

/* The string then still holds what the caller had put there. */
Test(shims, credentials_that_were_not_given_are_no_block)
{
	LSA_STRING credentials;

	host.result = AT(0x3000);
	host.status = 0x105; /* STATUS_MORE_ENTRIES */
	cr_assert_eq(get_credentials(&credentials), 0x105);
	cr_assert_null(shown(0x3000));
	assert_findings("");
	cr_assert_eq(get_credentials(NULL), 0x105);
	host.status = STATUS_SUCCESS;
	cr_assert_eq(get_credentials(NULL), STATUS_SUCCESS);
	assert_findings("");
	host.status = STATUS_NOT_SUPPORTED;
	get_credentials(&credentials);
	cr_assert_null(shown(0x3000));
	assert_findings("failed-call");
}

/* The tracer gets no file descriptor, so it cannot read the names of modules at its first call. */
Test(shims, errno_passes_through_even_if_the_tracer_fails)
{
	struct rlimit limit, none;
	int after;

	getrlimit(RLIMIT_NOFILE, &limit);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = limit.rlim_max };
	setrlimit(RLIMIT_NOFILE, &none);
	errno = OWN_ERRNO;
	allocate(0x1000);
	after = errno;
	setrlimit(RLIMIT_NOFILE, &limit);
	cr_assert_eq(host.errno_seen, OWN_ERRNO);
	cr_assert_eq(after, HOST_ERRNO);
}

/* The upper half of a register that holds a ULONG can be anything. */
Test(shims, of_a_length_of_32_bits_only_these_are_looked_at)
{
	void *(SECPKG_CALL * allocate_wide)(uint64_t) =
		(void *(SECPKG_CALL *)(uint64_t))(void *)ours->AllocateLsaHeap;

	host.result = AT(0x1000);
	allocate_wide(0xdead00000040);
	cr_assert_eq(last_event()->size, 0x40);
	cr_assert_eq(shown(0x1000)->size, 0x40);
}

Test(shims, correct_calls_make_no_finding_and_leave_nothing_live)
{
	void *section = create(0x9000);

	ours->FreeSharedMemory(section, allocate_in(section, 0x1000));
	ours->FreeLsaHeap(allocate(0x2000));
	allocate_client(1, 0x3000, STATUS_SUCCESS);
	ours->FreeClientBuffer(AT(1), AT(0x3000));
	ours->FreeClientBuffer(AT(1), NULL);
	cr_assert(ours->DeleteSharedMemory(section));
	assert_findings("");
	for (struct trace_entry *entry = preload_next_entry(NULL); entry;
	     entry = preload_next_entry(entry))
		cr_assert_eq(entry->state, TRACE_ENTRY_FREE);
}

Test(shims, what_is_not_released_is_in_the_ledger)
{
	allocate_in(create(0x9000), 0x1000);
	cr_assert_eq(shown(0x9000)->state, TRACE_ENTRY_SECTION);
	cr_assert_eq(shown(0x9000)->size, 4096 | 1024ull << 32);
	cr_assert_eq(shown(0x1000)->state, TRACE_ENTRY_BLOCK);
	cr_assert_eq(shown(0x1000)->size, 64);
	cr_assert_eq(shown(0x1000)->package, PACKAGE);
	cr_assert_eq(shown(0x1000)->section, chunks_reference(shown(0x9000)));
	cr_assert_neq(shown(0x1000)->stack, 0);
}

Test(shims, a_function_that_fails_is_a_failed_call)
{
	void *buffer;
	ULONG length;
	NTSTATUS ignored;

	cr_assert_null(create(0));
	cr_assert_null(allocate_in(create(0x9000), 0));
	cr_assert_null(allocate(0));
	cr_assert_eq(allocate_client(1, 0x3000, STATUS_NO_MEMORY), STATUS_NO_MEMORY);
	host.result = AT(0x4000);
	ours->CallPackage(NULL, NULL, 0, &buffer, &length, &ignored);
	assert_findings("failed-call failed-call failed-call failed-call failed-call");
	cr_assert_null(shown(0x3000));
	cr_assert_null(shown(0x4000));
	cr_assert_eq(last_event()->verdict, TRACE_KIND_FAILED_CALL);
	cr_assert(last_event()->state & TRACE_EVENT_FAILED);
	cr_assert_eq(last_event()->result, STATUS_NO_MEMORY);
}

Test(shims, a_clients_buffer_that_could_not_be_freed_is_live)
{
	allocate_client(1, 0x3000, STATUS_SUCCESS);
	host.status = STATUS_ACCESS_DENIED;
	cr_assert_eq(ours->FreeClientBuffer(AT(1), AT(0x3000)), STATUS_ACCESS_DENIED);
	assert_findings("failed-call");
	cr_assert_eq(shown(0x3000)->state, TRACE_ENTRY_BLOCK);
	host.status = STATUS_SUCCESS;
	ours->FreeClientBuffer(AT(1), AT(0x3000));
	assert_findings("failed-call");
	cr_assert_null(shown(0x3000));
}

Test(shims, a_call_that_is_another_finding_is_no_failed_call_as_well)
{
	void *section = create(0x9000);

	ours->DeleteSharedMemory(section);
	cr_assert_null(allocate_in(section, 0));
	host.deleted = FALSE;
	cr_assert_not(ours->DeleteSharedMemory(section));
	cr_assert_not(ours->DeleteSharedMemory(NULL));
	host.status = STATUS_INVALID_PARAMETER;
	ours->FreeClientBuffer(AT(1), AT(0x5000));
	assert_findings("invalid-section/deleted double-delete invalid-delete/null "
			"invalid-free/unknown-address");
}

Test(shims, a_section_that_was_never_seen_is_invalid_if_the_host_refuses_it)
{
	cr_assert_null(allocate_in(AT(0x9000), 0));
	assert_findings("invalid-section/unknown");
	host.deleted = FALSE;
	ours->DeleteSharedMemory(AT(0x9000));
	assert_findings("invalid-section/unknown invalid-delete/unknown");
	cr_assert_eq(last_event()->verdict, TRACE_KIND_INVALID_DELETE);
	cr_assert_null(shown(0x9000));
}

Test(shims, a_section_that_was_never_seen_is_adopted_if_the_host_knows_it)
{
	void *section = AT(0x9000);

	allocate_in(section, 0x1000);
	cr_assert_eq(shown(0x9000)->flags, TRACE_ENTRY_ADOPTED);
	cr_assert_eq(shown(0x9000)->stack, 0);
	cr_assert_eq(shown(0x1000)->section, chunks_reference(shown(0x9000)));
	ours->FreeSharedMemory(section, AT(0x1000));
	ours->FreeSharedMemory(section, AT(0x2000));
	cr_assert(ours->DeleteSharedMemory(section));
	assert_findings("");
	cr_assert_null(shown(0x9000));
}

Test(shims, a_section_that_was_never_seen_may_be_deleted)
{
	cr_assert(ours->DeleteSharedMemory(AT(0x9000)));
	ours->FreeSharedMemory(AT(0xa000), AT(0x2000));
	assert_findings("");
}

Test(shims, a_section_that_was_never_seen_may_be_deleted_once)
{
	ours->DeleteSharedMemory(AT(0x9000));
	cr_assert_null(shown(0x9000));
	ours->DeleteSharedMemory(AT(0x9000));
	assert_findings("double-delete");
	cr_assert_null(shown(0x9000));
}

/* A handle that the host refuses is no section, though it was named. */
Test(shims, a_handle_that_the_host_refuses_to_delete_stays_unknown)
{
	host.deleted = FALSE;
	ours->DeleteSharedMemory(AT(0x9000));
	cr_assert_null(shown(0x9000));
	ours->DeleteSharedMemory(AT(0x9000));
	ours->FreeSharedMemory(AT(0x9000), AT(0x2000));
	assert_findings("2*invalid-delete/unknown");
	host.deleted = TRUE;
	allocate_in(AT(0x9000), 0x1000);
	cr_assert_eq(shown(0x9000)->flags, TRACE_ENTRY_ADOPTED);
	ours->FreeSharedMemory(AT(0x9000), AT(0x1000));
	ours->DeleteSharedMemory(AT(0x9000));
	assert_findings("2*invalid-delete/unknown");
}

Test(shims, blocks_that_are_left_in_an_adopted_section_are_found)
{
	void *section = AT(0x9000);

	allocate_in(section, 0x1000);
	ours->DeleteSharedMemory(section);
	assert_findings("live-at-delete");
	cr_assert_null(shown(0x1000));
	ours->FreeSharedMemory(section, AT(0x1000));
	ours->DeleteSharedMemory(section);
	assert_findings("live-at-delete free-after-delete double-delete");
}

/* The handle is what is wrong, and it is a finding: none is made of the block. */
Test(shims, a_block_of_a_deleted_section_is_suspect)
{
	void *section = create(0x9000);

	ours->DeleteSharedMemory(section);
	allocate_in(section, 0x1000);
	assert_findings("invalid-section/deleted");
	cr_assert_eq(shown(0x1000)->state, TRACE_ENTRY_SUSPECT);
	ours->FreeSharedMemory(section, AT(0x1000));
	assert_findings("invalid-section/deleted");
	cr_assert_null(shown(0x1000));
}

Test(shims, blocks_that_a_deletion_leaves_are_found)
{
	const struct trace_finding *f;
	void *section = create(0x9000);

	allocate_in(section, 0x1000);
	allocate_in(section, 0x1100);
	ours->FreeSharedMemory(section, allocate_in(section, 0x1200));
	ours->DeleteSharedMemory(section);
	assert_findings("2*live-at-delete");
	f = first_finding();
	cr_assert_eq(f->bytes, 128);
	cr_assert_eq(f->size, 64);
	cr_assert(f->address == 0x1000 || f->address == 0x1100, "in any order");
	cr_assert_eq(f->section.handle, 0x9000);
	cr_assert_eq(f->section.max_size, 4096);
	cr_assert_eq(f->section.initial_size, 1024);
	cr_assert_neq(f->stack[TRACE_STACK_ALLOCATE], 0);
	cr_assert_neq(f->stack[TRACE_STACK_CREATE], 0);
	cr_assert_neq(f->stack[TRACE_STACK_DELETE], 0);
	cr_assert_eq(f->stack[TRACE_STACK_FREE], 0);
	cr_assert_eq(last_event()->verdict, TRACE_KIND_LIVE_AT_DELETE);
}

Test(shims, a_suspect_block_is_not_live_at_delete)
{
	void *section = create(0x9000), *other = create(0xa000);

	ours->FreeSharedMemory(other, allocate_in(section, 0x1000));
	ours->DeleteSharedMemory(section);
	assert_findings("mismatched-free/wrong-section");
	cr_assert_eq(last_event()->verdict, TRACE_KIND_NONE);
}

Test(shims, an_inherited_block_is_not_live_at_delete)
{
	struct ledger_view section;
	struct ledger_entry block = { .space = SPACE_BLOCK,
				      .family = FAMILY_SHARED_MEMORY,
				      .address = 0x1000,
				      .size = 64,
				      .flags = LEDGER_INHERITED };

	create(0x9000);
	lookup_find(SPACE_SECTION, 0x9000, 0, &section);
	block.scope = scopes_of(&section);
	ledger_enter(lanes_mine(), &block, NULL);
	ours->DeleteSharedMemory(AT(0x9000));
	assert_findings("");
}

Test(shims, a_refused_deletion_changes_nothing)
{
	void *section = create(0x9000);

	allocate_in(section, 0x1000);
	host.deleted = FALSE;
	cr_assert_not(ours->DeleteSharedMemory(section));
	assert_findings("failed-call");
	cr_assert_eq(last_event()->verdict, TRACE_KIND_FAILED_CALL);
	cr_assert_eq(shown(0x9000)->state, TRACE_ENTRY_SECTION);
	cr_assert_eq(shown(0x1000)->state, TRACE_ENTRY_BLOCK);
	ours->FreeSharedMemory(section, AT(0x1000));
	host.deleted = TRUE;
	ours->DeleteSharedMemory(section);
	assert_findings("failed-call");
}

/* A call stays wrong even if the host accepts a handle that is no section. */
Test(shims, a_wrong_deletion_is_wrong_even_if_the_host_agrees)
{
	void *section = create(0x9000);

	ours->DeleteSharedMemory(section);
	cr_assert(ours->DeleteSharedMemory(section));
	allocate(0x1000);
	cr_assert(ours->DeleteSharedMemory(AT(0x1000)));
	assert_findings("double-delete invalid-delete/block");
}

Test(shims, a_wrong_free_names_block_section_and_owner)
{
	const struct trace_finding *f;
	void *section = create(0x9000), *other = create(0xa000);

	ours->FreeSharedMemory(other, allocate_in(section, 0x1000));
	f = first_finding();
	cr_assert_eq(f->kind, TRACE_KIND_MISMATCHED_FREE);
	cr_assert_eq(f->address, 0x1000);
	cr_assert_eq(f->size, 64);
	cr_assert_eq(f->bytes, 64);
	cr_assert_eq(f->section.handle, 0xa000);
	cr_assert_eq(f->owner.handle, 0x9000);
	cr_assert_eq(f->flags, TRACE_FINDING_HAS_SECTION | TRACE_FINDING_HAS_OWNER |
				       TRACE_FINDING_SECTION_SIZES | TRACE_FINDING_OWNER_SIZES |
				       TRACE_FINDING_HAS_ADDRESS | TRACE_FINDING_HAS_SIZE);
	cr_assert_eq(f->family, FAMILY_SHARED_MEMORY);
	cr_assert_eq(f->block_family, FAMILY_SHARED_MEMORY);
	cr_assert_eq(f->package, PACKAGE);
	cr_assert_eq(f->function, SLOT_FreeSharedMemory);
	cr_assert_neq(f->stack[TRACE_STACK_CALL], 0);
	cr_assert_neq(f->stack[TRACE_STACK_ALLOCATE], 0);
	cr_assert_neq(f->stack[TRACE_STACK_OWNER_CREATE], 0);
	cr_assert_eq(f->stack[TRACE_STACK_FREE], 0);
}

Test(shims, a_double_free_names_the_first_one)
{
	void *block = allocate(0x1000);

	ours->FreeLsaHeap(block);
	ours->FreeLsaHeap(block);
	ours->FreeReturnBuffer(block);
	assert_findings("double-free double-free");
	cr_assert_neq(first_finding()->stack[TRACE_STACK_FREE], 0);
	cr_assert_eq(first_finding()->section.handle, 0);
}

Test(shims, a_null_free_has_no_address)
{
	ours->FreeLsaHeap(NULL);
	ours->FreePrivateHeap(NULL);
	ours->FreeSharedMemory(create(0x9000), NULL);
	assert_findings("null-free null-free null-free");
	cr_assert_not(first_finding()->flags & TRACE_FINDING_HAS_ADDRESS);
}

Test(shims, which_of_the_lsas_functions_is_documented_depends_on_where_a_block_is_from)
{
	void *buffer = NULL;
	UCHAR *data = NULL;
	ULONG length;
	NTSTATUS status;

	host.result = AT(0x3000);
	ours->CallPackage(NULL, NULL, 0, &buffer, &length, &status);
	host.result = AT(0x4000);
	ours->GetUserAuthData(NULL, &data, &length);
	ours->FreeLsaHeap(AT(0x3000));
	ours->FreeReturnBuffer(AT(0x4000));
	ours->FreeReturnBuffer(allocate(0x5000));
	ours->FreeReturnBuffer(NULL);
	assert_findings("exchanged-free 2*exchanged-free");
	cr_assert_null(shown(0x3000));
	cr_assert_null(shown(0x4000));
	cr_assert_null(shown(0x5000));
	cr_assert_eq(counter(SLOT_FreeReturnBuffer)->calls, 3);
	cr_assert_eq(last_event()->verdict, TRACE_KIND_NONE);
}

Test(shims, wrong_calls_reach_the_host)
{
	ours->FreeSharedMemory(NULL, AT(0x1234));
	cr_assert_eq(host.calls, 1);
	cr_assert_eq(host.argument[1], 0x1234);
	ours->FreeLsaHeap(AT(0x1234));
	ours->DeleteSharedMemory(NULL);
	cr_assert_eq(host.calls, 3);
}

Test(shims, an_acquiring_call_is_recorded_as_it_returned)
{
	const struct trace_event *event;

	allocate_in(create(0x9000), 0x1000);
	event = last_event();
	cr_assert_eq(event->state, TRACE_EVENT_COMMITTED | TRACE_EVENT_RETURNED);
	cr_assert_eq(event->function, SLOT_AllocateSharedMemory);
	cr_assert_eq(event->package, PACKAGE);
	cr_assert_eq(event->address, 0x1000);
	cr_assert_eq(event->section, 0x9000);
	cr_assert_eq(event->size, 64);
	cr_assert_eq(event->tid, lane()->tid);
	cr_assert_neq(event->stack, 0);
	cr_assert_eq(event->verdict, TRACE_KIND_NONE);
	cr_assert_gt(event->time, event->duration);
}

static struct trace_event meanwhile;

static void look_at_last_event(void)
{
	meanwhile = *last_event();
}

/* As soon as the host has released an address, another thread may get it. */
Test(shims, a_releasing_call_is_recorded_before_the_host_is_asked)
{
	allocate(0x1000);
	host.meanwhile = look_at_last_event;
	ours->FreeLsaHeap(AT(0x1000));
	cr_assert_eq(meanwhile.function, SLOT_FreeLsaHeap);
	cr_assert_eq(meanwhile.state, TRACE_EVENT_COMMITTED);
	cr_assert_eq(last_event()->state, TRACE_EVENT_COMMITTED | TRACE_EVENT_RETURNED);
	cr_assert_eq(last_event()->time, meanwhile.time);
}

static void hand_out_again(void)
{
	host.meanwhile = NULL;
	allocate(0x1000);
}

Test(shims, an_address_that_is_handed_out_before_its_free_has_returned_is_live)
{
	allocate(0x1000);
	host.meanwhile = hand_out_again;
	ours->FreeLsaHeap(AT(0x1000));
	cr_assert_eq(shown(0x1000)->state, TRACE_ENTRY_BLOCK);
	ours->FreeLsaHeap(AT(0x1000));
	assert_findings("");
}

static struct trace_lane lane_meanwhile;

static void look_at_lane(void)
{
	lane_meanwhile = *lane();
}

Test(shims, a_call_is_in_flight_until_it_returns)
{
	host.meanwhile = look_at_lane;
	create(0x9000);
	cr_assert_eq(lane_meanwhile.depth, 1);
	cr_assert_eq(lane_meanwhile.in_flight[0].function, SLOT_CreateSharedMemory);
	cr_assert_eq(lane_meanwhile.in_flight[0].package, PACKAGE);
	cr_assert_eq(lane_meanwhile.in_flight[0].arguments[0], 4096);
	cr_assert_eq(lane_meanwhile.in_flight[0].arguments[1], 1024);
	cr_assert_eq(lane()->depth, 0);
}

static void call_within(void)
{
	host.meanwhile = look_at_lane;
	allocate(0x1000);
}

Test(shims, a_call_within_a_call_is_traced_as_well)
{
	host.meanwhile = call_within;
	create(0x9000);
	cr_assert_eq(lane_meanwhile.depth, 2);
	cr_assert_eq(lane_meanwhile.in_flight[0].function, SLOT_CreateSharedMemory);
	cr_assert_eq(lane_meanwhile.in_flight[1].function, SLOT_AllocateLsaHeap);
	cr_assert_eq(lane()->depth, 0);
	cr_assert_not_null(shown(0x1000));
}

static unsigned levels;

static void call_deeper(void)
{
	if (++levels < 3 * TRACE_IN_FLIGHT)
		allocate(0x1000 + levels * 0x100);
}

Test(shims, calls_nested_deeper_than_can_be_shown_are_traced)
{
	host.meanwhile = call_deeper;
	allocate(0x1000);
	cr_assert_eq(counter(SLOT_AllocateLsaHeap)->calls, 3 * TRACE_IN_FLIGHT);
	cr_assert_eq(lane()->depth, 0);
}

Test(shims, calls_failures_and_bytes_are_counted)
{
	void *section = create(0x9000);

	create(0);
	allocate_in(section, 0x1000);
	allocate_in(section, 0x1100);
	ours->FreeSharedMemory(section, AT(0x1000));
	host.deleted = FALSE;
	ours->DeleteSharedMemory(section);
	cr_assert_eq(counter(SLOT_CreateSharedMemory)->calls, 2);
	cr_assert_eq(counter(SLOT_CreateSharedMemory)->failed, 1);
	cr_assert_eq(counter(SLOT_CreateSharedMemory)->bytes, 4096);
	cr_assert_eq(counter(SLOT_AllocateSharedMemory)->calls, 2);
	cr_assert_eq(counter(SLOT_AllocateSharedMemory)->bytes, 128);
	cr_assert_eq(counter(SLOT_FreeSharedMemory)->calls, 1);
	cr_assert_eq(counter(SLOT_FreeSharedMemory)->bytes, 0);
	cr_assert_eq(counter(SLOT_DeleteSharedMemory)->calls, 1);
	cr_assert_eq(counter(SLOT_DeleteSharedMemory)->failed, 1);
}

/* From a signal handler that interrupted the tracer. */
Test(shims, a_call_from_within_the_tracer_has_a_lane_of_its_own)
{
	struct lane *outer;

	allocate(0x1000);
	outer = lanes_mine();
	for (uint64_t i = 0; i < 3; i++) {
		reentry_inside = true;
		errno = OWN_ERRNO;
		allocate(0x2000 + i * 0x100);
		ours->FreeLsaHeap(AT(0x2000 + i * 0x100));
		cr_expect_eq(lanes_own, outer);
		cr_expect_eq(reentry_inside, true);
		reentry_inside = false;
	}
	ours->FreeLsaHeap(AT(0x1000));
	cr_expect_eq(lanes_count(), 2);
	cr_expect_eq(trace_header->lost[TRACE_LOST_JUDGEMENTS], 0);
	assert_findings("");
}

/* The handler of a call that was made within the tracer makes calls in its turn. */
Test(shims, calls_in_a_call_from_within_the_tracer_use_its_lane)
{
	struct lane *outer;

	allocate(0x1000);
	outer = lanes_mine();
	reentry_inside = true;
	host.meanwhile = call_within;
	allocate(0x2000);
	cr_expect_eq(lanes_own, outer);
	cr_expect_eq(reentry_inside, true);
	cr_expect_eq(lanes_count(), 2);
	reentry_inside = false;
	cr_expect_eq(trace_header->lost[TRACE_LOST_JUDGEMENTS], 0);
}

/* The first call of a thread was just getting one. */
Test(shims, a_call_from_within_the_tracer_needs_no_other_lane)
{
	allocate(0x1000);
	lanes_own_trace = UINT32_MAX;
	reentry_inside = true;
	allocate(0x2000);
	cr_assert_not_null(shown(0x2000));
	cr_expect_null(lanes_known());
	cr_expect_eq(reentry_inside, true);
	cr_expect_eq(trace_header->lost[TRACE_LOST_JUDGEMENTS], 0);
	reentry_inside = false;
}

/* Here because the thread holds the lock that is needed for a new lane. */
Test(shims, a_call_from_within_the_tracer_that_gets_no_lane_passes_through_and_is_counted)
{
	allocate(0x1000);
	cr_assert(lock_take(LOCK_COLD));
	reentry_inside = true;
	errno = OWN_ERRNO;
	host.calls = 0;
	cr_assert_eq(allocate(0x2000), AT(0x2000));
	assert_asked(64, 0, 0);
	cr_assert(reentry_inside);
	ours->FreeLsaHeap(AT(0x1000));
	reentry_inside = false;
	lock_release(LOCK_COLD);
	cr_assert_eq(trace_header->lost[TRACE_LOST_JUDGEMENTS], 2);
	cr_assert_null(shown(0x1000), "it is no leak");
	ours->FreeLsaHeap(AT(0x2000));
	assert_findings("");
}

/* As longjmp() leaves it, in the middle of a backtrace. */
static void leave_inside(struct lane *lane)
{
	struct unwind_history *h = lane->history;
	static struct reentry_mark mark;

	reentry_enter(&mark);
	mark.check = 0;
	for (struct unwind_frame *f = unwind_root(h) + 2; f <= h->last; f++)
		f->node = f[-1].node;
}

Test(shims, a_call_of_a_thread_that_was_left_inside_the_tracer_is_counted_and_traced_from_scratch)
{
	uint32_t stack[2];

	for (uint64_t i = 0; i < 2; i++) {
		if (i > 0)
			leave_inside(lanes_mine());
		allocate(0x1000 + i * 0x1000);
		cr_assert_not_null(shown(0x1000 + i * 0x1000));
		stack[i] = shown(0x1000 + i * 0x1000)->stack;
	}
	cr_expect_eq(stack[0], stack[1]);
	cr_expect_eq(reentry_inside, 0);
	cr_expect_eq(trace_header->lost[TRACE_LOST_JUDGEMENTS], 1);
}

Test(shims, the_host_runs_outside_of_the_tracer)
{
	reentry_inside = false;
	host.meanwhile = call_within;
	create(0x9000);
	cr_assert_eq(trace_header->lost[TRACE_LOST_JUDGEMENTS], 0);
	cr_assert_not(reentry_inside);
}

enum { THREADS = 4, TURNS = 20000 };

static PVOID SECPKG_CALL own_allocate(ULONG size)
{
	static __thread uint64_t turn;

	return AT((uint64_t)(uintptr_t)&turn + size + 64 * (turn++ % 500));
}

static void SECPKG_CALL own_free(PVOID memory)
{
	(void)memory;
}

static void *allocate_and_free(void *number)
{
	for (int i = 0; i < TURNS; i++)
		ours->FreeLsaHeap(ours->AllocateLsaHeap(64));
	return number;
}

Test(shims, threads_that_call_at_once_are_counted_exactly)
{
	uint64_t allocated = 0, freed = 0;

	hosts.AllocateLsaHeap = own_allocate;
	hosts.FreeLsaHeap = own_free;
	ours = table_substitute(&hosts, TABLE_FULL, TABLE_FULL, CONVENTION, PACKAGE, PACKAGE);
	preload_run_threads(THREADS, allocate_and_free);
	for (struct trace_counters *counters = preload_next_counters(NULL); counters;
	     counters = preload_next_counters(counters)) {
		allocated += counters->function[SLOT_AllocateLsaHeap].calls;
		freed += counters->function[SLOT_FreeLsaHeap].calls;
	}
	cr_assert_eq(allocated, THREADS * TURNS);
	cr_assert_eq(freed, THREADS * TURNS);
	assert_findings("");
	for (int lost = 0; lost < TRACE_LOST_COUNT; lost++)
		cr_assert_eq(trace_header->lost[lost], 0, "%d", lost);
}
