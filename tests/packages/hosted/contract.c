/* SPDX-License-Identifier: MIT */
/*
 * No defect: calls every function of the table of lsatrace host, and checks that it does what is documented. Prints "FAILED" for
 * what it does not. "peer=NAME" calls that package instead, and returns what that returned.
 */
#include <stdbool.h>

#include "tests/packages/package.h"

/* Each thread has logons of its own. */
static ULONG next_logon = 0x5000;
static __thread int failures;

static bool check(bool holds, const char *what)
{
	if (!holds) {
		printf("FAILED: %s\n", what);
		failures++;
	}
	return holds;
}

#define CHECK(condition) check(condition, #condition)
#define TEXT(text) \
	{ \
		sizeof(text) - 1, sizeof(text), (char[]) \
		{ \
			text \
		} \
	}

static UNICODE_STRING make_name(WCHAR *text, size_t bytes)
{
	return (UNICODE_STRING){ (USHORT)(bytes - sizeof(WCHAR)), (USHORT)bytes, text };
}

static bool is_zeroed(const unsigned char *block, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (block[i])
			return false;
	return true;
}

static void use_heaps(void)
{
	for (int i = 0; i < 50; i++) {
		unsigned char *block = lsa->AllocateLsaHeap(64),
			      *secret = lsa->AllocatePrivateHeap(65);

		CHECK(is_zeroed(block, 64) && is_zeroed(secret, 65));
		memset(block, 0xaa, 64);
		memset(secret, 0xaa, 65);
		lsa->FreeLsaHeap(block);
		lsa->FreePrivateHeap(secret);
	}
}

static void use_client(PLSA_CLIENT_REQUEST client)
{
	char out[16] = "", in[16] = "fifteen letters";
	PVOID address = NULL;

	CHECK(lsa->AllocateClientBuffer(client, 16, &address) == STATUS_SUCCESS && address);
	CHECK(lsa->CopyToClientBuffer(client, 16, address, in) == STATUS_SUCCESS);
	CHECK(lsa->CopyFromClientBuffer(client, 4, out, (char *)address + 12) == STATUS_SUCCESS);
	CHECK(strcmp(out, "ers") == 0);
	CHECK(lsa->FreeClientBuffer(client, NULL) == STATUS_SUCCESS);
	CHECK(lsa->FreeClientBuffer(client, address) == STATUS_SUCCESS);
	CHECK(lsa->AllocateClientBuffer(NULL, 16, &address) == STATUS_SUCCESS && address);
	CHECK(lsa->FreeClientBuffer(NULL, address) == STATUS_SUCCESS);
}

/* What the client has submitted is in its memory as well. */
static void map_buffer(PVOID base, ULONG length, const void *submitted)
{
	SecBuffer there = { length, 2, base }, here = { 0 };

	CHECK(lsa->MapBuffer(&there, &here) == STATUS_SUCCESS && here.cbBuffer == length);
	CHECK(memcmp(here.pvBuffer, submitted, length) == 0);
	lsa->FreeLsaHeap(here.pvBuffer);
	there.pvBuffer = &failures;
	CHECK(lsa->MapBuffer(&there, &here) == STATUS_SUCCESS && here.pvBuffer == &failures);
}

static void use_credentials(PLUID id)
{
	LSA_STRING key = TEXT("key"), other = TEXT("other"), value = TEXT("value"), got = { 0 };
	ULONG query = 0, length = 0;

	CHECK(lsa->AddCredential(id, 1, &key, &value) == STATUS_SUCCESS);
	CHECK(lsa->GetCredentials(id, 1, &query, FALSE, &key, &length, &got) == STATUS_SUCCESS);
	CHECK(got.Length == value.Length && memcmp(got.Buffer, "value", 5) == 0);
	CHECK(length == key.Length && query == 1);
	lsa->FreeLsaHeap(got.Buffer);
	query = 0;
	CHECK(!NT_SUCCESS(lsa->GetCredentials(id, 1, &query, FALSE, &other, &length, &got)));
	CHECK(!NT_SUCCESS(lsa->GetCredentials(id, 2, &query, FALSE, &key, &length, &got)));
	CHECK(!NT_SUCCESS(lsa->DeleteCredential(id, 1, &other)));
	CHECK(lsa->DeleteCredential(id, 1, &key) == STATUS_SUCCESS);
	CHECK(!NT_SUCCESS(lsa->DeleteCredential(id, 1, &key)));
}

