/* SPDX-License-Identifier: MIT */
/* A logon that fails late. It frees nothing of what it allocated before; but it returns the
 * names. */
#include "tests/packages/package.h"

static NOINLINE PVOID make_token(void)
{
	return lsa->AllocateLsaHeap(128);
}

static NOINLINE PVOID make_profile(PLSA_CLIENT_REQUEST client)
{
	PVOID profile = NULL;

	lsa->AllocateClientBuffer(client, 32, &profile);
	return profile;
}

static PUNICODE_STRING make_name(const WCHAR *text, USHORT size)
{
	PUNICODE_STRING name = lsa->AllocateLsaHeap(sizeof(*name) + size);

	if (name) {
		name->Length = size;
		name->MaximumLength = size;
		name->Buffer = memcpy(name + 1, text, size);
	}
	return name;
}

/* Defect: neither token nor profile is freed. The LSA owns the names nevertheless, as
 * documented. */
static NTSTATUS logon_user(PLSA_CLIENT_REQUEST ClientRequest, SECURITY_LOGON_TYPE LogonType,
			   PVOID AuthenticationInformation, PVOID ClientAuthenticationBase,
			   ULONG AuthenticationInformationLength, PVOID *ProfileBuffer,
			   PULONG ProfileBufferLength, PLUID LogonId, PNTSTATUS SubStatus,
			   PLSA_TOKEN_INFORMATION_TYPE TokenInformationType,
			   PVOID *TokenInformation, PUNICODE_STRING *AccountName,
			   PUNICODE_STRING *AuthenticatingAuthority, PUNICODE_STRING *MachineName)
{
	(void)LogonType;
	(void)AuthenticationInformation;
	(void)ClientAuthenticationBase;
	(void)AuthenticationInformationLength;
	(void)ProfileBuffer;
	(void)ProfileBufferLength;
	(void)LogonId;
	(void)TokenInformationType;
	(void)TokenInformation;
	make_token();
	make_profile(ClientRequest);
	*AccountName = make_name(u"user", 8);
	*AuthenticatingAuthority = make_name(u"domain", 12);
	*MachineName = make_name(u"machine", 14);
	*SubStatus = STATUS_SUCCESS;
	return STATUS_LOGON_FAILURE;
}

static NTSTATUS get_info(PSecPkgInfoW PackageInfo)
{
	package_describe(PackageInfo, u"failed_logon");
	return STATUS_SUCCESS;
}

static SECPKG_FUNCTION_TABLE package_table = {
	.LogonUserEx = logon_user,
	.Initialize = package_initialize,
	.Shutdown = package_shutdown,
	.GetInfo = get_info,
};

PACKAGE_EXPORT(SECPKG_INTERFACE_VERSION_8, &package_table, 1)
