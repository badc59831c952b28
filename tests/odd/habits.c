/* SPDX-License-Identifier: MIT */
/*
 * What packages that nobody here wrote do with memory that changes hands. Each habit is one call of
 * the package. The host never gives an address out twice, and frees with its own functions what
 * belongs to it by contract.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "odd.h"
#include "package.h"

enum { NAME_WORDS = 2 };

/* The host's side: functions that hand out memory. Each block has another size. */

static PVOID hand_out(ULONG size)
{
	return calloc(1, size);
}

static NTSTATUS get_auth_data(PSECURITY_STRING name, SECPKG_NAME_TYPE type, PSECURITY_STRING prefix,
			      PUCHAR *data, PULONG bytes, PUNICODE_STRING flat)
{
	(void)name, (void)type, (void)prefix;
	*data = hand_out(*bytes = 112);
	if (flat)
		flat->Buffer = hand_out(20);
	return STATUS_SUCCESS;
}

static NTSTATUS expand_auth_data(PUCHAR data, ULONG size, PVOID reserved, PUCHAR *expanded,
				 PULONG bytes)
{
	(void)data, (void)size, (void)reserved;
	*expanded = hand_out(*bytes = 128);
	return STATUS_SUCCESS;
}

static NTSTATUS crack_name(ULONG offered, BOOLEAN at_catalog, PUNICODE_STRING name,
			   PUNICODE_STRING prefix, ULONG format, PUNICODE_STRING cracked,
			   PUNICODE_STRING domain, PULONG sub_status)
{
	(void)offered, (void)at_catalog, (void)name, (void)prefix, (void)format, (void)sub_status;
	cracked->Buffer = hand_out(30);
	domain->Buffer = hand_out(22);
	return STATUS_SUCCESS;
}

static NTSTATUS get_credentials(PVOID user, PVOID *primary, PULONG primary_bytes,
				PVOID *supplemental, PULONG supplemental_bytes)
{
	(void)user, (void)primary_bytes, (void)supplemental_bytes;
	*primary = hand_out(60);
	*supplemental = hand_out(70);
	return STATUS_SUCCESS;
}

static NTSTATUS call_back(PCHAR function, ULONG_PTR argument1, ULONG_PTR argument2,
			  PSecBuffer input, PSecBuffer output)
{
	(void)function, (void)argument1, (void)argument2, (void)input;
	output->pvBuffer = hand_out(50);
	return STATUS_SUCCESS;
}

/* Fills the caller's buffer if there is one. */
static NTSTATUS convert_auth_data(PVOID data, ULONG bytes, SECURITY_IMPERSONATION_LEVEL level,
				  PTOKEN_SOURCE source, SECURITY_LOGON_TYPE type,
				  PUNICODE_STRING authority, PHANDLE token, PLUID logon,
				  PUNICODE_STRING account, PNTSTATUS sub_status)
{
	(void)data, (void)bytes, (void)level, (void)source, (void)type, (void)authority;
	(void)token, (void)logon, (void)sub_status;
	if (!account->Buffer)
		account->Buffer = hand_out(26);
	account->Buffer[0] = 'u';
	return STATUS_SUCCESS;
}

/* Copies what is mapped already. */
static NTSTATUS map_buffer(PSecBuffer input, PSecBuffer output)
{
	output->pvBuffer = input->pvBuffer ? input->pvBuffer : hand_out(80);
	return STATUS_SUCCESS;
}

static NTSTATUS read_stored(PLUID logon, ULONG options, PWSTR target, ULONG type, ULONG flags,
			    PENCRYPTED_CREDENTIALW *credential)
{
	(void)logon, (void)options, (void)target, (void)type, (void)flags;
	*credential = hand_out(90);
	return STATUS_SUCCESS;
}

/* Of the newest tables. */

