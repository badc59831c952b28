/* SPDX-License-Identifier: MIT */
/*
 * Not a package, but a library that opens packages for its host. It prints nothing, because it may
 * be in a namespace with another C library. It is built three times: bound lazily, bound at once
 * (plugin-now), and linked to a package (plugin-linked).
 */
#define _GNU_SOURCE
#include "tests/packages/libraries/plugin.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "include/lsatrace.h"

/* Only plugin-linked has this function. */
#pragma weak SpLsaModeInitialize

/* A pointer in data, as in a table of functions. */
static void *(*const volatile kept_dlsym)(void *, const char *) = dlsym;

static void *find(const char *way, void *package)
{
	if (strcmp(way, "dlsym") == 0)
		return dlsym(package, SECPKG_LSAMODEINIT_NAME);
	if (strcmp(way, "dlvsym") == 0)
		return dlvsym(package, SECPKG_LSAMODEINIT_NAME, "PACKAGE_1.0");
	if (strcmp(way, "kept") == 0)
		return kept_dlsym(package, SECPKG_LSAMODEINIT_NAME);
	if (strcmp(way, "default") == 0)
		return dlsym(RTLD_DEFAULT, SECPKG_LSAMODEINIT_NAME);
	return (void *)SpLsaModeInitialize;
}

static int use(SpLsaModeInitializeFn entry, PLSA_SECPKG_FUNCTION_TABLE table)
{
	SECPKG_PARAMETERS parameters = { .Version = 1 };
	ULONG version = 0, count = 0, length = 0;
	PSECPKG_FUNCTION_TABLE package = NULL;
	char command[] = "run";
	NTSTATUS status = 0;
	PVOID client = NULL, answer = NULL;

	if (!entry || entry(1, &version, &package, &count) != 0)
		return 1;
	if (package->Initialize(1, &parameters, table) != 0)
		return 2;
	if (package->CallPackage(&client, command, NULL, sizeof(command), &answer, &length,
				 &status) != 0)
		return 3;
	return 0;
}

/* Other questions must have the usual answers, which come from the C library of this namespace. */
static int ask_others(void)
{
	void *own = dlsym(RTLD_DEFAULT, "getenv");

	if (own != (void *)getenv || dlsym(RTLD_NEXT, "getenv") != own)
		return 10;
	if (dlvsym(RTLD_DEFAULT, "getenv", "GLIBC_2.2.5") != own)
		return 11;
	dlerror();
	if (dlsym(RTLD_DEFAULT, "no_such_function") || !strstr(dlerror(), "undefined symbol"))
		return 12;
	return 0;
}

/* Asks a library that has no entry point. */
static int ask_in_vain(void)
{
	void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);

	if (!libc || dlsym(libc, SECPKG_LSAMODEINIT_NAME))
		return 20;
	if (!strstr(dlerror(), "undefined symbol"))
		return 21;
	dlclose(libc);
	return 0;
}

size_t plugin_leaks(void)
{
	return lsatrace_leaks_since(NULL);
}

int plugin_run(const char *way, const char *path, PLSA_SECPKG_FUNCTION_TABLE table, long times)
{
	int result = ask_others();

	if (result == 0)
		result = ask_in_vain();
	for (long i = 0; i < times && result == 0; i++) {
		void *package = dlopen(path, RTLD_NOW), *symbol;
		SpLsaModeInitializeFn entry;

		if (!package)
			return 30;
		symbol = find(way, package);
		memcpy(&entry, &symbol, sizeof(entry));
		result = use(entry, table);
		dlclose(package);
	}
	return result;
}
