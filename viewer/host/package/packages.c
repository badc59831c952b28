/* SPDX-License-Identifier: MIT */
#include "viewer/host/package/packages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/host/base/memory.h"
#include "viewer/host/base/site.h"
#include "viewer/host/base/system.h"

enum { DEFAULT_TOKEN_BYTES = 4096 };

struct package *packages;
size_t package_count;

static struct package *add_package(void *library, const char *path, ULONG index, ULONG count)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	int length = (int)strcspn(base, ".");
	char *name = memory_new((size_t)length + 16);
	struct package *package;

	sprintf(name, count > 1 ? "%.*s[%u]" : "%.*s", length, base, index);
	packages = memory_resize(packages, (package_count + 1) * sizeof(*packages));
	package = &packages[package_count];
	*package = (struct package){ .name = name,
				     .library = library,
				     .id = (ULONG)package_count,
				     .token_bytes = DEFAULT_TOKEN_BYTES };
	package_count++;
	return package;
}

/* The entry point, as a function, of any type. */
static bool find_entry(void *library, const char *name, void *function)
{
	void *symbol = system_symbol(library, name);

	memcpy(function, &symbol, sizeof(symbol));
	return symbol != NULL;
}

static bool refuse(const char *path, const char *why, NTSTATUS status)
{
	fprintf(stderr, "lsatrace-host: %s: %s", path, why);
	if (status)
		fprintf(stderr, ": 0x%08x", (unsigned)status);
	fputc('\n', stderr);
	return false;
}

/* The version gives the distance between the tables. That of a single one may be newer than all that are known here: it begins
 * with the same slots. It may also be the library's own version, as its documentation has it: there is the oldest table then,
 * at least. */
static bool load_lsa_mode(void *library, const char *path, SpLsaModeInitializeFn initialise)
{
	PSECPKG_FUNCTION_TABLE tables = NULL;
	ULONG version = 0, count = 0;
	NTSTATUS status;
	size_t bytes;

	site.entry = SECPKG_LSAMODEINIT_NAME;
	status = initialise(PACKAGES_LSA_VERSION, &version, &tables, &count);
	bytes = secpkg_slots_of_version(version) * sizeof(PVOID);
	if (version > SECPKG_INTERFACE_VERSION_8 && count == 1)
		bytes = sizeof(*tables);
	else if (!bytes && count == 1)
		bytes = secpkg_slots_of_version(SECPKG_INTERFACE_VERSION) * sizeof(PVOID);
	if (!NT_SUCCESS(status))
		return refuse(path, "SpLsaModeInitialize failed", status);
	if (!tables || !count)
		return refuse(path, "SpLsaModeInitialize returned no table", 0);
	if (!bytes)
		return refuse(path, "SpLsaModeInitialize returned an unknown version",
			      (NTSTATUS)version);
	for (ULONG i = 0; i < count; i++)
		memcpy(&add_package(library, path, i, count)->api, (char *)tables + i * bytes,
		       bytes);
	return true;
}

#define OLDER_ENTRIES(ENTRY) \
	ENTRY(LogonUser, LSA_AP_NAME_LOGON_USER) \
	ENTRY(LogonUserEx, LSA_AP_NAME_LOGON_USER_EX) \
	ENTRY(LogonUserEx2, LSA_AP_NAME_LOGON_USER_EX2) \
	ENTRY(CallPackage, LSA_AP_NAME_CALL_PACKAGE) \
	ENTRY(CallPackageUntrusted, LSA_AP_NAME_CALL_PACKAGE_UNTRUSTED) \
	ENTRY(CallPackagePassthrough, LSA_AP_NAME_CALL_PACKAGE_PASSTHROUGH) \
	ENTRY(LogonTerminated, "LsaApLogonTerminated")

#define FIND_OLDER(slot, name) find_entry(library, name, &api->slot);

static void load_older(void *library, const char *path, LSA_AP_INITIALIZE_PACKAGE *initialise)
{
	SECPKG_FUNCTION_TABLE *api = &add_package(library, path, 0, 1)->api;

	api->InitializePackage = initialise;
	OLDER_ENTRIES(FIND_OLDER)
}

/* The tables of the client's side are those of the same packages, in the same order. */
static bool load_user_mode(void *library, const char *path, SpUserModeInitializeFn initialise,
			   size_t first)
{
	PSECPKG_USER_FUNCTION_TABLE tables = NULL;
	ULONG version = 0, count = 0;
	NTSTATUS status;
	size_t bytes;

	site.entry = SECPKG_USERMODEINIT_NAME;
	status = initialise(PACKAGES_LSA_VERSION, &version, &tables, &count);
	bytes = secpkg_user_slots_of_version(version) * sizeof(PVOID);
	if (!NT_SUCCESS(status))
		return refuse(path, "SpUserModeInitialize failed", status);
	if (!tables && count)
		return refuse(path, "SpUserModeInitialize returned no table", 0);
	for (ULONG i = 0; i < count; i++) {
		if (first + i == package_count)
			add_package(library, path, i, count);
		memcpy(&packages[first + i].user, (char *)tables + i * bytes, bytes);
	}
	return true;
}

static bool load_packages(const char *path)
{
	const char *reason = NULL;
	void *library = system_open(path, &reason);
	SpLsaModeInitializeFn lsa_mode;
	SpUserModeInitializeFn user_mode;
	LSA_AP_INITIALIZE_PACKAGE *older;
	size_t first = package_count;

	if (!library) {
		fprintf(stderr, "lsatrace-host: %s\n", reason);
		return false;
	}
	if (find_entry(library, SECPKG_LSAMODEINIT_NAME, &lsa_mode)) {
		if (!load_lsa_mode(library, path, lsa_mode))
			return false;
	} else if (find_entry(library, LSA_AP_NAME_INITIALIZE_PACKAGE, &older)) {
		load_older(library, path, older);
	}
	if (find_entry(library, SECPKG_USERMODEINIT_NAME, &user_mode) &&
	    !load_user_mode(library, path, user_mode, first))
		return false;
	return package_count > first ||
	       refuse(path,
		      "exports none of SpLsaModeInitialize, LsaApInitializePackage, "
		      "SpUserModeInitialize",
		      0);
}

bool packages_load(const char *path)
{
	struct site outer = site_enter(path, "loading it");
	bool is_loaded = load_packages(path);

	site_leave(&outer);
	return is_loaded;
}

struct package *packages_find(const char *name)
{
	for (struct package *p = packages; p < packages + package_count; p++)
		if (strcmp(p->name, name) == 0 || (p->lsa_name && strcmp(p->lsa_name, name) == 0))
			return p;
	return NULL;
}