static NTSTATUS decode(PWSTR marshaled, PUCHAR *blob, PULONG bytes, PBOOLEAN is_fatal)
{
	(void)marshaled, (void)bytes, (void)is_fatal;
	*blob = hand_out(21);
	return STATUS_SUCCESS;
}

static NTSTATUS get_passwords(PUNICODE_STRING account, PUNICODE_STRING domain, int fetch,
			      FILETIME *expiry, PUNICODE_STRING current, PUNICODE_STRING previous,
			      FILETIME *valid)
{
	(void)account, (void)domain, (void)fetch, (void)expiry, (void)valid;
	current->Buffer = hand_out(22);
	previous->Buffer = hand_out(23);
	return STATUS_SUCCESS;
}

static NTSTATUS query_request(PLSA_CLIENT_REQUEST client, ULONG type, PVOID *reply)
{
	(void)client, (void)type;
	*reply = hand_out(24);
	return STATUS_SUCCESS;
}

static NTSTATUS get_app_mode(PULONG function, PULONG_PTR argument1, PULONG_PTR argument2,
			     PSecBuffer data, PBOOLEAN returns)
{
	(void)function, (void)argument1, (void)argument2, (void)returns;
	data->pvBuffer = hand_out(25);
	return STATUS_SUCCESS;
}

static void ignore(PVOID block)
{
	(void)block;
}

/* The package's side: one function for each habit. */

static void free_auth_data(void)
{
	UNICODE_STRING flat = { 0 };
	PUCHAR data;
	ULONG bytes;

	lsa->GetAuthDataForUser(NULL, 0, NULL, &data, &bytes, &flat);
	lsa->FreeLsaHeap(flat.Buffer);
	lsa->FreeLsaHeap(data);
}

static void keep_auth_data(void)
{
	PUCHAR data;
	ULONG bytes;

	lsa->GetAuthDataForUser(NULL, 0, NULL, &data, &bytes, NULL);
}

static void expand_and(bool release)
{
	PUCHAR expanded;
	ULONG bytes;

	lsa->ExpandAuthDataForDomain(NULL, 0, NULL, &expanded, &bytes);
	if (release)
		lsa->FreeLsaHeap(expanded);
}

static void crack(void)
{
	UNICODE_STRING name = { 0 }, domain = { 0 };

	lsa->CrackSingleName(0, FALSE, NULL, NULL, 0, &name, &domain, NULL);
	lsa->FreeLsaHeap(name.Buffer);
	/* The other one stays: nobody documents that it must be freed, or by which function. */
	lsa->FreePrivateHeap(domain.Buffer);
}

static void ask_for_credentials(void)
{
	PVOID primary, supplemental;

	lsa->GetUserCredentials(NULL, &primary, NULL, &supplemental, NULL);
	lsa->FreeLsaHeap(primary);
	lsa->FreeReturnBuffer(supplemental);
}

static void answer_of_client(void)
{
	SecBuffer output = { 0 };

	lsa->ClientCallback(NULL, 0, 0, NULL, &output);
	lsa->FreeLsaHeap(output.pvBuffer);
}

static void map(bool is_mapped)
{
	SecBuffer input = { 0 }, output = { 0 };

	if (is_mapped)
		input.pvBuffer = lsa->AllocateLsaHeap(37);
	lsa->MapBuffer(&input, &output);
	if (!is_mapped)
		lsa->FreeLsaHeap(output.pvBuffer);
}

static void read_credential(void)
{
	PENCRYPTED_CREDENTIALW credential;

	lsa->CrediRead(NULL, 0, NULL, 0, 0, &credential);
	lsa->FreeLsaHeap(credential);
}

