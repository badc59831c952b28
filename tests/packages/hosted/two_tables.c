/* SPDX-License-Identifier: MIT */
/* Two packages in one library: a security package, and an authentication package behind it, which needs neither
 * Initialize nor GetInfo. */
#include "tests/packages/package.h"

static NTSTATUS get_info(PSecPkgInfoW info)
{
	package_describe(info, u"first");
	return STATUS_SUCCESS;
}

static NTSTATUS initialize_package(ULONG id, PLSA_DISPATCH_TABLE table, PLSA_STRING database,
				   PLSA_STRING confidentiality, PLSA_STRING *name)
{
	(void)id, (void)table, (void)database, (void)confidentiality;
	*name = NULL;
	return STATUS_SUCCESS;
}

static NTSTATUS call_package(PLSA_CLIENT_REQUEST client, PVOID submitted, PVOID base, ULONG bytes,
			     PVOID *answer, PULONG answer_bytes, PNTSTATUS status)
{
	(void)client, (void)submitted, (void)base, (void)bytes;
	lsa->FreeLsaHeap(lsa->AllocateLsaHeap(8));
	*answer = NULL;
	*answer_bytes = 0;
	*status = STATUS_SUCCESS;
	return STATUS_SUCCESS;
}

static NTSTATUS get_more(SECPKG_EXTENDED_INFORMATION_CLASS class,
			 PSECPKG_EXTENDED_INFORMATION *information)
{
	(void)class, (void)information;
	return STATUS_NOT_SUPPORTED;
}

static NTSTATUS get_logon_buffer(LSA_SEC_HANDLE credential, LSA_SEC_HANDLE context,
				 const UNICODE_STRING *target, PHANDLE logon,
				 PLSA_REDIRECTED_LOGON_CALLBACKS *callbacks,
				 PLSA_REDIRECTED_LOGON_CALLBACKS *cleanup, PULONG count, PVOID *data)
{
	(void)credential, (void)context, (void)target, (void)logon;
	(void)callbacks, (void)cleanup, (void)count, (void)data;
	return STATUS_NOT_SUPPORTED;
}

/* The last slots of the first table are used: read with a shorter length, the second one seems to have functions in
 * places where it has none. */
static SECPKG_FUNCTION_TABLE tables[] = {
	{ .Initialize = package_initialize,
	  .Shutdown = package_shutdown,
	  .GetInfo = get_info,
	  .CallPackage = call_package,
	  .GetExtendedInformation = get_more,
	  .GetRemoteCredGuardLogonBuffer = get_logon_buffer },
	{ .InitializePackage = initialize_package, .CallPackage = call_package },
};

PACKAGE_EXPORT(SECPKG_INTERFACE_VERSION_8, tables, 2)
