/* SPDX-License-Identifier: MIT */
/*
 * A part of a program of winelib, which is one for Linux that Wine runs, with Windows' functions beside
 * the C library's. It may have packages of both systems.
 */
#include <stdio.h>
#include <stdlib.h>

#include "include/secpkg.h"
#include "tests/windows/winelib.h"

static PVOID SECPKG_CALL allocate(ULONG bytes)
{
	return malloc(bytes);
}

static void SECPKG_CALL release(PVOID block)
{
	free(block);
}

void CALL_IT(void *entry, const char *name)
{
	static LSA_SECPKG_FUNCTION_TABLE functions = { .AllocateLsaHeap = allocate,
						       .FreeLsaHeap = release };
	static SECPKG_PARAMETERS parameters;
	PSECPKG_FUNCTION_TABLE tables = NULL;
	ULONG version = 0, count = 0, length = 0;
	NTSTATUS status;
	PVOID answer = NULL;

	if (((SpLsaModeInitializeFn)entry)(1, &version, &tables, &count) ||
	    tables->Initialize(1, &parameters, &functions) ||
	    tables->CallPackage(NULL, (PVOID)(uintptr_t) "", NULL, 0, &answer, &length, &status))
		printf("%s: failed\n", name);
	else
		printf("%s: called\n", name);
}
