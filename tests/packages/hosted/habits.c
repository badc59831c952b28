/* SPDX-License-Identifier: MIT */
/*
 * What packages that nobody here wrote do with memory that changes hands. Each habit is a call of the package, and HABIT in
 * the environment names the one that it has. The host is `lsatrace host`; test_habits.c has the scenario. A name with
 * "cast:" before it: the package that has only got a dispatch table does it.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/packages/package.h"

static bool is_cast(void)
{
	const char *habit = getenv("HABIT");

	return habit && strncmp(habit, "cast:", 5) == 0;
}

static const char *get_habit(void)
{
	const char *habit = getenv("HABIT");

	return habit ? habit + (is_cast() ? 5 : 0) : "";
}

static bool has_habit(const char *name)
{
	return strcmp(get_habit(), name) == 0;
}

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
	ULONG sub_status;

	lsa->CrackSingleName(0, FALSE, NULL, NULL, 0, &name, &domain, &sub_status);
	lsa->FreeLsaHeap(name.Buffer);
	/* The other one stays: nobody documents that it must be freed, or by which function. */
	lsa->FreePrivateHeap(domain.Buffer);
}

static void ask_for_credentials(void)
{
	PVOID primary, supplemental;
	ULONG bytes, more_bytes;

	lsa->GetUserCredentials(NULL, &primary, &bytes, &supplemental, &more_bytes);
	lsa->FreeLsaHeap(primary);
	lsa->FreeReturnBuffer(supplemental);
}

static void answer_of_client(void)
{
	SecBuffer output = { 0 };

	lsa->ClientCallback(NULL, 0, 0, NULL, &output);
	lsa->FreeLsaHeap(output.pvBuffer);
}

