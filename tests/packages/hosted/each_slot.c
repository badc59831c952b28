/* SPDX-License-Identifier: MIT */
/*
 * For each slot of both tables that can fail, a function that calls it with a block in its hands. It is right, whichever
 * calls fail, and if several do. After "faulty" was submitted, each function has one defect, where its own call fails: a
 * leak, a double free or a crash, in turn. The list of slots is that of --fail.
 */
#include <stdbool.h>

#include "include/failures.h"
#include "tests/packages/package.h"

enum defect { DEFECT_LEAK, DEFECT_DOUBLE_FREE, DEFECT_CRASH, DEFECTS };

static PSECPKG_DLL_FUNCTIONS client_table;
static PLSA_SECPKG_NEWEST_TABLE newest;
static bool is_faulty;

static void free_block(PVOID block)
{
	if (block)
		lsa->FreeLsaHeap(block);
}

static void let_go(char *block, bool has_worked, enum defect defect)
{
	bool is_wrong = is_faulty && !has_worked;

	if (is_wrong && defect == DEFECT_LEAK)
		return;
	if (is_wrong && defect == DEFECT_CRASH)
		*(volatile char *)(uintptr_t)defect = *block; /* of the first page */
	if (is_wrong && defect == DEFECT_DOUBLE_FREE)
		lsa->FreeLsaHeap(block);
	lsa->FreeLsaHeap(block);
}

/* A TRY returns whether the call of its slot worked; true as well if it could not be made. It leaves nothing behind. */
#define TRY(slot) static bool try_##slot(PACKAGE_UNUSED PLSA_CLIENT_REQUEST client)
#define TRY_STATUS(slot, ...) \
	TRY(slot) \
	{ \
		return NT_SUCCESS(lsa->slot(__VA_ARGS__)); \
	}

static UNICODE_STRING some_name = { 8, 10, (WCHAR[]){ u"Echo" } };
static LUID system_id = { .LowPart = 0x3e7 };

TRY(CreateSharedMemory)
{
	PVOID section = lsa->CreateSharedMemory(4096, 4096);

	if (section)
		lsa->DeleteSharedMemory(section);
	return section;
}

TRY(AllocateSharedMemory)
{
	PVOID section = lsa->CreateSharedMemory(4096, 4096), block;

	if (!section)
		return true;
	block = lsa->AllocateSharedMemory(section, 16);
	if (block)
		lsa->FreeSharedMemory(section, block);
	lsa->DeleteSharedMemory(section);
	return block;
}

TRY(DeleteSharedMemory)
{
	PVOID section = lsa->CreateSharedMemory(4096, 4096);

	return !section || lsa->DeleteSharedMemory(section);
}

TRY(AllocateLsaHeap)
{
	PVOID block = lsa->AllocateLsaHeap(32);

	free_block(block);
	return block;
}

TRY(AllocatePrivateHeap)
{
	PVOID block = lsa->AllocatePrivateHeap(32);

	if (block)
		lsa->FreePrivateHeap(block);
	return block;
}

TRY(AllocateHeap)
{
	PVOID block = client_table->AllocateHeap(32);

	if (block)
		client_table->FreeHeap(block);
	return block;
}

TRY(AllocateClientBuffer)
{
	PVOID buffer;

	if (!NT_SUCCESS(lsa->AllocateClientBuffer(client, 16, &buffer)))
		return false;
	lsa->FreeClientBuffer(client, buffer);
	return true;
}

TRY(FreeClientBuffer)
{
	PVOID buffer;

	return !NT_SUCCESS(lsa->AllocateClientBuffer(client, 16, &buffer)) ||
	       NT_SUCCESS(lsa->FreeClientBuffer(client, buffer));
}

TRY(CopyToClientBuffer)
{
	char text[] = "hello";
	NTSTATUS status;
	PVOID buffer;

	if (!NT_SUCCESS(lsa->AllocateClientBuffer(client, sizeof(text), &buffer)))
		return true;
	status = lsa->CopyToClientBuffer(client, sizeof(text), buffer, text);
	lsa->FreeClientBuffer(client, buffer);
	return NT_SUCCESS(status);
}

TRY(CopyFromClientBuffer)
{
	char text[8];
	NTSTATUS status;
	PVOID buffer;

	if (!NT_SUCCESS(lsa->AllocateClientBuffer(client, sizeof(text), &buffer)))
		return true;
	status = lsa->CopyFromClientBuffer(client, sizeof(text), text, buffer);
	lsa->FreeClientBuffer(client, buffer);
	return NT_SUCCESS(status);
}

