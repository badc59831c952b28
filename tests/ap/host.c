/* SPDX-License-Identifier: MIT */
/*
 * A host of authentication packages of the time before function tables. It finds their exports in a
 * way that the command line says:
 *
 *	aphost handle|default|next LIBRARY...	by dlsym(); several libraries one after another
 *	aphost linked				the program is linked to the package
 *	aphost table LIBRARY...			through the table that the library returns, which holds
 *						exports
 *	aphost known-table LIBRARY		the same, but the host knows the name of the table
 *
 * It initialises each package, logs on twice, of which the second one fails, and calls the package.
 * It frees what the package returns. Its output does not change from run to run.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "include/secpkg.h"

#pragma weak LsaApInitializePackage
#pragma weak LsaApLogonUser
#pragma weak LsaApLogonUserEx
#pragma weak LsaApCallPackage

struct package {
	LSA_AP_INITIALIZE_PACKAGE *initialize;
	LSA_AP_LOGON_USER *log_on;
	LSA_AP_LOGON_USER_EX *log_on_ex;
	LSA_AP_CALL_PACKAGE *call;
};

static PVOID allocate(ULONG size)
{
	return malloc(size);
}

static void release(PVOID block)
{
	free(block);
}

static NTSTATUS allocate_for_client(PLSA_CLIENT_REQUEST request, ULONG size, PVOID *address)
{
	(void)request;
	*address = malloc(size);
	return STATUS_SUCCESS;
}

static NTSTATUS free_for_client(PLSA_CLIENT_REQUEST request, PVOID address)
{
	(void)request;
	free(address);
	return STATUS_SUCCESS;
}

static NTSTATUS copy_to_client(PLSA_CLIENT_REQUEST request, ULONG size, PVOID to, PVOID from)
{
	(void)request;
	memcpy(to, from, size);
	return STATUS_SUCCESS;
}

static struct {
	LSA_DISPATCH_TABLE table;
	char behind[sizeof(LSA_SECPKG_FUNCTION_TABLE) - sizeof(LSA_DISPATCH_TABLE)];
} dispatch = {
	.table = {
		.AllocateLsaHeap = allocate,
		.FreeLsaHeap = release,
		.AllocateClientBuffer = allocate_for_client,
		.FreeClientBuffer = free_for_client,
		.CopyToClientBuffer = copy_to_client,
	},
	.behind = "something",
};

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "aphost: %s\n", what);
	exit(3);
}

static void look_up(void *handle, const char *name, void *function)
{
	void *symbol = dlsym(handle, name);

	memcpy(function, &symbol, sizeof(symbol));
	printf("%s: %s\n", name, symbol ? "found" : "not found");
}

static struct package find(void *handle)
{
	struct package package;

	look_up(handle, LSA_AP_NAME_INITIALIZE_PACKAGE, &package.initialize);
	look_up(handle, LSA_AP_NAME_LOGON_USER, &package.log_on);
	look_up(handle, LSA_AP_NAME_LOGON_USER_EX, &package.log_on_ex);
	look_up(handle, LSA_AP_NAME_CALL_PACKAGE, &package.call);
	return package;
}

static void free_string(PUNICODE_STRING string)
{
	free(string->Buffer);
	free(string);
}

static void log_on(const struct package *package)
{
	PVOID request, profile = NULL, token = NULL;
	ULONG bytes = 0, type = 0;
	LUID id = { 0 };
	NTSTATUS sub_status = 0, status;
	PUNICODE_STRING account, authority, machine;

	status = package->log_on(&request, 2, NULL, NULL, 0, &profile, &bytes, &id, &sub_status,
				 &type, &token, &account, &authority);
	printf("logon: %x, profile of %u, type %u, user of %u\n", (unsigned int)status, bytes, type,
	       account->Length);
	free_string(account);
	free_string(authority);
	free(token);
	free(profile);
	status = package->log_on_ex(&request, 2, NULL, NULL, 0, &profile, &bytes, &id, &sub_status,
				    &type, &token, &account, &authority, &machine);
	printf("logon: %x\n", (unsigned int)status);
}

static void use(const struct package *package, ULONG id)
{
	PVOID request, answer = NULL;
	PLSA_STRING name = NULL;
	NTSTATUS status, protocol_status;
	ULONG bytes = 0;

	status = package->initialize(id, &dispatch.table, NULL, NULL, &name);
	printf("initialized: %x, name %.*s\n", (unsigned int)status, name->Length, name->Buffer);
	log_on(package);
	status = package->call(&request, NULL, NULL, 0, &answer, &bytes, &protocol_status);
	printf("called: %x, %s\n", (unsigned int)status, (const char *)answer);
	free(answer);
}

static void *open_library(const char *path, int scope)
{
	void *handle = dlopen(path, RTLD_NOW | scope);

	if (!handle)
		give_up(dlerror());
	return handle;
}

/* Each by its own handle, or all by one handle. */
static void use_libraries(bool by_handle, void *handle, char **paths)
{
	for (ULONG id = 1; *paths; paths++, id++) {
		void *library = open_library(*paths, by_handle ? RTLD_LOCAL : RTLD_GLOBAL);
		struct package package = find(by_handle ? library : handle);

		use(&package, id);
	}
}

static void use_linked(void)
{
	struct package package = { LsaApInitializePackage, LsaApLogonUser, LsaApLogonUserEx,
				   LsaApCallPackage };

	if (!package.initialize)
		give_up("not linked to a package");
	use(&package, 1);
}

/* Initialises and calls a package through its table. */
static void use_table(PSECPKG_FUNCTION_TABLE table)
{
	static const LSA_SECPKG_FUNCTION_TABLE full = { .AllocateLsaHeap = allocate,
							.FreeLsaHeap = release };
	PVOID token = NULL, request;
	NTSTATUS status, sub_status;
	ULONG type;

	table->Initialize(1, NULL, (PLSA_SECPKG_FUNCTION_TABLE)(uintptr_t)&full);
	status = table->LogonUser(&request, 2, NULL, NULL, 0, NULL, NULL, NULL, &sub_status, &type,
				  &token, NULL, NULL);
	printf("logon: %x, type %u\n", (unsigned int)status, type);
	free(token);
}

static void use_tables(char **paths)
{
	PSECPKG_FUNCTION_TABLE table;
	SpLsaModeInitializeFn entry;
	ULONG version, count;

	for (; *paths; paths++) {
		look_up(open_library(*paths, RTLD_LOCAL), SECPKG_LSAMODEINIT_NAME, &entry);
		entry(1, &version, &table, &count);
		use_table(table);
	}
}

static void use_known_table(const char *path)
{
	PSECPKG_FUNCTION_TABLE table;

	look_up(open_library(path, RTLD_LOCAL), "ap_table", &table);
	use_table(table);
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";

	if (strcmp(way, "handle") == 0)
		use_libraries(true, NULL, argv + 2);
	else if (strcmp(way, "default") == 0)
		use_libraries(false, RTLD_DEFAULT, argv + 2);
	else if (strcmp(way, "next") == 0)
		use_libraries(false, RTLD_NEXT, argv + 2);
	else if (strcmp(way, "linked") == 0)
		use_linked();
	else if (strcmp(way, "table") == 0)
		use_tables(argv + 2);
	else if (strcmp(way, "known-table") == 0)
		use_known_table(argv[2]);
	else
		give_up("no such way");
	return 0;
}