/* Copies what is the client's, and nothing else. */
static void map(PVOID base, bool is_mapped)
{
	SecBuffer input = { 37, 0, base }, output = { 0 };

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
	ULONG bytes;

	if (strcmp(what, "decoded") == 0) {
		newest->CrediUnmarshalandDecodeString(NULL, &blob, &bytes, NULL);
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

static void convert(void)
{
	UNICODE_STRING account = { 0 };
	HANDLE token;
	LUID id;

	lsa->ConvertAuthDataToToken(NULL, 0, 0, NULL, 0, NULL, &token, &id, &account, NULL);
	lsa->FreeLsaHeap(account.Buffer);
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
static void answer_anew(PLSA_CLIENT_REQUEST client, PVOID *answer, PULONG length)
{
	PVOID buffer;

	lsa->AllocateClientBuffer(client, 36, &buffer);
	lsa->FreeClientBuffer(client, buffer);
	lsa->AllocateClientBuffer(NULL, *length = 36, answer);
}

static NTSTATUS keep_habit(PLSA_CLIENT_REQUEST client, PVOID submitted, PVOID base, ULONG size,
			   PVOID *answer, PULONG length, PNTSTATUS status)
{
	(void)size;
	*status = STATUS_SUCCESS;
	*answer = NULL;
	*length = 0;
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
	else if (strncmp(get_habit(), "free-", 5) == 0)
		free_nothing(get_habit() + 5);
	else if (has_habit("handed-in"))
		lsa->FreeLsaHeap(((PVOID *)submitted)[2]);
	else if (has_habit("client-answer"))
		lsa->AllocateClientBuffer(client, *length = 33, answer);
	else if (has_habit("other-request"))
		lsa->AllocateClientBuffer(NULL, *length = 34, answer);
	else if (has_habit("mixed-requests"))
		mix_requests(client);
	else if (has_habit("other-request-anew"))
		answer_anew(client, answer, length);
	else if (has_habit("heap-answer"))
		*answer = lsa->AllocateLsaHeap(*length = 40);
	else if (has_habit("mapped") || has_habit("mapped-already"))
		map(base, has_habit("mapped-already"));
	else if (has_habit("stored"))
		read_credential();
	else if (has_habit("refused")) {
		/* The protocol fails, and its answer is returned nevertheless. */
		lsa->AllocateClientBuffer(client, *length = 32, answer);
		*status = STATUS_LOGON_FAILURE;
	} else if (strncmp(get_habit(), "newest-", 7) == 0)
		ask_newest(get_habit() + 7);
	return STATUS_SUCCESS;
}

static NTSTATUS call(PLSA_CLIENT_REQUEST client, PVOID submitted, PVOID base, ULONG size,
		     PVOID *answer, PULONG length, PNTSTATUS status)
{
	return is_cast() ? STATUS_NOT_SUPPORTED
			 : keep_habit(client, submitted, base, size, answer, length, status);
}

static NTSTATUS call_by_cast(PLSA_CLIENT_REQUEST client, PVOID submitted, PVOID base, ULONG size,
			     PVOID *answer, PULONG length, PNTSTATUS status)
{
	return is_cast() ? keep_habit(client, submitted, base, size, answer, length, status)
			 : STATUS_NOT_SUPPORTED;
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
	PVOID primary_group, privileges, owner, default_dacl;
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
	(void)type, (void)information, (void)base, (void)bytes, (void)id, (void)sub_status;
	*profile = *token = *account = *authority = NULL;
	*profile_bytes = has_habit("heap-profile") || has_habit("logged-on") ? 160 : 0;
	*token_type = has_habit("logged-on"); /* LSA_TOKEN_INFORMATION_V1, or _NULL */
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
	if (!has_habit("information"))
		return STATUS_NOT_SUPPORTED;
	*information = lsa->AllocateLsaHeap(41);
	return STATUS_SUCCESS;
}

/* The handle of a context is a block. The host has it behind the name that it asks for. */
static NTSTATUS init_lsa_context(LSA_SEC_HANDLE credential, LSA_SEC_HANDLE context,
				 PUNICODE_STRING target, ULONG requirements, ULONG data,
				 PSecBufferDesc input, PLSA_SEC_HANDLE new_context,
				 PSecBufferDesc output, PULONG attributes, PTimeStamp expiration,
				 PBOOLEAN is_mapped, PSecBuffer context_data)
{
	(void)credential, (void)context, (void)target, (void)requirements, (void)data;
	(void)input, (void)output, (void)attributes, (void)expiration, (void)context_data;
	*is_mapped = FALSE;
	if (!has_habit("query-beside"))
		return STATUS_NOT_SUPPORTED;
	*new_context = (LSA_SEC_HANDLE)(uintptr_t)lsa->AllocateLsaHeap(44);
	return STATUS_SUCCESS;
}

/* Attribute 1 has a name. Attribute 9 has a pointer in its second word. */
static NTSTATUS query_context(LSA_SEC_HANDLE handle, ULONG attribute, PVOID buffer)
{
	PVOID *word = buffer;

	(void)handle;
	if (attribute == 9 && has_habit("query-session-key"))
		word[1] = lsa->AllocateLsaHeap(8);
	else if (attribute == 1 && has_habit("query-client-buffer"))
		return lsa->AllocateClientBuffer(NULL, 8, word);
	else if (attribute == 1 && (has_habit("query-context") || has_habit("query-beside")))
		word[0] = lsa->AllocateLsaHeap(8);
	else
		return STATUS_NOT_SUPPORTED;
	return STATUS_SUCCESS;
}

static NTSTATUS query_credential(LSA_SEC_HANDLE handle, ULONG attribute, PVOID buffer)
{
	(void)handle, (void)attribute;
	if (!has_habit("query-credentials"))
		return STATUS_NOT_SUPPORTED;
	*(PVOID *)buffer = lsa->AllocateLsaHeap(8);
	return STATUS_SUCCESS;
}

static NTSTATUS query_metadata(LSA_SEC_HANDLE handle, PUNICODE_STRING target, ULONG requirements,
			       PULONG bytes, PUCHAR *data, PLSA_SEC_HANDLE context)
{
	(void)handle, (void)target, (void)requirements, (void)context;
	if (!has_habit("metadata"))
		return STATUS_NOT_SUPPORTED;
	*data = lsa->AllocateLsaHeap(*bytes = 50);
	return STATUS_SUCCESS;
}

static NTSTATUS get_ui_context(LSA_SEC_HANDLE handle, GUID *type, PULONG bytes, PUCHAR *context)
{
	(void)handle, (void)type;
	if (!has_habit("ui-context"))
		return STATUS_NOT_SUPPORTED;
	*context = lsa->AllocateLsaHeap(*bytes = 60);
	return STATUS_SUCCESS;
}

static NTSTATUS get_saved(LSA_SEC_HANDLE handle, PSecBuffer credentials)
{
	(void)handle;
	if (!has_habit("saved-credentials"))
		return STATUS_NOT_SUPPORTED;
	credentials->pvBuffer = lsa->AllocateLsaHeap(70);
	return STATUS_SUCCESS;
}

static NTSTATUS change_password(PUNICODE_STRING domain, PUNICODE_STRING account, PUNICODE_STRING old,
				PUNICODE_STRING new, BOOLEAN impersonating, PSecBufferDesc output)
{
	(void)domain, (void)account, (void)old, (void)new, (void)impersonating;
	if (!has_habit("password"))
		return STATUS_NOT_SUPPORTED;
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
	if (!has_habit("logon-buffer"))
		return STATUS_NOT_SUPPORTED;
	*buffer = lsa->AllocateLsaHeap(*bytes = 90);
	return STATUS_SUCCESS;
}

static NTSTATUS acquire_handle(PUNICODE_STRING principal, ULONG use, PLUID logon, PVOID data,
			       PVOID get_key, PVOID argument, PLSA_SEC_HANDLE handle,
			       PTimeStamp expiration)
{
	(void)principal, (void)use, (void)logon, (void)data, (void)get_key, (void)argument;
	(void)expiration;
	*handle = 1;
	if (!has_habit("acquire"))
		return STATUS_SUCCESS;
	lsa->AllocateLsaHeap(46);
	return STATUS_NO_MEMORY;
}

/* Frees what the LSA has handed in. */
static NTSTATUS accept_credentials(SECURITY_LOGON_TYPE type, PUNICODE_STRING account,
				   PSECPKG_PRIMARY_CRED primary, PSECPKG_SUPPLEMENTAL_CRED other)
{
	(void)type, (void)account, (void)other;
	if (has_habit("accept"))
		lsa->FreeLsaHeap(((PVOID *)primary)[4]);
	return STATUS_SUCCESS;
}

static NTSTATUS initialize(ULONG_PTR id, PSECPKG_PARAMETERS parameters,
			   PLSA_SECPKG_FUNCTION_TABLE table)
{
	package_initialize(id, parameters, table);
	if (!has_habit("initialize"))
		return STATUS_SUCCESS;
	lsa->AllocateLsaHeap(47);
	return STATUS_NO_MEMORY;
}

static NTSTATUS get_info(PSecPkgInfoW info)
{
	static WCHAR name[] = u"habits";

	info->Name = name;
	return STATUS_SUCCESS;
}

/* The package takes the long table for granted behind a dispatch table. */
static NTSTATUS cast_table(ULONG id, PLSA_DISPATCH_TABLE table, PLSA_STRING database,
			   PLSA_STRING confidentiality, PLSA_STRING *name)
{
	(void)id, (void)database, (void)confidentiality;
	if (is_cast())
		lsa = (PLSA_SECPKG_FUNCTION_TABLE)(void *)table;
	*name = NULL;
	return STATUS_SUCCESS;
}

static NTSTATUS ignore_table(ULONG_PTR id, PSECPKG_PARAMETERS parameters,
			     PLSA_SECPKG_FUNCTION_TABLE table)
{
	(void)id, (void)parameters, (void)table;
	return STATUS_SUCCESS;
}

static SECPKG_FUNCTION_TABLE package_tables[] = {
	{
		.Initialize = initialize,
		.GetInfo = get_info,
		.CallPackage = call,
		.LogonUser = log_on,
		.InitLsaModeContext = init_lsa_context,
		.GetExtendedInformation = get_information,
		.QueryContextAttributes = query_context,
		.QueryCredentialsAttributes = query_credential,
		.QueryMetaData = query_metadata,
		.GetCredUIContext = get_ui_context,
		.GetCredentials = get_saved,
		.ChangeAccountPassword = change_password,
		.GetRemoteCredGuardLogonBuffer = get_logon_buffer,
		.AcquireCredentialsHandle = acquire_handle,
		.AcceptCredentials = accept_credentials,
	},
	{
		.InitializePackage = cast_table,
		.Initialize = ignore_table,
		.GetInfo = get_info,
		.CallPackage = call_by_cast,
	},
};

PACKAGE_EXPORT(SECPKG_INTERFACE_VERSION_8, package_tables, 2)

/* The half in a client. */

static PSECPKG_DLL_FUNCTIONS dll;

static NTSTATUS init_instance(ULONG version, PSECPKG_DLL_FUNCTIONS functions, PVOID *user)
{
	(void)version, (void)user;
	dll = functions;
	return STATUS_SUCCESS;
}

static PVOID take(ULONG bytes)
{
	return memset(dll->AllocateHeap(bytes), 0, bytes);
}

/* The context in its packed form is the package's from here on. */
static NTSTATUS init_context(LSA_SEC_HANDLE context, PSecBuffer packed)
{
	(void)context;
	if (has_habit("client-context-left")) {
		take(20);
		return STATUS_NO_MEMORY;
	}
	dll->FreeHeap(packed->pvBuffer);
	return STATUS_SUCCESS;
}

static NTSTATUS import_context(PSecBuffer packed, HANDLE token, PLSA_SEC_HANDLE context)
{
	(void)token;
	*context = 1;
	dll->FreeHeap(packed->pvBuffer);
	return STATUS_SUCCESS;
}

/* SECPKG_ATTR_PACKAGE_INFO: the structure points to another block. */
static NTSTATUS query_user_context(LSA_SEC_HANDLE context, ULONG attribute, PVOID buffer)
{
	PVOID *information;

	(void)context, (void)attribute;
	if (!has_habit("client-query"))
		return STATUS_NOT_SUPPORTED;
	information = take(32);
	information[2] = take(8);
	*(PVOID *)buffer = information;
	return STATUS_SUCCESS;
}

static NTSTATUS format(PSecBuffer credentials, PSecBuffer formatted)
{
	(void)credentials;
	if (!has_habit("client-format"))
		return STATUS_NOT_SUPPORTED;
	formatted->pvBuffer = take(formatted->cbBuffer = 21);
	return STATUS_SUCCESS;
}

static NTSTATUS marshal(ULONG size, PUCHAR credentials, PULONG bytes, PVOID *marshalled)
{
	(void)size, (void)credentials;
	if (!has_habit("client-marshal"))
		return STATUS_NOT_SUPPORTED;
	*marshalled = take(*bytes = 22);
	return STATUS_SUCCESS;
}

static NTSTATUS export_context(LSA_SEC_HANDLE context, ULONG flags, PSecBuffer packed, PHANDLE token)
{
	(void)context, (void)flags, (void)token;
	if (!has_habit("client-export"))
		return STATUS_NOT_SUPPORTED;
	packed->pvBuffer = take(packed->cbBuffer = 23);
	return STATUS_SUCCESS;
}

static NTSTATUS marshal_attribute(ULONG information, ULONG attribute, ULONG size, PUCHAR data,
				  PULONG bytes, PUCHAR *marshalled)
{
	(void)information, (void)attribute, (void)size, (void)data;
	if (!has_habit("client-attribute"))
		return STATUS_NOT_SUPPORTED;
	*marshalled = take(*bytes = 25);
	return STATUS_SUCCESS;
}

static SECPKG_USER_FUNCTION_TABLE user_table = {
	.InstanceInit = init_instance,
	.InitUserModeContext = init_context,
	.QueryContextAttributes = query_user_context,
	.FormatCredentials = format,
	.MarshallSupplementalCreds = marshal,
	.ExportContext = export_context,
	.ImportContext = import_context,
	.MarshalAttributeData = marshal_attribute,
};

NTSTATUS SpUserModeInitialize(ULONG LsaVersion, PULONG PackageVersion,
			      PSECPKG_USER_FUNCTION_TABLE *ppTables, PULONG pcTables)
{
	(void)LsaVersion;
	*PackageVersion = SECPKG_INTERFACE_VERSION_2;
	*ppTables = &user_table;
	*pcTables = 1;
	return STATUS_SUCCESS;
}