/* Functions behind the end of the older tables. */
static void ask_newest(const char *what)
{
	const LSA_SECPKG_NEWEST_TABLE *newest = (const void *)lsa;
	UNICODE_STRING current = { 0 }, previous = { 0 };
	SecBuffer data = { 0 };
	PUCHAR blob = NULL;
	PVOID reply = NULL;

	if (strcmp(what, "decoded") == 0) {
		newest->CrediUnmarshalandDecodeString(NULL, &blob, NULL, NULL);
		lsa->FreeLsaHeap(blob);
	} else if (strcmp(what, "passwords") == 0) {
		newest->GetServiceAccountPassword(NULL, NULL, 0, NULL, &current, &previous, NULL);
		lsa->FreeLsaHeap(current.Buffer);
		lsa->FreePrivateHeap(previous.Buffer);
	} else if (strcmp(what, "request") == 0) {
		newest->QueryClientRequest(NULL, 1, &reply);
		lsa->FreeReturnBuffer(reply);
	} else {
		newest->GetAppModeInfo(NULL, NULL, NULL, &data, NULL);
		lsa->FreeLsaHeap(data.pvBuffer);
	}
}

/* Frees what is no block. */
static void free_nothing(const char *what)
{
	static char in_data[16];
	char on_stack[16];

	if (strcmp(what, "data") == 0)
		lsa->FreeLsaHeap(in_data);
	else if (strcmp(what, "stack") == 0)
		lsa->FreeLsaHeap(on_stack);
	else if (strcmp(what, "malloc") == 0)
		lsa->FreeLsaHeap(malloc(40));
	else
		lsa->FreeLsaHeap((void *)(uintptr_t)0x10000);
}

/* The first name is the host's. The second is the package's own, and stays so. */
static void convert(void)
{
	UNICODE_STRING given = { 0 }, own = { .MaximumLength = 18 };

	own.Buffer = lsa->AllocateLsaHeap(18);
	lsa->ConvertAuthDataToToken(NULL, 0, 0, NULL, 0, NULL, NULL, NULL, &given, NULL);
	lsa->ConvertAuthDataToToken(NULL, 0, 0, NULL, 0, NULL, NULL, NULL, &own, NULL);
	lsa->FreeLsaHeap(given.Buffer);
}

static const char *habit;

static bool has_habit(const char *name)
{
	return strcmp(habit, name) == 0;
}

/* A request of NULL: the client of this call. */
static void mix_requests(PLSA_CLIENT_REQUEST client)
{
	PVOID buffer;

	lsa->AllocateClientBuffer(NULL, 35, &buffer);
	lsa->FreeClientBuffer(client, buffer);
	lsa->AllocateClientBuffer(client, 35, &buffer);
	lsa->FreeClientBuffer(NULL, buffer);
	lsa->AllocateClientBuffer(NULL, 35, &buffer);
	lsa->FreeClientBuffer(client, buffer);
}

/* The address that the one has freed is the answer under the other. */
static void answer_anew(PLSA_CLIENT_REQUEST client, PVOID *answer)
{
	PVOID buffer;

	lsa->AllocateClientBuffer(client, 36, &buffer);
	lsa->FreeClientBuffer(client, buffer);
	lsa->AllocateClientBuffer(NULL, 36, answer);
}

static NTSTATUS call(PLSA_CLIENT_REQUEST client, PVOID submitted, PVOID base, ULONG size,
		     PVOID *answer, PULONG length, PNTSTATUS status)
{
	(void)base, (void)size, (void)length;
	*status = STATUS_SUCCESS;
	if (has_habit("auth-data"))
		free_auth_data();
	else if (has_habit("auth-data-leak"))
		keep_auth_data();
	else if (has_habit("private-leak"))
		lsa->AllocatePrivateHeap(31);
	else if (has_habit("expand"))
		expand_and(true);
	else if (has_habit("expand-leak"))
		expand_and(false);
	else if (has_habit("crack"))
		crack();
	else if (has_habit("credentials"))
		ask_for_credentials();
	else if (has_habit("callback"))
		answer_of_client();
	else if (has_habit("convert"))
		convert();
	else if (strncmp(habit, "free-", 5) == 0)
		free_nothing(habit + 5);
	else if (has_habit("handed-in"))
		lsa->FreeLsaHeap(((PVOID *)submitted)[2]);
	else if (has_habit("client-answer"))
		lsa->AllocateClientBuffer(client, 33, answer);
	else if (has_habit("other-request"))
		lsa->AllocateClientBuffer(NULL, 34, answer);
	else if (has_habit("mixed-requests"))
		mix_requests(client);
	else if (has_habit("other-request-anew"))
		answer_anew(client, answer);
	else if (has_habit("heap-answer"))
		*answer = lsa->AllocateLsaHeap(40);
	else if (has_habit("mapped") || has_habit("mapped-already"))
		map(has_habit("mapped-already"));
	else if (has_habit("stored"))
		read_credential();
	else if (strncmp(habit, "newest-", 7) == 0)
		ask_newest(habit + 7);
	return STATUS_SUCCESS;
}