/* Calls a package, with one of the functions that do. */
#define TRY_PACKAGE(slot, ...) \
	TRY(slot) \
	{ \
		char text[] = "hello"; \
		ULONG bytes = sizeof(text); \
		NTSTATUS status; \
		PVOID reply; \
\
		if (!NT_SUCCESS(lsa->slot(&some_name, __VA_ARGS__ text, bytes, &reply, &bytes, \
					  &status))) \
			return false; \
		lsa->FreeReturnBuffer(reply); \
		return true; \
	}

#define NO_BASE NULL,
TRY_PACKAGE(CallPackage, )
TRY_PACKAGE(CallPackageEx, NO_BASE)
TRY_PACKAGE(CallPackagePassthrough, NO_BASE)

/* Gets a block of the LSA's heap, and its size. */
#define TRY_DATA(slot, table, type, ...) \
	TRY(slot) \
	{ \
		ULONG bytes; \
		type data; \
\
		(void)bytes; \
		if (!NT_SUCCESS(table->slot(__VA_ARGS__))) \
			return false; \
		lsa->FreeLsaHeap(data); \
		return true; \
	}

TRY_DATA(GetUserAuthData, lsa, PUCHAR, NULL, &data, &bytes)
TRY_DATA(GetAuthDataForUser, lsa, PUCHAR, &some_name, 0, NULL, &data, &bytes, NULL)
TRY_DATA(ExpandAuthDataForDomain, lsa, PUCHAR, NULL, 0, NULL, &data, &bytes)
TRY_DATA(CrediUnmarshalandDecodeString, newest, PUCHAR, some_name.Buffer, &data, &bytes, NULL)
TRY_DATA(QueryClientRequest, newest, PVOID, client, 0, &data)

TRY(GetUserCredentials)
{
	PVOID primary, supplemental;
	ULONG bytes, more_bytes;

	if (!NT_SUCCESS(lsa->GetUserCredentials(NULL, &primary, &bytes, &supplemental, &more_bytes)))
		return false;
	lsa->FreeLsaHeap(primary);
	lsa->FreeLsaHeap(supplemental);
	return true;
}

TRY(CrackSingleName)
{
	UNICODE_STRING cracked, domain;
	ULONG sub_status;

	if (!NT_SUCCESS(lsa->CrackSingleName(0, FALSE, &some_name, NULL, 0, &cracked, &domain,
					     &sub_status)))
		return false;
	free_block(cracked.Buffer);
	free_block(domain.Buffer);
	return true;
}

TRY(ConvertAuthDataToToken)
{
	UNICODE_STRING account;
	HANDLE token;
	LUID id;

	if (!NT_SUCCESS(lsa->ConvertAuthDataToToken(NULL, 0, 2, NULL, 2, NULL, &token, &id,
						    &account, NULL)))
		return false;
	lsa->FreeLsaHeap(account.Buffer);
	lsa->DeleteLogonSession(&id);
	return true;
}

TRY(GetServiceAccountPassword)
{
	UNICODE_STRING current;

	if (!NT_SUCCESS(newest->GetServiceAccountPassword(&some_name, NULL, 0, NULL, &current, NULL,
							  NULL)))
		return false;
	lsa->FreeLsaHeap(current.Buffer);
	return true;
}

TRY(ClientCallback)
{
	SecBuffer output;

	if (!NT_SUCCESS(lsa->ClientCallback(NULL, 0, 0, NULL, &output)))
		return false;
	lsa->FreeLsaHeap(output.pvBuffer);
	return true;
}

TRY(MapBuffer)
{
	SecBuffer there = { 16, 2, NULL }, here = { 0 };
	bool has_worked;

	if (!NT_SUCCESS(lsa->AllocateClientBuffer(client, 16, &there.pvBuffer)))
		return true;
	has_worked = NT_SUCCESS(lsa->MapBuffer(&there, &here));
	if (has_worked)
		lsa->FreeLsaHeap(here.pvBuffer);
	lsa->FreeClientBuffer(client, there.pvBuffer);
	return has_worked;
}

TRY(CrediRead)
{
	PENCRYPTED_CREDENTIALW credential;

	if (!NT_SUCCESS(lsa->CrediRead(NULL, 0, some_name.Buffer, 1, 0, &credential)))
		return false;
	lsa->CrediFreeCredentials(1, &credential);
	return true;
}