static void use_sessions(void)
{
	LUID id = { .LowPart = __atomic_fetch_add(&next_logon, 1, __ATOMIC_RELAXED) };
	HANDLE token = NULL;

	CHECK(lsa->CreateLogonSession(&id) == STATUS_SUCCESS);
	CHECK(!NT_SUCCESS(lsa->CreateLogonSession(&id)));
	use_credentials(&id);
	CHECK(lsa->OpenTokenByLogonId(&id, &token) == STATUS_SUCCESS && token);
	CHECK(lsa->SaveSupplementalCredentials(&id, 2, token, FALSE) == STATUS_SUCCESS);
	CHECK(lsa->DeleteLogonSession(&id) == STATUS_SUCCESS);
	CHECK(!NT_SUCCESS(lsa->DeleteLogonSession(&id)));
	CHECK(!NT_SUCCESS(lsa->OpenTokenByLogonId(&id, &token)));
}

static void use_tokens(void)
{
	HANDLE token = NULL, extended = NULL, copy = NULL;
	NTSTATUS sub_status = 1;
	LUID id = { 0 };

	CHECK(lsa->CreateToken(&id, NULL, 2, 2, 1, NULL, NULL, NULL, NULL, NULL, NULL, &token,
			       &sub_status) == STATUS_SUCCESS);
	CHECK(lsa->CreateTokenEx(&id, NULL, 2, 2, 1, NULL, NULL, NULL, NULL, NULL, 0, &extended,
				 &sub_status) == STATUS_SUCCESS);
	CHECK(lsa->DuplicateHandle(token, &copy) == STATUS_SUCCESS);
	CHECK(token && extended && copy && token != copy && token != extended && !sub_status);
	CHECK(!NT_SUCCESS(lsa->DuplicateHandle(NULL, &copy)));
	lsa->AuditLogon(0, 0, NULL, NULL, NULL, NULL, 2, NULL, &id);
	CHECK(lsa->AuditAccountLogon(1, TRUE, NULL, NULL, NULL, 0) == STATUS_SUCCESS);
	CHECK(lsa->ImpersonateClient() == STATUS_SUCCESS);
}

static void use_users(void)
{
	UNICODE_STRING name = make_name((WCHAR[]){ u"user" }, sizeof(u"user")), flat = { 0 };
	PUCHAR data = NULL, more = NULL;
	PVOID user = NULL, first, second;
	ULONG bytes = 0, more_bytes = 0;
	NTSTATUS sub_status;
	HANDLE token;
	LUID id = { 0 };

	CHECK(lsa->OpenSamUser(&name, 0, NULL, FALSE, 0, &user) == STATUS_SUCCESS);
	CHECK(lsa->GetUserAuthData(user, &data, &bytes) == STATUS_SUCCESS && data && bytes);
	CHECK(lsa->ExpandAuthDataForDomain(data, bytes, NULL, &more, &more_bytes) == STATUS_SUCCESS);
	CHECK(lsa->ConvertAuthDataToToken(data, bytes, 2, NULL, 2, NULL, &token, &id, &flat,
					  &sub_status) == STATUS_SUCCESS);
	CHECK(token && id.LowPart && flat.Buffer);
	lsa->FreeLsaHeap(flat.Buffer);
	lsa->FreeLsaHeap(data);
	lsa->FreeLsaHeap(more);
	CHECK(lsa->DeleteLogonSession(&id) == STATUS_SUCCESS);
	CHECK(lsa->GetUserCredentials(user, &first, &bytes, &second, &more_bytes) == STATUS_SUCCESS);
	lsa->FreeLsaHeap(first);
	lsa->FreeLsaHeap(second);
	CHECK(lsa->CloseSamUser(user) == STATUS_SUCCESS);
	CHECK(lsa->GetAuthDataForUser(&name, 0, NULL, &data, &bytes, &flat) == STATUS_SUCCESS);
	CHECK(flat.Length == name.Length && memcmp(flat.Buffer, name.Buffer, name.Length) == 0);
	lsa->FreeLsaHeap(data);
	lsa->FreeLsaHeap(flat.Buffer);
}

static void crack_name(void)
{
	UNICODE_STRING name = make_name((WCHAR[]){ u"user" }, sizeof(u"user")), cracked, domain;
	ULONG sub_status = 1;

	CHECK(lsa->CrackSingleName(0, FALSE, &name, NULL, 0, &cracked, &domain, &sub_status) ==
	      STATUS_SUCCESS);
	CHECK(!sub_status && cracked.Buffer && domain.Buffer);
	lsa->FreeLsaHeap(cracked.Buffer);
	lsa->FreeLsaHeap(domain.Buffer);
}

