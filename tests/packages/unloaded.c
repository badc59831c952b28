/* SPDX-License-Identifier: MIT */
/* A package that fails to initialise, leaves a block behind and is unloaded for it. */
#include "package.h"

/* Injected: the caller gives up without freeing. */
static NOINLINE void allocate_settings(void)
{
	lsa->AllocateLsaHeap(200);
}

static NTSTATUS fail_to_initialize(ULONG_PTR PackageId, PSECPKG_PARAMETERS Parameters,
				   PLSA_SECPKG_FUNCTION_TABLE FunctionTable)
{
	package_initialize(PackageId, Parameters, FunctionTable);
	allocate_settings();
	return STATUS_UNSUCCESSFUL;
}

static SECPKG_FUNCTION_TABLE package_table = { .Initialize = fail_to_initialize };

PACKAGE_EXPORT(SECPKG_INTERFACE_VERSION_3, &package_table, 1)