TRY(CrediReadDomainCredentials)
{
	PENCRYPTED_CREDENTIALW *all;
	ULONG count;

	if (!NT_SUCCESS(lsa->CrediReadDomainCredentials(NULL, 0, NULL, 0, &count, &all)))
		return false;
	lsa->CrediFreeCredentials(count, all);
	return true;
}

TRY(CreateLogonSession)
{
	LUID id = { .LowPart = 0x5001 };

	if (!NT_SUCCESS(lsa->CreateLogonSession(&id)))
		return false;
	lsa->DeleteLogonSession(&id);
	return true;
}

TRY(DeleteLogonSession)
{
	LUID id = { .LowPart = 0x5002 };

	return !NT_SUCCESS(lsa->CreateLogonSession(&id)) || NT_SUCCESS(lsa->DeleteLogonSession(&id));
}

static LSA_STRING some_key = { 3, 4, (char[]){ "key" } };

TRY(AddCredential)
{
	LSA_STRING value = { 5, 6, (char[]){ "value" } };

	if (!NT_SUCCESS(lsa->AddCredential(&system_id, 1, &some_key, &value)))
		return false;
	lsa->DeleteCredential(&system_id, 1, &some_key);
	return true;
}

TRY(GetCredentials)
{
	LSA_STRING value = { 5, 6, (char[]){ "value" } }, got;
	ULONG query = 0, length;
	bool has_worked;

	if (!NT_SUCCESS(lsa->AddCredential(&system_id, 2, &some_key, &value)))
		return true;
	has_worked = NT_SUCCESS(
		lsa->GetCredentials(&system_id, 2, &query, FALSE, &some_key, &length, &got));
	if (has_worked)
		lsa->FreeLsaHeap(got.Buffer);
	lsa->DeleteCredential(&system_id, 2, &some_key);
	return has_worked;
}

TRY(DeleteCredential)
{
	LSA_STRING value = { 5, 6, (char[]){ "value" } };

	return !NT_SUCCESS(lsa->AddCredential(&system_id, 3, &some_key, &value)) ||
	       NT_SUCCESS(lsa->DeleteCredential(&system_id, 3, &some_key));
}

TRY_STATUS(ImpersonateClient)
TRY_STATUS(UnloadPackage)
TRY_STATUS(SaveSupplementalCredentials, &system_id, sizeof(system_id), &system_id, FALSE)
TRY_STATUS(UpdateCredentials, NULL, NULL)
TRY_STATUS(AuditAccountLogon, 1, TRUE, &some_name, NULL, NULL, 0)
TRY_STATUS(CrediWrite, NULL, 0, NULL, 0)
TRY_STATUS(GetClientInfo, &(SECPKG_CLIENT_INFO){ 0 })

TRY(GetCallInfo)
{
	return lsa->GetCallInfo(&(SECPKG_CALL_INFO){ 0 });
}

/* Gets a handle, which needs not be closed here. */
#define TRY_HANDLE(slot, table, ...) \
	TRY(slot) \
	{ \
		HANDLE handle; \
\
		return NT_SUCCESS(table->slot(__VA_ARGS__, &handle)); \
	}

TRY_HANDLE(DuplicateHandle, lsa, (HANDLE)(uintptr_t)0x20)
TRY_HANDLE(DuplicateTokenHandle, newest, (HANDLE)(uintptr_t)0x20)
TRY_HANDLE(OpenTokenByLogonId, lsa, &system_id)

TRY(CreateToken)
{
	HANDLE token;

	return NT_SUCCESS(lsa->CreateToken(&system_id, NULL, 2, 2, 1, NULL, NULL, NULL, NULL, NULL,
					   NULL, &token, NULL));
}

TRY(CreateTokenEx)
{
	HANDLE token;

	return NT_SUCCESS(lsa->CreateTokenEx(&system_id, NULL, 2, 2, 1, NULL, NULL, NULL, NULL,
					     NULL, 0, &token, NULL));
}

TRY(OpenSamUser)
{
	PVOID user;

	if (!NT_SUCCESS(lsa->OpenSamUser(&some_name, 0, NULL, FALSE, 0, &user)))
		return false;
	lsa->CloseSamUser(user);
	return true;
}

TRY(CloseSamUser)
{
	PVOID user;

	return !NT_SUCCESS(lsa->OpenSamUser(&some_name, 0, NULL, FALSE, 0, &user)) ||
	       NT_SUCCESS(lsa->CloseSamUser(user));
}