/* All memory comes from one function. */
static NOINLINE PVOID take_memory(ULONG bytes)
{
	PVOID block = lsa->AllocateLsaHeap(bytes);

	if (block)
		memset(block, 0, bytes);
	return block;
}

/* Three mistakes, each in another line: data of the LSA goes to the wrong function, and two blocks
 * stay on the way of an error. */
static NOINLINE void fail_with_wrappers(void)
{
	PVOID token = take_memory(200), groups = take_memory(72), name = take_memory(24);
	PUCHAR data;
	ULONG bytes;

	lsa->GetAuthDataForUser(NULL, 0, NULL, &data, &bytes, NULL);
	lsa->FreePrivateHeap(data);
	lsa->FreeLsaHeap(name);
	(void)token, (void)groups;
}

/* LSA_TOKEN_INFORMATION_V1, as far as it is used here. */
struct token {
	uint64_t expires;
	struct member {
		PVOID sid;
		uint32_t attributes;
	} user;
	struct groups {
		uint32_t count;
		struct member member[1];
	} * groups;
	PVOID primary_group;
};

/* By its documentation, the groups of a token are of the private heap. */
static PVOID make_token(void)
{
	struct token *token = memset(lsa->AllocateLsaHeap(sizeof(*token)), 0, sizeof(*token));
	struct groups *groups = lsa->AllocatePrivateHeap(sizeof(*groups));

	memset(groups, 0, sizeof(*groups));
	token->user.sid = lsa->AllocateLsaHeap(28);
	token->groups = groups;
	groups->count = 1;
	groups->member[0].sid = lsa->AllocatePrivateHeap(28);
	token->primary_group = lsa->AllocateLsaHeap(29);
	return token;
}

/* The buffer is a block of its own, or lies in the block of the string. */
static PUNICODE_STRING make_name(void)
{
	bool is_one = has_habit("name-in-one");
	PUNICODE_STRING name = lsa->AllocateLsaHeap(sizeof(*name) + (is_one ? 20 : 0));

	memset(name, 0, sizeof(*name));
	name->Length = name->MaximumLength = 20;
	if (is_one)
		name->Buffer = (WCHAR *)(name + 1);
	else if (has_habit("private-buffer"))
		name->Buffer = lsa->AllocatePrivateHeap(20);
	else
		name->Buffer = lsa->AllocateLsaHeap(20);
	if (has_habit("freed-buffer"))
		lsa->FreeLsaHeap(name->Buffer);
	return name;
}

