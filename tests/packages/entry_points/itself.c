/* SPDX-License-Identifier: MIT */
/*
 * A package that looks for entry points itself: by name, which the linker binds, and by dlsym(). It
 * calls each one, and prints whose table that returns.
 */
#include <dlfcn.h>

#include "tests/packages/package.h"

/* A table that a tracer copied still has the functions that the tracer does not trace, such as
 * Shutdown. */
static void print_owner(const char *what, SpLsaModeInitializeFn entry)
{
	PSECPKG_FUNCTION_TABLE tables = NULL;
	ULONG version = 0, count = 0;

	if (entry)
		entry(1, &version, &tables, &count);
	printf("%s: %s\n", what,
	       !entry                                           ? "nobody"
	       : tables && tables->Shutdown == package_shutdown ? "itself"
								: "another");
}

static SpLsaModeInitializeFn find(void *handle)
{
	void *symbol = dlsym(handle, SECPKG_LSAMODEINIT_NAME);
	SpLsaModeInitializeFn entry;

	memcpy(&entry, &symbol, sizeof(entry));
	return entry;
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	(void)client;
	(void)command;
	print_owner("linked", SpLsaModeInitialize);
	print_owner("default", find(RTLD_DEFAULT));
	print_owner("next", find(RTLD_NEXT));
	lsa->AllocateLsaHeap(29);
}

PACKAGE("itself", run)
