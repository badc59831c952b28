/* SPDX-License-Identifier: MIT */
/*
 * What a package returns from its entry points changes its owner. This program plays the package,
 * and calls it as a host would.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <criterion/criterion.h>

#include "include/secpkg.h"
#include "include/slots.h"
#include "preload/call/convention.h"
#include "preload/ledger/ledger.h"
#include "preload/ledger/lookup.h"
#include "preload/package/lsa_mode.h"
#include "tests/support/preload_fixture.h"

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

static NTSTATUS SECPKG_CALL entry(ULONG version, PULONG package_version,
				  PSECPKG_FUNCTION_TABLE *tables, PULONG count)
{
	(void)version;
	*package_version = SECPKG_INTERFACE_VERSION_8;
	*tables = &package;
	*count = 1;
	return STATUS_SUCCESS;
}

static NTSTATUS SECPKG_CALL initialize_package(ULONG id, PLSA_DISPATCH_TABLE table,
					       PLSA_STRING database, PLSA_STRING confidentiality,
					       PLSA_STRING *name)
{
	(void)id, (void)table, (void)database, (void)confidentiality;
	*name = given.block[0];
	return given.status;
}

/* The older kinds of logon have fewer results. */
static NTSTATUS SECPKG_CALL log_on_plainly(PLSA_CLIENT_REQUEST request, SECURITY_LOGON_TYPE type,
					   PVOID information, PVOID client_base, ULONG bytes,
					   PVOID *profile, PULONG profile_bytes, PLUID id,
					   PNTSTATUS sub_status,
					   PLSA_TOKEN_INFORMATION_TYPE token_type, PVOID *token,
					   PLSA_UNICODE_STRING *account,
					   PLSA_UNICODE_STRING *authority)
{
	(void)request, (void)type, (void)information, (void)client_base, (void)bytes;
	(void)profile_bytes, (void)id, (void)sub_status, (void)token_type;
	*profile = NULL;
	*token = given.block[0];
	*account = given.block[1];
	*authority = given.block[2];
	return given.status;
}

static NTSTATUS SECPKG_CALL
log_on_with_machine(PLSA_CLIENT_REQUEST request, SECURITY_LOGON_TYPE type, PVOID information,
		    PVOID client_base, ULONG bytes, PVOID *profile, PULONG profile_bytes, PLUID id,
		    PNTSTATUS sub_status, PLSA_TOKEN_INFORMATION_TYPE token_type, PVOID *token,
		    PUNICODE_STRING *account, PUNICODE_STRING *authority, PUNICODE_STRING *machine)
{
	*machine = given.block[3];
	return log_on_plainly(request, type, information, client_base, bytes, profile,
			      profile_bytes, id, sub_status, token_type, token, account, authority);
}