static void ask_packages(void)
{
	UNICODE_STRING peer = make_name((WCHAR[]){ u"Negotiate" }, sizeof(u"Negotiate"));
	char text[] = "hello";
	PVOID reply = NULL;
	ULONG bytes = 0;
	NTSTATUS status;

	CHECK(lsa->CallPackage(&peer, text, 6, &reply, &bytes, &status) == STATUS_SUCCESS);
	CHECK(bytes == 6 && memcmp(reply, "hello", 6) == 0 && !status);
	lsa->FreeReturnBuffer(reply);
	CHECK(lsa->CallPackageEx(&peer, NULL, text, 6, &reply, &bytes, &status) == STATUS_SUCCESS);
	lsa->FreeReturnBuffer(reply);
	CHECK(lsa->CallPackagePassthrough(&peer, NULL, text, 6, &reply, &bytes, &status) ==
	      STATUS_SUCCESS);
	lsa->FreeReturnBuffer(reply);
}

static void ask_about_the_call(void)
{
	SECPKG_CLIENT_INFO client = { 0 };
	SECPKG_CALL_INFO info = { 0 };
	SecBuffer answer = { 0 };

	CHECK(lsa->GetClientInfo(&client) == STATUS_SUCCESS && client.ProcessID);
	CHECK(lsa->GetCallInfo(&info) && info.ProcessId == client.ProcessID);
	CHECK(lsa->ClientCallback(NULL, 0, 0, NULL, &answer) == STATUS_SUCCESS && answer.pvBuffer);
	lsa->FreeLsaHeap(answer.pvBuffer);
	CHECK(lsa->UpdateCredentials(NULL, NULL) == STATUS_SUCCESS);
	CHECK(lsa->UnloadPackage() == STATUS_SUCCESS);
}

static ULONG count_up(PVOID counter)
{
	__atomic_fetch_add((int *)counter, 1, __ATOMIC_RELEASE);
	return 0;
}

static void wait_for(const int *counter, int value)
{
	while (__atomic_load_n(counter, __ATOMIC_ACQUIRE) < value)
		;
}

static void start_threads(void)
{
	int *counter = malloc(sizeof(*counter)); /* a thread may end later than this call */
	ULONG id = 0;
	HANDLE notification;

	*counter = 0;
	CHECK(lsa->CreateThread(NULL, 0, count_up, counter, 0, &id) && id);
	notification = lsa->RegisterNotification(count_up, counter, 16, 0, 0, 0, NULL);
	CHECK(notification);
	wait_for(counter, 2);
	CHECK(lsa->CancelNotification(notification) == STATUS_SUCCESS);
	notification = lsa->RegisterNotification(count_up, counter, 1, 0, 0, 60, NULL);
	CHECK(notification && lsa->CancelNotification(notification) == STATUS_SUCCESS);
	free(counter);
}

static void use_stored_credentials(void)
{
	PENCRYPTED_CREDENTIALW credential = NULL, *all = NULL;
	char secret[8] = "secret!";
	ULONG count = 0;

	CHECK(lsa->CrediRead(NULL, 0, (WCHAR[]){ u"target" }, 1, 0, &credential) == STATUS_SUCCESS);
	CHECK(lsa->CrediWrite(NULL, 0, credential, 0) == STATUS_SUCCESS);
	lsa->CrediFreeCredentials(1, &credential);
	CHECK(lsa->CrediReadDomainCredentials(NULL, 0, NULL, 0, &count, &all) == STATUS_SUCCESS);
	CHECK(count == 1);
	lsa->CrediFreeCredentials(count, all);
	lsa->LsaProtectMemory(secret, sizeof(secret));
	CHECK(strcmp(secret, "secret!") != 0);
	lsa->LsaUnprotectMemory(secret, sizeof(secret));
	CHECK(strcmp(secret, "secret!") == 0);
}

static void use_newest(void)
{
	PLSA_SECPKG_NEWEST_TABLE newest = (PLSA_SECPKG_NEWEST_TABLE)lsa;
	UNICODE_STRING password = { 0 };
	BOOLEAN is_fatal = TRUE;
	PUCHAR blob = NULL;
	PVOID reply = NULL;
	ULONG bytes = 0;
	HANDLE copy = NULL;

	CHECK(newest->CrediUnmarshalandDecodeString((WCHAR[]){ u"ab" }, &blob, &bytes, &is_fatal) ==
	      STATUS_SUCCESS);
	CHECK(bytes == 4 && !is_fatal);
	lsa->FreeLsaHeap(blob);
	CHECK(newest->DuplicateTokenHandle((HANDLE)(uintptr_t)0x20, &copy) == STATUS_SUCCESS && copy);
	CHECK(newest->GetServiceAccountPassword(NULL, NULL, 0, NULL, &password, NULL, NULL) ==
	      STATUS_SUCCESS);
	lsa->FreeLsaHeap(password.Buffer);
	CHECK(newest->QueryClientRequest(NULL, 0, &reply) == STATUS_SUCCESS && reply);
	lsa->FreeLsaHeap(reply);
	CHECK(newest->GetAppModeInfo(NULL, NULL, NULL, NULL, NULL) == STATUS_SUCCESS);
}

