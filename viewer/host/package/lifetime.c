/* SPDX-License-Identifier: MIT */
#include "viewer/host/package/lifetime.h"

#include <stdio.h>

#include "viewer/host/base/faults.h"
#include "viewer/host/memory/heaps.h"
#include "viewer/host/memory/inputs.h"
#include "viewer/host/package/answers.h"
#include "viewer/host/package/entry.h"

enum { TOKEN_BYTES_MOST = 1 << 20 };

static bool initialise_authentication(struct package *package, const LSA_SECPKG_NEWEST_TABLE *table)
{
	PLSA_STRING name = answer_unset();
	struct entry entry;
	NTSTATUS status;

	entry_begin(&entry, package, "LsaApInitializePackage", NULL);
	entry_seal(&entry);
	status = package->api.InitializePackage(package->id, (PLSA_DISPATCH_TABLE)(uintptr_t)table,
						NULL, NULL, &name);
	entry_returned(&entry, status);
	if (NT_SUCCESS(status))
		package->lsa_name = answer_package_name(name);
	entry_end(&entry);
	return NT_SUCCESS(status);
}

static bool initialise_support(struct package *package, const LSA_SECPKG_NEWEST_TABLE *table)
{
	SECPKG_PARAMETERS parameters = { .Version = 10 }, *sealed;
	struct entry entry;
	NTSTATUS status;

	entry_begin(&entry, package, "SpInitialize", NULL);
	parameters.DomainName = *inputs_name("EXAMPLE");
	parameters.DnsDomainName = *inputs_name("example.test");
	sealed = inputs_copy(&parameters, sizeof(parameters));
	entry_seal(&entry);
	status = package->api.Initialize(package->id, sealed,
					 (PLSA_SECPKG_FUNCTION_TABLE)(uintptr_t)table);
	entry_returned(&entry, status);
	entry_end(&entry);
	return NT_SUCCESS(status);
}

static bool initialise_client(struct package *package, const SECPKG_DLL_FUNCTIONS *table)
{
	struct entry entry;
	PVOID functions = NULL;
	NTSTATUS status;

	entry_begin(&entry, package, "SpInstanceInit", NULL);
	entry_seal(&entry);
	status = package->user.InstanceInit(PACKAGES_LSA_VERSION,
					    (PSECPKG_DLL_FUNCTIONS)(uintptr_t)table, &functions);
	entry_returned(&entry, status);
	entry_end(&entry);
	return NT_SUCCESS(status);
}

/* The text stays the package's. */
static void check_text(const char *parameter, const WCHAR *text)
{
	if (client_has_address(text))
		fault_tell("%s is an address of the client", parameter);
	else if (heap_find_start(text).state == HEAP_FREED)
		fault_tell("%s was freed before", parameter);
}

NTSTATUS lifetime_get_info(const struct package *package, struct client *client, SecPkgInfoW *info)
{
	struct entry entry;
	NTSTATUS status;

	*info = (SecPkgInfoW){ .Name = answer_unset() };
	entry_begin(&entry, package, "SpGetInfo", client);
	entry_seal(&entry);
	status = package->api.GetInfo(info);
	entry_returned(&entry, status);
	if (NT_SUCCESS(status)) {
		if (!info->Name || answer_is_unset(info->Name))
			fault_tell(info->Name ? "Name was not set" : "Name is NULL");
		check_text("Name", info->Name);
		check_text("Comment", info->Comment);
	}
	entry_end(&entry);
	return status;
}

/* Tokens have as much room as the package says that it needs. */
static void learn_token_bytes(struct package *package)
{
	SecPkgInfoW info;

	if (NT_SUCCESS(lifetime_get_info(package, NULL, &info)) && info.cbMaxToken &&
	    info.cbMaxToken < TOKEN_BYTES_MOST)
		package->token_bytes = info.cbMaxToken;
}

/* A real LSA unloads a package that refuses. */
void lifetime_begin(const LSA_SECPKG_NEWEST_TABLE *table, const SECPKG_DLL_FUNCTIONS *client_table)
{
	for (struct package *p = packages; p < packages + package_count; p++) {
		bool is_lsa = p->api.InitializePackage || p->api.Initialize;

		p->is_ready = is_lsa &&
			      (!p->api.InitializePackage || initialise_authentication(p, table)) &&
			      (!p->api.Initialize || initialise_support(p, table));
		if (p->is_ready && p->api.GetInfo)
			learn_token_bytes(p);
		p->is_user_ready = p->user.InstanceInit && initialise_client(p, client_table);
		if (is_lsa ? !p->is_ready : !p->is_user_ready)
			fprintf(stderr, "lsatrace-host: %s %s, and is not used\n", p->name,
				is_lsa || p->user.InstanceInit ? "did not initialise"
							       : "has no Initialize");
	}
}

void lifetime_end(void)
{
	for (struct package *p = packages; p < packages + package_count; p++) {
		struct entry entry;

		if (!p->is_ready || !p->api.Shutdown)
			continue;
		entry_begin(&entry, p, "SpShutdown", NULL);
		entry_seal(&entry);
		entry_returned(&entry, p->api.Shutdown());
		entry_end(&entry);
		p->is_ready = false;
	}
}
