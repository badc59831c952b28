/* SPDX-License-Identifier: MIT */
#include "host.h"

#ifndef _WIN32
#include <dlfcn.h>
#endif
#include <stdlib.h>
#include <string.h>

#include "secpkg.h"

#ifdef _WIN32
/* windows.h defines other types than secpkg.h. */
__declspec(dllimport) void *LoadLibraryA(const char *path);
__declspec(dllimport) void *GetProcAddress(void *library, const char *name);
#define dlopen(path, flags) LoadLibraryA(path)
#define dlsym GetProcAddress
#endif

static PSECPKG_FUNCTION_TABLE package;

static PVOID allocate(ULONG bytes)
{
	return calloc(1, bytes ? bytes : 1);
}

static void release(PVOID block)
{
	free(block);
}

static LSA_SECPKG_FUNCTION_TABLE table = { .AllocateLsaHeap = allocate, .FreeLsaHeap = release };

bool host_open(const char *library)
{
	SECPKG_PARAMETERS parameters = { 0 };
	NTSTATUS (*start)(ULONG, PULONG, PSECPKG_FUNCTION_TABLE *, PULONG);
	void *opened = dlopen(library, RTLD_NOW);
	void *found = opened ? dlsym(opened, "SpLsaModeInitialize") : NULL;
	ULONG version, count = 0;

	if (!found)
		return false;
	memcpy(&start, &found, sizeof(start));
	return NT_SUCCESS(start(SECPKG_INTERFACE_VERSION_8, &version, &package, &count)) &&
	       count == 1 && NT_SUCCESS(package->Initialize(1, &parameters, &table));
}

void host_call(const char *command)
{
	PVOID answer = NULL, submitted = (PVOID)(uintptr_t)command;
	ULONG bytes = 0;
	NTSTATUS status;

	package->CallPackage(NULL, submitted, submitted, (ULONG)strlen(command) + 1, &answer,
			     &bytes, &status);
}

void host_close(void)
{
	package->Shutdown();
}
