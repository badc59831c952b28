/* SPDX-License-Identifier: MIT */
/*
 * Does what a real LSA would trip over, by the text that is submitted: each a mistake, in one of the entry points. A text that is
 * none of these does nothing wrong.
 */
#include <pthread.h>
#include <stdbool.h>

#include "tests/packages/package.h"

static char what[64]; /* to do, also in the entry points that nothing is submitted to */

static bool is(const char *name)
{
	return strcmp(what, name) == 0;
}

static PUNICODE_STRING make_name(void)
{
	static const WCHAR text[] = u"user";
	PUNICODE_STRING name = lsa->AllocateLsaHeap(sizeof(*name));

	name->Buffer = lsa->AllocateLsaHeap(sizeof(text));
	memcpy(name->Buffer, text, sizeof(text));
	name->Length = sizeof(text) - sizeof(WCHAR);
	name->MaximumLength = sizeof(text);
	return name;
}

static NTSTATUS initialize_package(ULONG AuthenticationPackageId,
				   PLSA_DISPATCH_TABLE LsaDispatchTable, PLSA_STRING Database,
				   PLSA_STRING Confidentiality,
				   PLSA_STRING *AuthenticationPackageName)
{
	static char text[] = "Trips";
	PLSA_STRING name = LsaDispatchTable->AllocateLsaHeap(sizeof(*name));

	(void)AuthenticationPackageId;
	(void)Database;
	(void)Confidentiality;
	*name = (LSA_STRING){ sizeof(text) - 1, sizeof(text), text };
	*AuthenticationPackageName = name;
	return STATUS_SUCCESS;
}

static NTSTATUS get_info(PSecPkgInfoW PackageInfo)
{
	package_describe(PackageInfo, u"trips");
	return STATUS_SUCCESS;
}

/* What is wrong with the names of a logon. */
static void spoil_name(PUNICODE_STRING *name)
{
	static UNICODE_STRING fixed;

	if (is("name-freed"))
		lsa->FreeLsaHeap(*name);
	if (is("name-static"))
		*name = &fixed;
	if (is("name-private"))
		*name = lsa->AllocatePrivateHeap(16);
	if (is("name-inside"))
		*name = (PUNICODE_STRING)((char *)lsa->AllocateLsaHeap(64) + 16);
	if (is("name-length"))
		(*name)->Length = (*name)->MaximumLength + 2;
	if (is("name-odd"))
		(*name)->Length--;
	if (is("name-no-buffer"))
		(*name)->Buffer = NULL;
	if (is("name-short-buffer"))
		(*name)->MaximumLength = 100;
	if (is("name-buffer-freed"))
		lsa->FreeLsaHeap((*name)->Buffer);
}

static NTSTATUS logon_user(PLSA_CLIENT_REQUEST ClientRequest, SECURITY_LOGON_TYPE LogonType,
			   PVOID AuthenticationInformation, PVOID ClientAuthenticationBase,
			   ULONG AuthenticationInformationLength, PVOID *ProfileBuffer,
			   PULONG ProfileBufferLength, PLUID LogonId, PNTSTATUS SubStatus,
			   PLSA_TOKEN_INFORMATION_TYPE TokenInformationType, PVOID *TokenInformation,
			   PUNICODE_STRING *AccountName, PUNICODE_STRING *AuthenticatingAuthority)
{
	ULONG size = 128;

	(void)LogonType;
	(void)ClientAuthenticationBase;
	(void)AuthenticationInformationLength;
	snprintf(what, sizeof(what), "%s", (const char *)AuthenticationInformation);
	*LogonId = (LUID){ .LowPart = 77 };
	*SubStatus = STATUS_SUCCESS;
	*AccountName = make_name();
	*AuthenticatingAuthority = NULL;
	spoil_name(AccountName);
	if (is("logon-fails"))
		return STATUS_LOGON_FAILURE;
	if (is("token-short"))
		size = 40;
	if (!is("token-unset"))
		*TokenInformation = lsa->AllocateLsaHeap(size);
	if (is("token-groups"))
		*(PULONG)(((PVOID *)*TokenInformation)[3] = lsa->AllocateLsaHeap(24)) = 5;
	*TokenInformationType = is("token-type") ? 9 : 1;
	*ProfileBufferLength = is("profile-length") ? 33 : 32;
	if (is("logon-left"))
		return STATUS_LOGON_FAILURE;
	*ProfileBuffer = NULL;
	if (is("profile-null"))
		return STATUS_SUCCESS;
	if (is("profile-heap"))
		*ProfileBuffer = lsa->AllocateLsaHeap(32);
	else
		lsa->AllocateClientBuffer(ClientRequest, 32, ProfileBuffer);
	return STATUS_SUCCESS;
}