static NTSTATUS log_on(PLSA_CLIENT_REQUEST client, SECURITY_LOGON_TYPE type, PVOID information,
		       PVOID base, ULONG bytes, PVOID *profile, PULONG profile_bytes, PLUID id,
		       PNTSTATUS sub_status, PLSA_TOKEN_INFORMATION_TYPE token_type, PVOID *token,
		       PLSA_UNICODE_STRING *account, PLSA_UNICODE_STRING *authority)
{
	(void)client, (void)type, (void)information, (void)base, (void)bytes, (void)profile_bytes;
	(void)id, (void)sub_status, (void)token_type, (void)authority;
	if (has_habit("heap-profile")) {
		*profile = lsa->AllocateLsaHeap(160);
		return STATUS_SUCCESS;
	}
	if (has_habit("wrappers"))
		fail_with_wrappers();
	if (has_habit("logged-on")) {
		lsa->AllocateClientBuffer(client, 160, profile);
		*account = make_name();
		*authority = make_name();
		*token = make_token();
		return STATUS_SUCCESS;
	}
	if (has_habit("freed-buffer") || has_habit("private-buffer") || has_habit("name-in-one"))
		*account = make_name();
	if (has_habit("private-token")) {
		*token = lsa->AllocatePrivateHeap(32);
		return STATUS_SUCCESS;
	}
	if (has_habit("freed-name")) {
		*account = lsa->AllocateLsaHeap(16);
		lsa->FreeLsaHeap(*account);
	} else if (has_habit("foreign-name")) {
		*account = calloc(1, 16);
	}
	return STATUS_LOGON_FAILURE;
}

static NTSTATUS get_information(SECPKG_EXTENDED_INFORMATION_CLASS class,
				PSECPKG_EXTENDED_INFORMATION *information)
{
	(void)class;
	*information = lsa->AllocateLsaHeap(41);
	return STATUS_SUCCESS;
}

/* ATTRIBUTE 1 has a name. All other structures have a pointer in their second word. */
static NTSTATUS query(LSA_SEC_HANDLE handle, ULONG attribute, PVOID buffer)
{
	PVOID *word = buffer;

	(void)handle;
	if (has_habit("query-client-buffer"))
		return lsa->AllocateClientBuffer(NULL, 8, word);
	word[attribute == 1 ? 0 : 1] = lsa->AllocateLsaHeap(8);
	return STATUS_SUCCESS;
}

static NTSTATUS query_metadata(LSA_SEC_HANDLE handle, PUNICODE_STRING target, ULONG requirements,
			       PULONG bytes, PUCHAR *data, PLSA_SEC_HANDLE context)
{
	(void)handle, (void)target, (void)requirements, (void)context;
	*data = lsa->AllocateLsaHeap(*bytes = 50);
	return STATUS_SUCCESS;
}

static NTSTATUS get_ui_context(LSA_SEC_HANDLE handle, GUID *type, PULONG bytes, PUCHAR *context)
{
	(void)handle, (void)type;
	*context = lsa->AllocateLsaHeap(*bytes = 60);
	return STATUS_SUCCESS;
}

static NTSTATUS get_saved(LSA_SEC_HANDLE handle, PSecBuffer credentials)
{
	(void)handle;
	credentials->pvBuffer = lsa->AllocateLsaHeap(70);
	return STATUS_SUCCESS;
}

static NTSTATUS change_password(PUNICODE_STRING domain, PUNICODE_STRING account, PUNICODE_STRING old,
				PUNICODE_STRING new, BOOLEAN impersonating, PSecBufferDesc output)
{
	(void)domain, (void)account, (void)old, (void)new, (void)impersonating;
	output->pBuffers[0].pvBuffer = lsa->AllocateLsaHeap(80);
	return STATUS_SUCCESS;
}

static NTSTATUS get_logon_buffer(LSA_SEC_HANDLE credential, LSA_SEC_HANDLE context,
				 const UNICODE_STRING *target, PHANDLE logon,
				 PLSA_REDIRECTED_LOGON_CALLBACKS *callback,
				 PLSA_REDIRECTED_LOGON_CALLBACKS *cleanup, PULONG bytes,
				 PVOID *buffer)
{
	(void)credential, (void)context, (void)target, (void)logon, (void)callback, (void)cleanup;
	*buffer = lsa->AllocateLsaHeap(*bytes = 90);
	return STATUS_SUCCESS;
}

