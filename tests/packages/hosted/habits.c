/* SPDX-License-Identifier: MIT */
/*
 * Habits of packages that nobody here wrote: what they return from their entry points, and what they do with what the LSA
 * hands out. test_host.c says which are mistakes. The version is newer than all that the host knows.
 */
#include <stdbool.h>

#include "tests/packages/package.h"

static NOINLINE void keep_data(void)
{
	PUCHAR data = NULL;
	ULONG bytes = 0;

	lsa->GetAuthDataForUser(NULL, 0, NULL, &data, &bytes, NULL);
}

static NOINLINE void keep_expansion(void)
{
	PUCHAR data = NULL;
	ULONG bytes = 0;

	lsa->ExpandAuthDataForDomain(NULL, 0, NULL, &data, &bytes);
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
	if (strcmp(command, "expansion-leak") == 0)
		keep_expansion();
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

static PUNICODE_STRING make_name(void)
{
	PUNICODE_STRING name = lsa->AllocateLsaHeap(sizeof(*name));

	return name ? memset(name, 0, sizeof(*name)) : NULL;
}

static NTSTATUS logon_user(PLSA_CLIENT_REQUEST ClientRequest, SECURITY_LOGON_TYPE LogonType,
			   PVOID ProtocolSubmitBuffer, PVOID ClientBufferBase,
			   ULONG SubmitBufferSize, PVOID *ProfileBuffer, PULONG ProfileBufferSize,
			   PLUID LogonId, PNTSTATUS SubStatus,
			   PLSA_TOKEN_INFORMATION_TYPE TokenInformationType, PVOID *TokenInformation,
			   PUNICODE_STRING *AccountName, PUNICODE_STRING *AuthenticatingAuthority,
			   PUNICODE_STRING *MachineName, PSECPKG_PRIMARY_CRED PrimaryCredentials,
			   PSECPKG_SUPPLEMENTAL_CRED_ARRAY *SupplementalCredentials)
{
	const char *command = ProtocolSubmitBuffer;

	(void)ClientRequest;
	(void)LogonType;
	(void)ClientBufferBase;
	(void)SubmitBufferSize;
	(void)PrimaryCredentials;
	*ProfileBuffer = *TokenInformation = *SupplementalCredentials = NULL;
	*ProfileBufferSize = 0;
	*LogonId = (LUID){ .LowPart = 78 };
	*SubStatus = STATUS_SUCCESS;
	*TokenInformationType = 2;
	*AuthenticatingAuthority = *MachineName = NULL;
	*AccountName = make_name();
	if (strcmp(command, "profile-heap") == 0) {
		*ProfileBuffer = lsa->AllocateLsaHeap(160);
		*ProfileBufferSize = 160;
	}
	if (strcmp(command, "token-private") == 0)
		*TokenInformation = lsa->AllocatePrivateHeap(200);
	if (strncmp(command, "name-", 5) != 0)
		return STATUS_SUCCESS;
	lsa->FreeLsaHeap(*AccountName);
	if (strcmp(command, "name-foreign") == 0)
		*AccountName = calloc(1, sizeof(**AccountName));
	return STATUS_LOGON_FAILURE;
}

static NTSTATUS get_info(PSecPkgInfoW PackageInfo)
{
	static WCHAR name[] = u"habits";

	PackageInfo->Name = name;
	return STATUS_SUCCESS;
}

static NTSTATUS get_ui_context(LSA_SEC_HANDLE ContextHandle, GUID *CredType,
			       PULONG FlatCredUIContextLength, PUCHAR *FlatCredUIContext)
{
	(void)ContextHandle;
	(void)CredType;
	*FlatCredUIContext = lsa->AllocateLsaHeap(60);
	*FlatCredUIContextLength = 60;
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
	.LogonUserEx2 = logon_user,
	.Initialize = package_initialize,
	.GetInfo = get_info,
	.QueryCredentialsAttributes = query_credential,
	.GetCredentials = get_credentials,
	.GetExtendedInformation = get_extended,
	.QueryContextAttributes = query_context,
	.ChangeAccountPassword = change_password,
	.QueryMetaData = query_metadata,
	.GetCredUIContext = get_ui_context,
};

PACKAGE_EXPORT(0x04000000, &package_table, 1)

static PSECPKG_DLL_FUNCTIONS client_table;

static NTSTATUS instance_init(ULONG Version, PSECPKG_DLL_FUNCTIONS FunctionTable,
			      PVOID *UserFunctions)
{
	(void)Version;
	(void)UserFunctions;
	client_table = FunctionTable;
	return STATUS_SUCCESS;
}

/* The application frees the block. */
static NTSTATUS query_user_context(LSA_SEC_HANDLE ContextHandle, ULONG ContextAttribute,
				   PVOID Buffer)
{
	(void)ContextHandle;
	(void)ContextAttribute;
	*(PVOID *)Buffer = client_table->AllocateHeap(8);
	return STATUS_SUCCESS;
}

static SECPKG_USER_FUNCTION_TABLE user_table = {
	.InstanceInit = instance_init,
	.QueryContextAttributes = query_user_context,
};

NTSTATUS SpUserModeInitialize(ULONG LsaVersion, PULONG PackageVersion,
			      PSECPKG_USER_FUNCTION_TABLE *ppTables, PULONG pcTables)
{
	(void)LsaVersion;
	*PackageVersion = SECPKG_INTERFACE_VERSION;
	*ppTables = &user_table;
	*pcTables = 1;
	return STATUS_SUCCESS;
}
