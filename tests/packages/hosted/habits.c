/* SPDX-License-Identifier: MIT */
/*
 * Habits of packages that nobody here wrote: what they return from their entry points, and what they do with what the LSA
 * hands out. Those whose names end with "-leak" are mistakes, and so is "heap-answer".
 */
#include <stdbool.h>

#include "tests/packages/package.h"

static NOINLINE void keep_data(void)
{
	PUCHAR data = NULL;
	ULONG bytes = 0;

	lsa->GetAuthDataForUser(NULL, 0, NULL, &data, &bytes, NULL);
}

static NOINLINE void keep_secret(void)
{
	lsa->AllocatePrivateHeap(33);
}

/* What the LSA wants to have freed lies behind the command. */
static void free_given(char *submitted)
{
	PVOID given;

	memcpy(&given, submitted + 16, sizeof(given));
	lsa->FreeLsaHeap(given);
}

static NTSTATUS call_package(PLSA_CLIENT_REQUEST ClientRequest, PVOID ProtocolSubmitBuffer,
			     PVOID ClientBufferBase, ULONG SubmitBufferLength,
			     PVOID *ProtocolReturnBuffer, PULONG ReturnBufferLength,
			     PNTSTATUS ProtocolStatus)
{
	const char *command = ProtocolSubmitBuffer;

	(void)ClientBufferBase;
	(void)SubmitBufferLength;
	*ProtocolReturnBuffer = NULL;
	*ReturnBufferLength = 0;
	*ProtocolStatus = STATUS_SUCCESS;
	if (strcmp(command, "data-leak") == 0)
		keep_data();
	if (strcmp(command, "secret-leak") == 0)
		keep_secret();
	if (strcmp(command, "given") == 0)
		free_given(ProtocolSubmitBuffer);
	if (strcmp(command, "heap-answer") == 0) {
		*ProtocolReturnBuffer = lsa->AllocateLsaHeap(40);
		*ReturnBufferLength = 40;
	}
	/* The protocol fails, and its answer is returned nevertheless. */
	if (strcmp(command, "refused") == 0) {
		*ReturnBufferLength = 24;
		*ProtocolStatus = STATUS_LOGON_FAILURE;
		return lsa->AllocateClientBuffer(ClientRequest, 24, ProtocolReturnBuffer);
	}
	return STATUS_SUCCESS;
}

static NTSTATUS get_info(PSecPkgInfoW PackageInfo)
{
	package_describe(PackageInfo, u"habits");
	return STATUS_SUCCESS;
}

static NTSTATUS get_extended(SECPKG_EXTENDED_INFORMATION_CLASS Class,
			     PSECPKG_EXTENDED_INFORMATION *ppInformation)
{
	(void)Class;
	*ppInformation = lsa->AllocateLsaHeap(40);
	return STATUS_SUCCESS;
}

static NTSTATUS query_context(LSA_SEC_HANDLE ContextHandle, ULONG ContextAttribute, PVOID Buffer)
{
	(void)ContextHandle;
	(void)ContextAttribute;
	*(PVOID *)Buffer = lsa->AllocateLsaHeap(8);
	return STATUS_SUCCESS;
}

static NTSTATUS query_credential(LSA_SEC_HANDLE CredentialHandle, ULONG CredentialAttribute,
				 PVOID Buffer)
{
	(void)CredentialHandle;
	(void)CredentialAttribute;
	return lsa->AllocateClientBuffer(NULL, 8, Buffer);
}

static NTSTATUS query_metadata(LSA_SEC_HANDLE CredentialHandle, PUNICODE_STRING TargetName,
			       ULONG ContextRequirements, PULONG MetaDataLength, PUCHAR *MetaData,
			       PLSA_SEC_HANDLE ContextHandle)
{
	(void)CredentialHandle;
	(void)TargetName;
	(void)ContextRequirements;
	(void)ContextHandle;
	*MetaData = lsa->AllocateLsaHeap(50);
	*MetaDataLength = 50;
	return STATUS_SUCCESS;
}

static NTSTATUS get_credentials(LSA_SEC_HANDLE CredentialHandle, PSecBuffer Credentials)
{
	(void)CredentialHandle;
	Credentials->pvBuffer = lsa->AllocateLsaHeap(70);
	Credentials->cbBuffer = 70;
	return STATUS_SUCCESS;
}

static NTSTATUS change_password(PUNICODE_STRING DomainName, PUNICODE_STRING AccountName,
				PUNICODE_STRING OldPassword, PUNICODE_STRING NewPassword,
				BOOLEAN Impersonating, PSecBufferDesc Output)
{
	(void)DomainName;
	(void)AccountName;
	(void)OldPassword;
	(void)NewPassword;
	(void)Impersonating;
	Output->pBuffers[0].pvBuffer = lsa->AllocateLsaHeap(80);
	Output->pBuffers[0].cbBuffer = 80;
	return STATUS_UNSUCCESSFUL;
}

static SECPKG_FUNCTION_TABLE package_table = {
	.CallPackage = call_package,
	.Initialize = package_initialize,
	.GetInfo = get_info,
	.QueryCredentialsAttributes = query_credential,
	.GetCredentials = get_credentials,
	.GetExtendedInformation = get_extended,
	.QueryContextAttributes = query_context,
	.ChangeAccountPassword = change_password,
	.QueryMetaData = query_metadata,
};

PACKAGE_EXPORT(SECPKG_INTERFACE_VERSION_8, &package_table, 1)
