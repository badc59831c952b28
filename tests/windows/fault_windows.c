/* SPDX-License-Identifier: MIT */
/*
 * A package that reads where nothing is, in the first call of its entry point; and that does, by command:
 *
 *	fault      the same, between two calls of the host's table: the block of such a call leaks
 *	overflow   calls itself until the stack is full
 *	raise      raises an exception of its own
 *	status     ends the process with a status that functions return
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

static NOINLINE int fill_stack(volatile int *depth)
{
	volatile int more = *depth + 1;

	return more == 0 ? 0 : fill_stack(&more) + more;
}

__declspec(dllimport) void __stdcall RaiseException(unsigned code, unsigned flags, unsigned count,
						    const size_t *arguments);
__declspec(dllimport) void __stdcall ExitProcess(unsigned status);

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	(void)client;
	if (strcmp(command, "fault") == 0)
		run_into_fault();
	if (strcmp(command, "overflow") == 0)
		fill_stack(&(int){ 0 });
	if (strcmp(command, "raise") == 0)
		RaiseException(0xe0001234, 0, 0, NULL);
	if (strcmp(command, "status") == 0)
		ExitProcess(0xc0000022); /* STATUS_ACCESS_DENIED */
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
