/* SPDX-License-Identifier: MIT */
/* A package that leaves a block behind when it fails to initialise. The host unloads it. */
#include "tests/packages/package.h"

/* Defect: the caller gives up without freeing. */
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