/* Wrong calls of functions of the table. */
static void call_wrongly(PLSA_CLIENT_REQUEST client)
{
	static PLSA_CLIENT_REQUEST kept;
	UNICODE_STRING name = { 9, 4, (WCHAR[]){ u'E', u'c' } };
	PVOID address = NULL, user = NULL;
	NTSTATUS status;
	ULONG length;
	HANDLE token;

	lsa->AllocateClientBuffer(client, 16, &address);
	if (is("copy-beyond"))
		lsa->CopyToClientBuffer(client, 17, address, &name);
	if (is("copy-to-own"))
		lsa->CopyToClientBuffer(client, 4, &length, &name);
	if (is("copy-from-client"))
		lsa->CopyToClientBuffer(client, 4, address, address);
	if (is("client-free-twice"))
		lsa->FreeClientBuffer(client, address);
	lsa->FreeClientBuffer(client, address);
	if (is("request-unknown"))
		lsa->FreeClientBuffer((PLSA_CLIENT_REQUEST)&address, address);
	if (is("keep-request"))
		kept = client;
	if (is("request-ended"))
		lsa->AllocateClientBuffer(kept, 16, &address);
	if (is("slot-name"))
		lsa->CallPackage(&name, NULL, 0, &address, &length, &status);
	if (is("slot-output"))
		lsa->DuplicateHandle(NULL, NULL);
	lsa->OpenSamUser(NULL, 0, NULL, FALSE, 0, &user);
	lsa->CloseSamUser(user);
	if (is("user-closed"))
		lsa->CloseSamUser(user);
	lsa->CreateToken(NULL, NULL, 2, 2, 1, NULL, NULL, NULL, NULL, NULL, NULL, &token, &status);
	if (is("handle-kind"))
		lsa->CloseSamUser(token);
	address = lsa->AllocateLsaHeap(40);
	if (is("block-overrun"))
		memset(address, 1, 41);
	if (is("free-wrong-heap"))
		lsa->FreePrivateHeap(address);
	lsa->FreeLsaHeap(address);
	if (is("free-twice"))
		lsa->FreeLsaHeap(address);
}

static __attribute__((noinline)) int recurse(int depth)
{
	volatile char frame[4096];

	frame[0] = (char)depth;
	return depth ? recurse(depth + 1) + frame[0] : 0;
}

static void *crash(void *argument)
{
	(void)argument;
	__builtin_trap();
}

static NTSTATUS call_package(PLSA_CLIENT_REQUEST ClientRequest, PVOID ProtocolSubmitBuffer,
			     PVOID ClientBufferBase, ULONG SubmitBufferLength,
			     PVOID *ProtocolReturnBuffer, PULONG ReturnBufferLength,
			     PNTSTATUS ProtocolStatus)
{
	(void)SubmitBufferLength;
	snprintf(what, sizeof(what), "%s", (const char *)ProtocolSubmitBuffer);
	call_wrongly(ClientRequest);
	if (is("client-read"))
		return ((volatile char *)ClientBufferBase)[0];
	if (is("output-read"))
		return ((volatile char *)*ProtocolReturnBuffer)[0];
	if (is("crash"))
		__builtin_trap();
	if (is("abort"))
		abort();
	if (is("exit"))
		exit(0);
	if (is("thread-ends"))
		pthread_exit(NULL);
	if (is("recursion"))
		return recurse(1);
	if (is("crash-elsewhere")) {
		pthread_t thread;

		pthread_create(&thread, NULL, crash, NULL);
		pthread_join(thread, NULL);
	}
	*ProtocolStatus = STATUS_SUCCESS;
	if (is("reply-unset"))
		return STATUS_SUCCESS;
	*ProtocolReturnBuffer = NULL;
	*ReturnBufferLength = 6;
	*ProtocolStatus = is("reply-refused") ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
	if (is("reply-null") || is("reply-refused"))
		return STATUS_SUCCESS;
	*ReturnBufferLength = is("reply-length") ? 17 : 16;
	if (is("reply-heap"))
		*ProtocolReturnBuffer = lsa->AllocateLsaHeap(16);
	else
		lsa->AllocateClientBuffer(ClientRequest, 16, ProtocolReturnBuffer);
	if (is("reply-static"))
		*ProtocolReturnBuffer = what;
	if (is("reply-freed"))
		lsa->FreeClientBuffer(ClientRequest, *ProtocolReturnBuffer);
	return is("reply-left") ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
}

static void logon_terminated(PLUID LogonId)
{
	if (is("input-written"))
		LogonId->LowPart = 0;
}

static NTSTATUS init_context(LSA_SEC_HANDLE CredentialHandle, LSA_SEC_HANDLE ContextHandle,
			     PUNICODE_STRING TargetName, ULONG ContextRequirements,
			     ULONG TargetDataRep, PSecBufferDesc InputBuffers,
			     PLSA_SEC_HANDLE NewContextHandle, PSecBufferDesc OutputBuffers,
			     PULONG ContextAttributes, PTimeStamp ExpirationTime,
			     PBOOLEAN MappedContext, PSecBuffer ContextData)
{
	(void)CredentialHandle;
	(void)ContextHandle;
	(void)ContextRequirements;
	(void)TargetDataRep;
	(void)InputBuffers;
	(void)ExpirationTime;
	*ContextAttributes = 0;
	*MappedContext = FALSE;
	OutputBuffers->pBuffers[0].cbBuffer = is("token-long") ? 257 : 8;
	if (is("target-written"))
		TargetName->Buffer[0] = u'x';
	if (is("context-unset"))
		return STATUS_SUCCESS;
	*NewContextHandle = 5;
	if (is("context-data")) {
		*MappedContext = TRUE;
		ContextData->pvBuffer = (PVOID)what;
		ContextData->cbBuffer = 8;
	}
	return STATUS_SUCCESS;
}

static NTSTATUS query_context(LSA_SEC_HANDLE ContextHandle, ULONG ContextAttribute, PVOID Buffer)
{
	PVOID block = lsa->AllocateLsaHeap(16);

	(void)ContextHandle;
	(void)ContextAttribute;
	if (is("attribute-freed"))
		lsa->FreeLsaHeap(block);
	*(PVOID *)Buffer = block;
	return STATUS_SUCCESS;
}

static SECPKG_FUNCTION_TABLE package_table = {
	.InitializePackage = initialize_package,
	.LogonUser = logon_user,
	.CallPackage = call_package,
	.LogonTerminated = logon_terminated,
	.Initialize = package_initialize,
	.Shutdown = package_shutdown,
	.GetInfo = get_info,
	.InitLsaModeContext = init_context,
	.QueryContextAttributes = query_context,
};

PACKAGE_EXPORT(SECPKG_INTERFACE_VERSION, &package_table, 1)
