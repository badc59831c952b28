/* SPDX-License-Identifier: MIT */
/*
 * An authentication package of the time before function tables: its entry points are exports. It
 * copies more of the dispatch table than there is, as real packages do. What it returns consists of
 * several blocks, which the LSA or the client then owns.
 */
#include "tests/packages/package.h"

static LSA_SECPKG_FUNCTION_TABLE copy;

static void *allocate(ULONG size)
{
	return memset(lsa->AllocateLsaHeap(size), 0, size);
}

NTSTATUS LsaApInitializePackage(ULONG AuthenticationPackageId, PLSA_DISPATCH_TABLE LsaDispatchTable,
				PLSA_STRING Database, PLSA_STRING Confidentiality,
				PLSA_STRING *AuthenticationPackageName)
{
	(void)AuthenticationPackageId, (void)Database, (void)Confidentiality;
	memcpy(&copy, LsaDispatchTable, sizeof(copy));
	lsa = &copy;
	printf("behind the dispatch table: %.9s\n", (const char *)&copy.ImpersonateClient);
	*AuthenticationPackageName = allocate(sizeof(LSA_STRING));
	**AuthenticationPackageName = (LSA_STRING){ 2, 3, memcpy(allocate(3), "ap", 3) };
	return STATUS_SUCCESS;
}

static PUNICODE_STRING text(const WCHAR *characters, USHORT bytes)
{
	PUNICODE_STRING string = allocate(sizeof(*string));

	*string = (UNICODE_STRING){ bytes, bytes, memcpy(allocate(bytes), characters, bytes) };
	return string;
}

/* A defect. */
static NOINLINE void leak_hash(void)
{
	lsa->AllocateLsaHeap(24);
}

NTSTATUS LsaApLogonUser(PLSA_CLIENT_REQUEST ClientRequest, SECURITY_LOGON_TYPE LogonType,
			PVOID AuthenticationInformation, PVOID ClientAuthenticationBase,
			ULONG AuthenticationInformationLength, PVOID *ProfileBuffer,
			PULONG ProfileBufferLength, PLUID LogonId, PNTSTATUS SubStatus,
			PLSA_TOKEN_INFORMATION_TYPE TokenInformationType, PVOID *TokenInformation,
			PLSA_UNICODE_STRING *AccountName,
			PLSA_UNICODE_STRING *AuthenticatingAuthority)
{
	(void)LogonType, (void)AuthenticationInformation, (void)ClientAuthenticationBase;
	(void)AuthenticationInformationLength;
	leak_hash();
	*LogonId = (LUID){ 1, 2 };
	*SubStatus = STATUS_SUCCESS;
	*TokenInformationType = 1;
	*TokenInformation = allocate(64);
	*AccountName = text(u"user", 8);
	*AuthenticatingAuthority = text(u"realm", 10);
	*ProfileBufferLength = 16;
	return lsa->AllocateClientBuffer(ClientRequest, 16, ProfileBuffer);
}

/* Defect: calls LsaApLogonUser, then fails, and frees none of the results. */
NTSTATUS LsaApLogonUserEx(PLSA_CLIENT_REQUEST ClientRequest, SECURITY_LOGON_TYPE LogonType,
			  PVOID AuthenticationInformation, PVOID ClientAuthenticationBase,
			  ULONG AuthenticationInformationLength, PVOID *ProfileBuffer,
			  PULONG ProfileBufferLength, PLUID LogonId, PNTSTATUS SubStatus,
			  PLSA_TOKEN_INFORMATION_TYPE TokenInformationType, PVOID *TokenInformation,
			  PUNICODE_STRING *AccountName, PUNICODE_STRING *AuthenticatingAuthority,
			  PUNICODE_STRING *MachineName)
{
	LsaApLogonUser(ClientRequest, LogonType, AuthenticationInformation,
		       ClientAuthenticationBase, AuthenticationInformationLength, ProfileBuffer,
		       ProfileBufferLength, LogonId, SubStatus, TokenInformationType,
		       TokenInformation, AccountName, AuthenticatingAuthority);
	*MachineName = NULL;
	return STATUS_LOGON_FAILURE;
}

NTSTATUS LsaApCallPackage(PLSA_CLIENT_REQUEST ClientRequest, PVOID ProtocolSubmitBuffer,
			  PVOID ClientBufferBase, ULONG SubmitBufferLength,
			  PVOID *ProtocolReturnBuffer, PULONG ReturnBufferLength,
			  PNTSTATUS ProtocolStatus)
{
	(void)ProtocolSubmitBuffer, (void)ClientBufferBase, (void)SubmitBufferLength;
	*ProtocolStatus = STATUS_SUCCESS;
	return package_answer(ClientRequest, "answer", ProtocolReturnBuffer, ReturnBufferLength);
}
