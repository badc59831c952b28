/* SPDX-License-Identifier: MIT */
/*
 * A package whose table holds functions that the library exports as well. The linker may bind these
 * names to functions of another library. The LSA then owns what its LogonUser returns.
 */
#include "tests/packages/package.h"

NTSTATUS LsaApLogonUser(PLSA_CLIENT_REQUEST ClientRequest, SECURITY_LOGON_TYPE LogonType,
			PVOID AuthenticationInformation, PVOID ClientAuthenticationBase,
			ULONG AuthenticationInformationLength, PVOID *ProfileBuffer,
			PULONG ProfileBufferLength, PLUID LogonId, PNTSTATUS SubStatus,
			PLSA_TOKEN_INFORMATION_TYPE TokenInformationType, PVOID *TokenInformation,
			PLSA_UNICODE_STRING *AccountName,
			PLSA_UNICODE_STRING *AuthenticatingAuthority)
{
	(void)ClientRequest, (void)LogonType, (void)AuthenticationInformation;
	(void)ClientAuthenticationBase, (void)AuthenticationInformationLength;
	(void)ProfileBuffer, (void)ProfileBufferLength, (void)LogonId;
	(void)AccountName, (void)AuthenticatingAuthority;
	*SubStatus = STATUS_SUCCESS;
	*TokenInformationType = 1;
	*TokenInformation = lsa->AllocateLsaHeap(32);
	return STATUS_SUCCESS;
}

static NTSTATUS get_info(PSecPkgInfoW PackageInfo)
{
	package_describe(PackageInfo, u"ap_table");
	return STATUS_SUCCESS;
}

extern SECPKG_FUNCTION_TABLE ap_table;

SECPKG_FUNCTION_TABLE ap_table = {
	.LogonUser = LsaApLogonUser,
	.Initialize = package_initialize,
	.Shutdown = package_shutdown,
	.GetInfo = get_info,
};

PACKAGE_EXPORT(SECPKG_INTERFACE_VERSION_8, &ap_table, 1)