static NTSTATUS acquire_handle(PUNICODE_STRING principal, ULONG use, PLUID logon, PVOID data,
			       PVOID get_key, PVOID argument, PLSA_SEC_HANDLE handle,
			       PTimeStamp expiration)
{
	(void)principal, (void)use, (void)logon, (void)data, (void)get_key, (void)argument;
	(void)handle, (void)expiration;
	lsa->AllocateLsaHeap(46);
	return STATUS_NO_MEMORY;
}

/* Frees what the LSA has handed in. */
static NTSTATUS accept_credentials(SECURITY_LOGON_TYPE type, PUNICODE_STRING account,
				   PSECPKG_PRIMARY_CRED primary, PSECPKG_SUPPLEMENTAL_CRED other)
{
	(void)type, (void)account, (void)other;
	lsa->FreeLsaHeap(((PVOID *)primary)[4]);
	return STATUS_SUCCESS;
}

static NTSTATUS initialize_in_vain(ULONG_PTR id, PSECPKG_PARAMETERS parameters,
				   PLSA_SECPKG_FUNCTION_TABLE table)
{
	package_initialize(id, parameters, table);
	lsa->AllocateLsaHeap(47);
	return STATUS_NO_MEMORY;
}

/* The host's calls. */

static struct host_library own;

static void log_on_once(void)
{
	PVOID client = NULL, profile = NULL, token = NULL;
	PUNICODE_STRING account = NULL, authority = NULL;
	ULONG bytes = 0, type = 0;
	NTSTATUS sub_status = 0;
	LUID id = { 0 };

	own.tables->LogonUser(&client, 2, NULL, NULL, 0, &profile, &bytes, &id, &sub_status, &type,
			      &token, &account, &authority);
}

/* The host's own block is in what it submits. */
static void call_once(void)
{
	PVOID client = NULL, answer = NULL, submitted[4] = { 0 };
	NTSTATUS status;
	ULONG bytes;

	submitted[2] = hand_out(24);
	own.tables->CallPackage(&client, submitted, NULL, sizeof(submitted), &answer, &bytes,
				&status);
}

static void ask_table(void)
{
	static PVOID primary[32];
	PVOID name[NAME_WORDS] = { 0 }, buffer;
	SecBuffer output = { 0 };
	SecBufferDesc outputs = { 0, 1, &output };
	PSECPKG_EXTENDED_INFORMATION information;
	PSECPKG_FUNCTION_TABLE t = own.tables;
	LSA_SEC_HANDLE handle;
	PUCHAR data;
	ULONG bytes;

	primary[4] = hand_out(20);
	if (has_habit("information"))
		t->GetExtendedInformation(1, &information);
	else if (has_habit("query-context") || has_habit("query-client-buffer"))
		t->QueryContextAttributes(1, 1, name);
	else if (has_habit("query-session-key"))
		t->QueryContextAttributes(1, 9, name);
	else if (has_habit("query-credentials"))
		t->QueryCredentialsAttributes(1, 1, name);
	else if (has_habit("metadata"))
		t->QueryMetaData(1, NULL, 0, &bytes, &data, NULL);
	else if (has_habit("ui-context"))
		t->GetCredUIContext(1, NULL, &bytes, &data);
	else if (has_habit("saved-credentials"))
		t->GetCredentials(1, &output);
	else if (has_habit("password"))
		t->ChangeAccountPassword(NULL, NULL, NULL, NULL, FALSE, &outputs);
	else if (has_habit("logon-buffer"))
		t->GetRemoteCredGuardLogonBuffer(1, 1, NULL, NULL, NULL, NULL, &bytes, &buffer);
	else if (has_habit("acquire"))
		t->AcquireCredentialsHandle(NULL, 0, NULL, NULL, NULL, NULL, &handle, NULL);
	else if (has_habit("accept"))
		t->AcceptCredentials(2, NULL, (PSECPKG_PRIMARY_CRED)(void *)primary, NULL);
}

