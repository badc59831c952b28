/* SPDX-License-Identifier: MIT */
/*
 * A package that reads where nothing is: in the first call of its entry point, and in each call whose command
 * says so, between two calls of the host's table. The block of such a call leaks.
 */
#define SpLsaModeInitialize initialize_package
#include "tests/packages/package.h"

static volatile int *const nothing = (volatile int *)16;

static NOINLINE void run_into_fault(void)
{
	lsa->AllocateLsaHeap(33);
	if (*nothing)
		lsa->AllocateLsaHeap(34);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	(void)client;
	if (strcmp(command, "fault") == 0)
		run_into_fault();
	lsa->FreeLsaHeap(lsa->AllocateLsaHeap(35));
}

PACKAGE("fault", run)

#undef SpLsaModeInitialize
__declspec(dllexport) NTSTATUS SpLsaModeInitialize(ULONG LsaVersion, PULONG PackageVersion,
						   PSECPKG_FUNCTION_TABLE *ppTables, PULONG pcTables)
{
	static int calls;

	if (calls++ == 0)
		return *nothing;
	return initialize_package(LsaVersion, PackageVersion, ppTables, pcTables);
}