static NTSTATUS SECPKG_CALL log_on(PLSA_CLIENT_REQUEST request, SECURITY_LOGON_TYPE type,
				   PVOID information, PVOID client_base, ULONG bytes, PVOID *profile,
				   PULONG profile_bytes, PLUID id, PNTSTATUS sub_status,
				   PLSA_TOKEN_INFORMATION_TYPE token_type, PVOID *token,
				   PUNICODE_STRING *account, PUNICODE_STRING *authority,
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

static NTSTATUS SECPKG_CALL call_package(PLSA_CLIENT_REQUEST request, PVOID submit,
					 PVOID client_base, ULONG bytes, PVOID *answer,
					 PULONG answer_bytes, PNTSTATUS protocol_status)
{
	(void)request, (void)submit, (void)client_base, (void)bytes, (void)answer_bytes;
	(void)protocol_status;
	*answer = AT(PROFILE);
	return given.status;
}

/* Returns a token in the client or on the LSA's heap, and the context's data. */
static NTSTATUS SECPKG_CALL init_context(LSA_SEC_HANDLE credential, LSA_SEC_HANDLE context,
					 PUNICODE_STRING target, ULONG requirements,
					 ULONG representation, PSecBufferDesc input,
					 PLSA_SEC_HANDLE new_context, PSecBufferDesc output,
					 PULONG attributes, PTimeStamp expiration, PBOOLEAN mapped,
					 PSecBuffer data)
{
	(void)target, (void)requirements, (void)representation, (void)input, (void)attributes;
	(void)expiration;
	cr_expect(credential == 1 && context == 2);
	*new_context = 3;
	output->pBuffers[0].pvBuffer = AT(PROFILE);
	output->pBuffers[1].pvBuffer = given.block[0];
	data->pvBuffer = given.block[1];
	*mapped = TRUE;
	errno = OWN_ERRNO;
	return given.status;
}

static NTSTATUS SECPKG_CALL accept_context(LSA_SEC_HANDLE credential, LSA_SEC_HANDLE context,
					   PSecBufferDesc input, ULONG requirements,
					   ULONG representation, PLSA_SEC_HANDLE new_context,
					   PSecBufferDesc output, PULONG attributes,
					   PTimeStamp expiration, PBOOLEAN mapped, PSecBuffer data)
{
	return init_context(credential, context, NULL, requirements, representation, input,
			    new_context, output, attributes, expiration, mapped, data);
}

static NTSTATUS SECPKG_CALL get_user_info(PLUID logon, ULONG flags, PSecurityUserData *data)
{
	(void)logon, (void)flags;
	*data = AT(PROFILE);
	errno = OWN_ERRNO;
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
	package.LogonUser = log_on_plainly;
	package.LogonUserEx = log_on_with_machine;
	package.LogonUserEx2 = log_on;
	package.CallPackage = call_package;
	package.CallPackageUntrusted = call_package;
	package.CallPackagePassthrough = call_package;
	package.InitLsaModeContext = init_context;
	package.AcceptLsaModeContext = accept_context;
	package.GetUserInfo = get_user_info;
	for (int i = 0; i < 5; i++) {
		given.block[i] = calloc(WORDS, sizeof(void *));
		enter(SPACE_BLOCK, FAMILY_LSA_HEAP, given.block[i], 0);
	}
	given.primary[3] = given.block[4];
	enter(SPACE_CLIENT, FAMILY_CLIENT_BUFFER, AT(PROFILE), REQUEST);
	cr_assert_eq(((SpLsaModeInitializeFn)lsa_mode_entry_for(
			     (void *)entry, LIBRARY_LSA, CONVENTION))(0, &version, &ours, &count),
		     STATUS_SUCCESS);
	cr_assert_neq(ours, &package);
}

TestSuite(wrappers, .init = start);

static bool is_live(enum ledger_space space, const void *address)
{
	struct ledger_view view;

	return lookup_find(space, (uint64_t)(uintptr_t)address, REQUEST, &view) &&
	       ledger_is_live(&view);
}

static unsigned live_blocks(void)
{
	unsigned live = 0;

	for (int i = 0; i < 5; i++)
		live += is_live(SPACE_BLOCK, given.block[i]);
	return live;
}

/* Returns the status, or 1 if the package's errno was changed. */
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

/* Its token, its profile and its credentials do not. */
Test(wrappers, of_a_logon_that_failed_the_names_change_hands)
{
	given.status = STATUS_LOGON_FAILURE;
	cr_assert_eq(call_log_on(), STATUS_LOGON_FAILURE);
	cr_assert(is_live(SPACE_BLOCK, given.block[0]));
	cr_assert(is_live(SPACE_BLOCK, given.block[4]));
	cr_assert_eq(live_blocks(), 2);
	cr_assert(is_live(SPACE_CLIENT, AT(PROFILE)));
}

/* Even if the tracer itself can open no file. */
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

/* The number of blocks that an entry point has handed over, as the trace counts them. */
static uint64_t handed_over(enum transfer_function function)
{
	struct trace_counters *counters = NULL;

	while ((counters = preload_next_counters(counters)) != NULL)
		if (counters->valid && function - counters->first < TRACE_COUNTERS_FUNCTIONS)
			return counters->function[function - counters->first].calls;
	return 0;
}

Test(wrappers, each_entry_point_is_told_apart_by_its_name)
{
	PLSA_STRING name;
	void *answer;

	ours->InitializePackage(0, NULL, NULL, NULL, &name);
	cr_expect_eq(handed_over(TRANSFER_InitializePackage), 1);
	call_log_on();
	cr_expect_eq(handed_over(TRANSFER_LogonUserEx2), 5,
		     "the profile, and what had not gone before");
	enter(SPACE_CLIENT, FAMILY_CLIENT_BUFFER, AT(PROFILE), REQUEST);
	ours->CallPackage(AT(REQUEST), NULL, NULL, 0, &answer, NULL, NULL);
	cr_expect_eq(handed_over(TRANSFER_CallPackage), 1);
	enter(SPACE_CLIENT, FAMILY_CLIENT_BUFFER, AT(PROFILE), REQUEST);
	ours->CallPackageUntrusted(AT(REQUEST), NULL, NULL, 0, &answer, NULL, NULL);
	cr_expect_eq(handed_over(TRANSFER_CallPackageUntrusted), 1);
	enter(SPACE_CLIENT, FAMILY_CLIENT_BUFFER, AT(PROFILE), REQUEST);
	ours->CallPackagePassthrough(AT(REQUEST), NULL, NULL, 0, &answer, NULL, NULL);
	cr_expect_eq(handed_over(TRANSFER_CallPackagePassthrough), 1);
}

Test(wrappers, the_older_kinds_of_logon_hand_over_what_they_return)
{
	PUNICODE_STRING account, authority, machine;
	void *profile, *token;

	ours->LogonUser(AT(REQUEST), 0, NULL, NULL, 0, &profile, NULL, NULL, NULL, NULL, &token,
			&account, &authority);
	cr_expect_eq(handed_over(TRANSFER_LogonUser), 3);
	cr_expect_eq(live_blocks(), 2);
	ours->LogonUserEx(AT(REQUEST), 0, NULL, NULL, 0, &profile, NULL, NULL, NULL, NULL, &token,
			  &account, &authority, &machine);
	cr_expect_eq(handed_over(TRANSFER_LogonUserEx), 1, "what had not gone before");
	cr_expect_eq(live_blocks(), 1);
}

enum { CONTINUE_NEEDED = 0x90312, INITIATED_ERROR = 0x4000, ACCEPTED_ERROR = 0x8000 };

/* Initiates a context, or accepts one, and asks for all results. */
static NTSTATUS make_context(bool accept, ULONG requirements)
{
	SecBuffer token[2] = { 0 }, data = { 0 };
	SecBufferDesc output = { 0, 2, token };
	LSA_SEC_HANDLE made = 0;
	BOOLEAN mapped = FALSE;
	NTSTATUS status;

	errno = 0;
	if (accept)
		status = ours->AcceptLsaModeContext(1, 2, NULL, requirements, 0, &made, &output,
						    NULL, NULL, &mapped, &data);
	else
		status = ours->InitLsaModeContext(1, 2, NULL, requirements, 0, NULL, &made, &output,
						  NULL, NULL, &mapped, &data);
	cr_expect(made == 3 && mapped && data.pvBuffer == given.block[1]);
	return errno == OWN_ERRNO ? status : 1;
}

/* These functions are told no client request, so the token lies in a buffer of no request. */
static bool is_token_live(void)
{
	struct ledger_view view;

	return lookup_find(SPACE_CLIENT, PROFILE, 0, &view) && ledger_is_live(&view);
}

static void expect_context(bool accept, enum transfer_function function)
{
	enter(SPACE_CLIENT, FAMILY_CLIENT_BUFFER, AT(PROFILE), 0);
	given.status = CONTINUE_NEEDED;
	cr_expect_eq(make_context(accept, 0), CONTINUE_NEEDED);
	cr_expect_not(is_token_live());
	cr_expect_eq(live_blocks(), 3);
	cr_expect_eq(handed_over(function), 3);
	cr_expect(is_live(SPACE_CLIENT, AT(PROFILE)), "another client's buffer at that address");
}

Test(wrappers, what_the_initiation_of_a_context_returns_changes_hands)
{
	expect_context(false, TRANSFER_InitLsaModeContext);
}

Test(wrappers, what_the_acceptance_of_a_context_returns_changes_hands)
{
	expect_context(true, TRANSFER_AcceptLsaModeContext);
}

static void expect_failed_context(bool accept, ULONG wants_error)
{
	enter(SPACE_CLIENT, FAMILY_CLIENT_BUFFER, AT(PROFILE), 0);
	given.status = STATUS_LOGON_FAILURE;
	cr_expect_eq(make_context(accept, ~wants_error), STATUS_LOGON_FAILURE);
	cr_expect(is_token_live());
	cr_expect_eq(live_blocks(), 5);
	cr_expect_eq(make_context(accept, wants_error), STATUS_LOGON_FAILURE);
	cr_expect_not(is_token_live());
	cr_expect(is_live(SPACE_BLOCK, given.block[1]), "of a context there is nothing to copy");
}

Test(wrappers, of_a_context_that_failed_only_the_error_message_changes_hands)
{
	expect_failed_context(false, INITIATED_ERROR);
}

Test(wrappers, of_an_acceptance_that_failed_only_the_error_message_changes_hands)
{
	expect_failed_context(true, ACCEPTED_ERROR);
}

Test(wrappers, a_context_may_be_made_without_buffers)
{
	LSA_SEC_HANDLE made;
	BOOLEAN mapped;
	SecBuffer data, token[2];
	SecBufferDesc none = { 0, 0, token };

	ours->InitLsaModeContext(1, 2, NULL, 0, 0, NULL, &made, &none, NULL, NULL, &mapped, &data);
	cr_expect_eq(handed_over(TRANSFER_InitLsaModeContext), 1, "ContextData alone");
}

Test(wrappers, what_is_told_of_a_user_goes_to_the_caller)
{
	PSecurityUserData data;

	enter(SPACE_CLIENT, FAMILY_CLIENT_BUFFER, AT(PROFILE), 0);
	given.status = STATUS_NOT_SUPPORTED;
	cr_expect_eq(ours->GetUserInfo(NULL, 0, &data), STATUS_NOT_SUPPORTED);
	cr_expect(is_token_live());
	given.status = STATUS_SUCCESS;
	errno = 0;
	cr_expect_eq(ours->GetUserInfo(NULL, 0, &data), STATUS_SUCCESS);
	cr_expect_eq(errno, OWN_ERRNO);
	cr_expect_not(is_token_live());
	cr_expect_eq(handed_over(TRANSFER_GetUserInfo), 1);
}
