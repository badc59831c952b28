/* SPDX-License-Identifier: MIT */
#include "loader.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Only lsahost-linked has this function. */
#pragma weak SpLsaModeInitialize

enum { LSA_VERSION = 1 };

static void library_name(char name[static 48], const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;

	snprintf(name, 48, "%.*s", (int)strcspn(base, "."), base);
}

static void add_package(struct packages *packages, void *library, const char *name,
			const void *table, size_t size)
{
	struct package *package;

	packages->all = realloc(packages->all, (packages->count + 1) * sizeof(*packages->all));
	if (!packages->all)
		abort();
	package = &packages->all[packages->count++];
	memset(package, 0, sizeof(*package));
	package->library = library;
	snprintf(package->name, sizeof(package->name), "%s", name);
	memcpy(&package->functions, table, size);
}

/* The version gives the distance between tables in the array. The structure here has the longest
 * form. */
static void add_packages(struct packages *packages, void *library, const char *name,
			 const SECPKG_FUNCTION_TABLE *tables, ULONG count, ULONG version)
{
	size_t stride = secpkg_slots_of_version(version) * sizeof(void *);
	const char *table = (const char *)tables;
	char numbered[64];

	for (ULONG i = 0; i < count; i++, table += stride) {
		snprintf(numbered, sizeof(numbered), count > 1 ? "%s[%u]" : "%s", name, i);
		add_package(packages, library, numbered, table, stride);
	}
}

static int ask_library(struct packages *packages, void *library, const char *name,
		       SpLsaModeInitializeFn entry)
{
	PSECPKG_FUNCTION_TABLE tables = NULL;
	ULONG version = 0;
	ULONG count = 0;
	NTSTATUS status = entry(LSA_VERSION, &version, &tables, &count);

	printf("%s: SpLsaModeInitialize: %08x, version %08x, packages %u\n", name,
	       (unsigned int)status, version, count);
	if (!NT_SUCCESS(status) || !secpkg_slots_of_version(version))
		return -1;
	add_packages(packages, library, name, tables, count, version);
	return 0;
}

/* A library must be in the global scope, or it cannot be found without its handle. */
static SpLsaModeInitializeFn find_entry(void *library, enum lookup lookup)
{
	void *const where[] = {
		[LOOKUP_HANDLE] = library,
		[LOOKUP_DEFAULT] = RTLD_DEFAULT,
		[LOOKUP_NEXT] = RTLD_NEXT,
	};
	void *symbol = dlsym(where[lookup], SECPKG_LSAMODEINIT_NAME);
	SpLsaModeInitializeFn entry;

	memcpy(&entry, &symbol, sizeof(entry));
	return entry;
}

int packages_load(struct packages *packages, const char *path, enum lookup lookup)
{
	int scope = lookup == LOOKUP_HANDLE ? RTLD_LOCAL : RTLD_GLOBAL;
	void *library = dlopen(path, RTLD_NOW | scope);
	SpLsaModeInitializeFn entry;
	char name[48];

	if (!library) {
		fprintf(stderr, "lsahost: %s\n", dlerror());
		return -1;
	}
	entry = find_entry(library, lookup);
	if (!entry) {
		fprintf(stderr, "lsahost: %s\n", dlerror());
		dlclose(library);
		return -1;
	}
	library_name(name, path);
	return ask_library(packages, library, name, entry);
}

int packages_load_linked(struct packages *packages)
{
	if (!SpLsaModeInitialize) {
		fprintf(stderr, "lsahost: not linked to a library with packages\n");
		return -1;
	}
	return ask_library(packages, NULL, "linked", SpLsaModeInitialize);
}

/* Clears the handle in each package that shares it, so that it is closed once. */
static void close_library(struct packages *packages, void *library)
{
	if (!library)
		return;
	for (size_t i = 0; i < packages->count; i++) {
		if (packages->all[i].library == library)
			packages->all[i].library = NULL;
	}
	dlclose(library);
}

void packages_unload(struct packages *packages)
{
	for (size_t i = 0; i < packages->count; i++)
		close_library(packages, packages->all[i].library);
}

void packages_drop(struct packages *packages, struct package *package)
{
	package->usable = false;
	for (size_t i = 0; i < packages->count; i++) {
		struct package *other = &packages->all[i];

		if (other != package && other->library == package->library)
			return;
	}
	close_library(packages, package->library);
}

void packages_release(struct packages *packages)
{
	free(packages->all);
	*packages = (struct packages){ 0 };
}