/* The handle of a context lies behind the name that is asked for, and is a block of its own. */
static int query_and_keep(void)
{
	PVOID words[NAME_WORDS] = { NULL, lsa->AllocateLsaHeap(44) };

	habit = "query-context";
	own.tables->QueryContextAttributes((LSA_SEC_HANDLE)words[1], 1, words);
	return 0;
}

/* The package takes the long table for granted behind a dispatch table. */
static NTSTATUS cast_table(ULONG id, PLSA_DISPATCH_TABLE table, PLSA_STRING database,
			   PLSA_STRING confidentiality, PLSA_STRING *name)
{
	(void)id, (void)database, (void)confidentiality;
	lsa = (PLSA_SECPKG_FUNCTION_TABLE)(void *)table;
	*name = NULL;
	return STATUS_SUCCESS;
}

/* A host without shared memory, whose table is long all the same. */
static void hand_out_by_cast(const LSA_SECPKG_FUNCTION_TABLE *full)
{
	static LSA_SECPKG_FUNCTION_TABLE table;
	PLSA_STRING name;

	table = *full;
	table.CreateSharedMemory = NULL;
	table.AllocateSharedMemory = NULL;
	table.FreeSharedMemory = NULL;
	table.DeleteSharedMemory = NULL;
	own.tables->InitializePackage(1, (PLSA_DISPATCH_TABLE)(void *)&table, NULL, NULL, &name);
}

/* [cast:]HABIT */
static int keep_habit(char **arguments)
{
	bool is_cast = strncmp(arguments[0], "cast:", 5) == 0;
	LSA_SECPKG_NEWEST_TABLE newest = { .Older = host_table };
	LSA_SECPKG_FUNCTION_TABLE *table = &newest.Older;
	SECPKG_FUNCTION_TABLE *package = &package_tables[0];

	habit = arguments[0] + (is_cast ? 5 : 0);
	table->FreeLsaHeap = strncmp(habit, "free-", 5) ? table->FreeLsaHeap : ignore;
	table->GetAuthDataForUser = get_auth_data;
	table->ExpandAuthDataForDomain = expand_auth_data;
	table->CrackSingleName = crack_name;
	table->GetUserCredentials = get_credentials;
	table->ClientCallback = call_back;
	table->ConvertAuthDataToToken = convert_auth_data;
	table->MapBuffer = map_buffer;
	table->CrediRead = read_stored;
	newest.CrediUnmarshalandDecodeString = decode;
	newest.GetServiceAccountPassword = get_passwords;
	newest.QueryClientRequest = query_request;
	newest.GetAppModeInfo = get_app_mode;
	package->CallPackage = call;
	package->LogonUser = log_on;
	package->GetExtendedInformation = get_information;
	package->QueryContextAttributes = query;
	package->QueryCredentialsAttributes = query;
	package->QueryMetaData = query_metadata;
	package->GetCredUIContext = get_ui_context;
	package->GetCredentials = get_saved;
	package->ChangeAccountPassword = change_password;
	package->GetRemoteCredGuardLogonBuffer = get_logon_buffer;
	package->AcquireCredentialsHandle = acquire_handle;
	package->AcceptCredentials = accept_credentials;
	package->InitializePackage = is_cast ? cast_table : NULL;
	if (has_habit("initialize"))
		package->Initialize = initialize_in_vain;
	need(host_ask(RTLD_DEFAULT, &own), "the package's entry point");
	if (is_cast)
		hand_out_by_cast(table);
	else
		host_initialize(own.tables, 1, table);
	if (has_habit("query-beside"))
		return query_and_keep();
	call_once();
	log_on_once();
	ask_table();
	return 0;
}

const struct scenario habit_scenarios[] = {
	{ "habit", keep_habit },
	{ 0 },
};
