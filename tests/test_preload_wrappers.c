/* SPDX-License-Identifier: MIT */
/*
 * What a package returns from its entry points changes hands. The package is played by this
 * program, and called as a host would call it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <criterion/criterion.h>

#include "../preload/ledger.h"
#include "../preload/libraries.h"
#include "secpkg.h"
#include "slots.h"
#include "support/preload_fixture.h"

enum { WORDS = 8, REQUEST = 1, PROFILE = 0x7000, OWN_ERRNO = 42 };

#define AT(address) ((void *)(uintptr_t)(address))

static struct lane *lane;
static SECPKG_FUNCTION_TABLE package, *ours;

/* What the package returns: blocks of the LSA's heap. */
static struct {
	NTSTATUS status;
	void *block[5];
	void *primary[WORDS]; /* the caller's structure, which points to a block */
} given;

static NTSTATUS entry(ULONG version, PULONG package_version, PSECPKG_FUNCTION_TABLE *tables,
		      PULONG count)
{
	(void)version;
	*package_version = SECPKG_INTERFACE_VERSION_8;
	*tables = &package;
	*count = 1;
	return STATUS_SUCCESS;
}

static NTSTATUS initialize_package(ULONG id, PLSA_DISPATCH_TABLE table, PLSA_STRING database,
				   PLSA_STRING confidentiality, PLSA_STRING *name)
{
	(void)id, (void)table, (void)database, (void)confidentiality;
	*name = given.block[0];
	return given.status;
}

static NTSTATUS log_on(PLSA_CLIENT_REQUEST request, SECURITY_LOGON_TYPE type, PVOID information,
		       PVOID client_base, ULONG bytes, PVOID *profile, PULONG profile_bytes,
		       PLUID id, PNTSTATUS sub_status, PLSA_TOKEN_INFORMATION_TYPE token_type,
		       PVOID *token, PUNICODE_STRING *account, PUNICODE_STRING *authority,
		       PUNICODE_STRING *machine, PSECPKG_PRIMARY_CRED primary,
		       PSECPKG_SUPPLEMENTAL_CRED_ARRAY *cached)
{
	(void)request, (void)type, (void)information, (void)client_base, (void)bytes;
	(void)profile_bytes, (void)id, (void)sub_status, (void)token_type, (void)primary;
	*profile = AT(PROFILE);
	*token = given.block[0];
	*account = given.block[1];
	*authority = given.block[2];
	*machine = given.block[3];
	*cached = NULL;
	errno = OWN_ERRNO;
	return given.status;
}

static NTSTATUS call_package(PLSA_CLIENT_REQUEST request, PVOID submit, PVOID client_base,
			     ULONG bytes, PVOID *answer, PULONG answer_bytes,
			     PNTSTATUS protocol_status)
{
	(void)request, (void)submit, (void)client_base, (void)bytes, (void)answer_bytes;
	(void)protocol_status;
	*answer = AT(PROFILE);
	return given.status;
}

static void enter(enum ledger_space space, enum family family, const void *address, uint64_t scope)
{
	struct ledger_entry what = { .space = (uint8_t)space,
				     .family = (uint8_t)family,
				     .address = (uint64_t)(uintptr_t)address,
				     .scope = scope,
				     .size = WORDS * sizeof(void *) };

	cr_assert(ledger_enter(lane, &what, NULL));
}

static void start(void)
{
	ULONG version, count;

	lane = preload_start(4 << 20);
	package.InitializePackage = initialize_package;
	package.LogonUserEx2 = log_on;
	package.CallPackage = call_package;
	for (int i = 0; i < 5; i++) {
		given.block[i] = calloc(WORDS, sizeof(void *));
		enter(SPACE_BLOCK, FAMILY_LSA_HEAP, given.block[i], 0);
	}
	given.primary[3] = given.block[4];
	enter(SPACE_CLIENT, FAMILY_CLIENT_BUFFER, AT(PROFILE), REQUEST);
	cr_assert_eq(((SpLsaModeInitializeFn)libraries_entry_for((void *)entry, LIBRARY_LSA))(
			     0, &version, &ours, &count),
		     STATUS_SUCCESS);
	cr_assert_neq(ours, &package);
}

TestSuite(wrappers, .init = start);

static bool is_live(enum ledger_space space, const void *address)
{
	struct ledger_view view;

	return ledger_find(space, (uint64_t)(uintptr_t)address, REQUEST, &view) &&
	       ledger_is_live(&view);
}

static unsigned live_blocks(void)
{
	unsigned live = 0;

	for (int i = 0; i < 5; i++)
		live += is_live(SPACE_BLOCK, given.block[i]);
	return live;
}

/* Returns the status, or 1 if errno is not what the package left behind. */
static NTSTATUS call_log_on(void)
{
	PUNICODE_STRING account, authority, machine;
	PSECPKG_SUPPLEMENTAL_CRED_ARRAY cached;
	void *profile, *token;
	NTSTATUS status;

	errno = 0;
	status = ours->LogonUserEx2(AT(REQUEST), 0, NULL, NULL, 0, &profile, NULL, NULL, NULL, NULL,
				    &token, &account, &authority, &machine,
				    (PSECPKG_PRIMARY_CRED)given.primary, &cached);
	return errno == OWN_ERRNO ? status : 1;
}

Test(wrappers, what_a_logon_returns_changes_hands)
{
	cr_assert_eq(call_log_on(), STATUS_SUCCESS);
	cr_assert_eq(live_blocks(), 0);
	cr_assert_not(is_live(SPACE_CLIENT, AT(PROFILE)));
}

Test(wrappers, what_a_logon_that_failed_returns_stays_the_packages)
{
	given.status = STATUS_LOGON_FAILURE;
	cr_assert_eq(call_log_on(), STATUS_LOGON_FAILURE);
	cr_assert_eq(live_blocks(), 5);
	cr_assert(is_live(SPACE_CLIENT, AT(PROFILE)));
}

/* Even where the tracer itself cannot have a descriptor. */
Test(wrappers, a_logon_leaves_errno_as_the_package_left_it)
{
	struct rlimit limit, none;
	NTSTATUS status;

	getrlimit(RLIMIT_NOFILE, &limit);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = limit.rlim_max };
	setrlimit(RLIMIT_NOFILE, &none);
	status = call_log_on();
	setrlimit(RLIMIT_NOFILE, &limit);
	cr_assert_eq(status, STATUS_SUCCESS);
}

Test(wrappers, a_packages_name_goes_to_the_lsa)
{
	PLSA_STRING name;

	cr_assert_eq(ours->InitializePackage(0, NULL, NULL, NULL, &name), STATUS_SUCCESS);
	cr_assert_eq(name, given.block[0]);
	cr_assert_eq(live_blocks(), 4);
}

Test(wrappers, an_answer_goes_to_the_client_if_the_call_succeeded)
{
	void *answer;

	given.status = STATUS_NOT_SUPPORTED;
	cr_assert_eq(ours->CallPackage(AT(REQUEST), NULL, NULL, 0, &answer, NULL, NULL),
		     given.status);
	cr_assert(is_live(SPACE_CLIENT, AT(PROFILE)));
	given.status = STATUS_SUCCESS;
	cr_assert_eq(ours->CallPackage(AT(REQUEST), NULL, NULL, 0, &answer, NULL, NULL),
		     given.status);
	cr_assert_eq(answer, AT(PROFILE));
	cr_assert_not(is_live(SPACE_CLIENT, AT(PROFILE)));
}