static void use_sections(void)
{
	PVOID section = lsa->CreateSharedMemory(65536, 4096),
	      other = lsa->CreateSharedMemory(4096, 0);
	unsigned char *a, *b, *c;

	CHECK(section && other && section != other);
	a = lsa->AllocateSharedMemory(section, 100);
	b = lsa->AllocateSharedMemory(section, 200);
	CHECK(a && b && (a + 100 <= b || b + 200 <= a) && is_zeroed(a, 100) && is_zeroed(b, 200));
	memset(a, 1, 100);
	lsa->FreeSharedMemory(section, a);
	c = lsa->AllocateSharedMemory(section, 90);
	CHECK(c && is_zeroed(c, 90));
	lsa->FreeSharedMemory(section, c);
	lsa->FreeSharedMemory(section, b);
	CHECK(!lsa->AllocateSharedMemory(other, 100000));
	CHECK(lsa->DeleteSharedMemory(other) && lsa->DeleteSharedMemory(section));
}

static NTSTATUS initialize_package(ULONG AuthenticationPackageId,
				   PLSA_DISPATCH_TABLE LsaDispatchTable, PLSA_STRING Database,
				   PLSA_STRING Confidentiality,
				   PLSA_STRING *AuthenticationPackageName)
{
	PLSA_STRING name = LsaDispatchTable->AllocateLsaHeap(sizeof(*name));

	(void)AuthenticationPackageId;
	(void)Database;
	(void)Confidentiality;
	name->Length = name->MaximumLength = 8;
	name->Buffer = LsaDispatchTable->AllocateLsaHeap(9);
	memcpy(name->Buffer, "Contract", 9);
	*AuthenticationPackageName = name;
	return STATUS_SUCCESS;
}

static NTSTATUS get_info(PSecPkgInfoW PackageInfo)
{
	package_describe(PackageInfo, u"contract");
	return STATUS_SUCCESS;
}

static NTSTATUS ask_peer(PLSA_CLIENT_REQUEST client, const char *name, PVOID *return_buffer,
			 PULONG return_length, NTSTATUS *protocol_status)
{
	WCHAR wide[32] = { 0 };
	UNICODE_STRING package = { 0, sizeof(wide), wide };
	char text[] = "contract";
	NTSTATUS status;
	PVOID reply;
	ULONG bytes;

	for (; name[package.Length / 2]; package.Length += 2)
		wide[package.Length / 2] = (WCHAR)name[package.Length / 2];
	status = lsa->CallPackage(&package, text, sizeof(text), &reply, &bytes, protocol_status);
	if (!NT_SUCCESS(status))
		return status;
	lsa->AllocateClientBuffer(client, bytes, return_buffer);
	*return_length = bytes;
	lsa->CopyToClientBuffer(client, bytes, *return_buffer, reply);
	lsa->FreeReturnBuffer(reply);
	return STATUS_SUCCESS;
}

static NTSTATUS call_package(PLSA_CLIENT_REQUEST ClientRequest, PVOID ProtocolSubmitBuffer,
			     PVOID ClientBufferBase, ULONG SubmitBufferLength,
			     PVOID *ProtocolReturnBuffer, PULONG ReturnBufferLength,
			     PNTSTATUS ProtocolStatus)
{
	const char *command = ProtocolSubmitBuffer;

	*ProtocolReturnBuffer = NULL;
	*ReturnBufferLength = 0;
	*ProtocolStatus = STATUS_SUCCESS;
	if (strncmp(command, "peer=", 5) == 0)
		return ask_peer(ClientRequest, command + 5, ProtocolReturnBuffer,
				ReturnBufferLength, ProtocolStatus);
	if (strcmp(command, "contract") == 0)
		return package_answer(ClientRequest, command, ProtocolReturnBuffer,
				      ReturnBufferLength);
	failures = 0;
	use_heaps();
	use_client(ClientRequest);
	map_buffer(ClientBufferBase, SubmitBufferLength, ProtocolSubmitBuffer);
	use_sessions();
	use_tokens();
	use_users();
	crack_name();
	ask_packages();
	ask_about_the_call();
	start_threads();
	use_stored_credentials();
	use_newest();
	use_sections();
	if (!failures)
		puts("the contract holds");
	return STATUS_SUCCESS;
}

static SECPKG_FUNCTION_TABLE package_table = {
	.InitializePackage = initialize_package,
	.CallPackage = call_package,
	.Initialize = package_initialize,
	.Shutdown = package_shutdown,
	.GetInfo = get_info,
};

PACKAGE_EXPORT(SECPKG_INTERFACE_VERSION_8, &package_table, 1)
