/* SPDX-License-Identifier: MIT */
/* A library that has a client's half only. */
#include "tests/packages/package.h"

/* Defect: keeps the second block for ever. */
static NOINLINE void keep_block(PSECPKG_DLL_FUNCTIONS functions)
{
	functions->FreeHeap(functions->AllocateHeap(16));
	functions->AllocateHeap(24);
}

static NTSTATUS init_instance(ULONG version, PSECPKG_DLL_FUNCTIONS functions, PVOID *user)
{
	(void)version, (void)user;
	keep_block(functions);
	return STATUS_SUCCESS;
}

static SECPKG_USER_FUNCTION_TABLE table = { .InstanceInit = init_instance };

NTSTATUS SpUserModeInitialize(ULONG LsaVersion, PULONG PackageVersion,
			      PSECPKG_USER_FUNCTION_TABLE *ppTables, PULONG pcTables)
{
	(void)LsaVersion;
	*PackageVersion = SECPKG_INTERFACE_VERSION;
	*ppTables = &table;
	*pcTables = 1;
	return STATUS_SUCCESS;
}