static ULONG do_nothing(PVOID parameter)
{
	(void)parameter;
	return 0;
}

/* Neither the thread nor the notification ever begins. */
enum { SUSPENDED = 4, STATE_CHANGE = 4 };

TRY(CreateThread)
{
	return lsa->CreateThread(NULL, 0, do_nothing, NULL, SUSPENDED, NULL);
}

TRY(RegisterNotification)
{
	HANDLE handle = lsa->RegisterNotification(do_nothing, NULL, STATE_CHANGE, 0, 0, 0, NULL);

	if (handle)
		lsa->CancelNotification(handle);
	return handle;
}

TRY(CancelNotification)
{
	HANDLE handle = lsa->RegisterNotification(do_nothing, NULL, STATE_CHANGE, 0, 0, 0, NULL);

	return !handle || NT_SUCCESS(lsa->CancelNotification(handle));
}

TRY(GetAppModeInfo)
{
	return NT_SUCCESS(newest->GetAppModeInfo(NULL, NULL, NULL, NULL, NULL));
}

/* Those whose prototypes secpkg.h does not declare. */
#define TRY_UNDECLARED(slot, types, ...) \
	TRY(slot) \
	{ \
		NTSTATUS(*function) types; \
\
		memcpy(&function, &newest->slot, sizeof(function)); \
		return NT_SUCCESS(function(__VA_ARGS__)); \
	}

TRY_UNDECLARED(SetAppModeInfo, (ULONG, ULONG_PTR, ULONG_PTR, PSecBuffer, BOOLEAN), 0, 0, 0, NULL,
	       FALSE)
TRY_UNDECLARED(GetExtendedCallFlags, (PULONG), &(ULONG){ 0 })
TRY_UNDECLARED(CheckProtectedUserByToken, (HANDLE, PBOOLEAN), NULL, &(BOOLEAN){ 0 })
TRY_UNDECLARED(GetClientInfoEx, (PSECPKG_CLIENT_INFO, ULONG), &(SECPKG_CLIENT_INFO){ 0 },
	       sizeof(SECPKG_CLIENT_INFO))

static NTSTATUS call_back(ULONG_PTR first, ULONG_PTR second, PSecBuffer input, PSecBuffer output)
{
	(void)first;
	(void)second;
	(void)input;
	(void)output;
	return STATUS_NOT_SUPPORTED;
}

TRY(RegisterCallback)
{
	return NT_SUCCESS(client_table->RegisterCallback(77, call_back));
}

TRY(LocatePackageById)
{
	return client_table->LocatePackageById(0);
}

/* use_SLOT() has a block in its hands. */
#define USE(slot, defect) \
	static NOINLINE void use_##slot(PLSA_CLIENT_REQUEST client) \
	{ \
		PVOID block = lsa->AllocateLsaHeap(24); \
\
		if (block) \
			let_go(block, try_##slot(client), defect); \
	}
#define USE_TRACED(slot, returns, status) USE(slot, __COUNTER__ % DEFECTS)
#define USE_UNTRACED(table, slot, returns, status) USE(slot, __COUNTER__ % DEFECTS)
TRACED_FAILURES(USE_TRACED)
UNTRACED_FAILURES(USE_UNTRACED)

#define CALL_TRACED(slot, returns, status) use_##slot(client);
#define CALL_UNTRACED(table, slot, returns, status) use_##slot(client);

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	newest = (PLSA_SECPKG_NEWEST_TABLE)lsa;
	is_faulty = strcmp(command, "faulty") == 0;
	TRACED_FAILURES(CALL_TRACED)
	UNTRACED_FAILURES(CALL_UNTRACED)
}

PACKAGE("each_slot", run)

static NTSTATUS instance_init(ULONG Version, PSECPKG_DLL_FUNCTIONS FunctionTable,
			      PVOID *UserFunctions)
{
	(void)Version;
	(void)UserFunctions;
	client_table = FunctionTable;
	return STATUS_SUCCESS;
}

static SECPKG_USER_FUNCTION_TABLE user_table = { .InstanceInit = instance_init };

NTSTATUS SpUserModeInitialize(ULONG LsaVersion, PULONG PackageVersion,
			      PSECPKG_USER_FUNCTION_TABLE *ppTables, PULONG pcTables)
{
	(void)LsaVersion;
	*PackageVersion = SECPKG_INTERFACE_VERSION;
	*ppTables = &user_table;
	*pcTables = 1;
	return STATUS_SUCCESS;
}
