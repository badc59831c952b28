/* SPDX-License-Identifier: MIT */
#include "package.h"

#include <string.h>

PLSA_SECPKG_FUNCTION_TABLE lsa;
PLSA_SECPKG_FUNCTION_TABLE package_lsa[PACKAGES_MOST + 1];
ULONG package_count = 1;

NTSTATUS package_initialize(ULONG_PTR id, PSECPKG_PARAMETERS parameters,
			    PLSA_SECPKG_FUNCTION_TABLE table)
{
	(void)parameters;
	lsa = table;
	if (id <= PACKAGES_MOST)
		package_lsa[id] = table;
	return STATUS_SUCCESS;
}

/* A Latin character, a Chinese one, and one that takes two units. */
static NTSTATUS get_info(PSecPkgInfoW info)
{
	static WCHAR name[] = u"odd-\u00e9-\u6f22-\U0001f600";

	memset(info, 0, sizeof(*info));
	info->wVersion = 1;
	info->Name = name;
	return STATUS_SUCCESS;
}

SECPKG_FUNCTION_TABLE package_tables[PACKAGES_MOST] = {
	[0 ... PACKAGES_MOST - 1] = { .Initialize = package_initialize, .GetInfo = get_info },
};

NTSTATUS SpLsaModeInitialize(ULONG LsaVersion, PULONG PackageVersion,
			     PSECPKG_FUNCTION_TABLE *ppTables, PULONG pcTables)
{
	(void)LsaVersion;
	*PackageVersion = SECPKG_INTERFACE_VERSION_8;
	*ppTables = package_tables;
	*pcTables = package_count;
	return STATUS_SUCCESS;
}

NOINLINE void churn(long rounds)
{
	for (long i = 0; i < rounds; i++)
		lsa->FreeLsaHeap(lsa->AllocateLsaHeap(32));
}

NOINLINE void churn_private(long rounds)
{
	for (long i = 0; i < rounds; i++)
		lsa->FreePrivateHeap(lsa->AllocatePrivateHeap(8));
}

NOINLINE void leak(ULONG size)
{
	lsa->AllocateLsaHeap(size);
}
