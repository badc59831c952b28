/* SPDX-License-Identifier: MIT */
/* The side of a client: the program exports SpUserModeInitialize, and gives functions to its
 * packages. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "host.h"
#include "odd.h"
#include "package.h"

enum { CLIENTS = 2, SLOTS = 14 }; /* of a table in older headers */

static PSECPKG_DLL_FUNCTIONS dll[CLIENTS];

static NTSTATUS instance_init_0(ULONG version, PSECPKG_DLL_FUNCTIONS functions, PVOID *user)
{
	(void)version, (void)user;
	dll[0] = functions;
	return STATUS_SUCCESS;
}

static NTSTATUS instance_init_1(ULONG version, PSECPKG_DLL_FUNCTIONS functions, PVOID *user)
{
	(void)version, (void)user;
	dll[1] = functions;
	return STATUS_SUCCESS;
}

static void *client_tables[CLIENTS * SLOTS];

NTSTATUS SpUserModeInitialize(ULONG LsaVersion, PULONG PackageVersion,
			      PSECPKG_USER_FUNCTION_TABLE *ppTables, PULONG pcTables)
{
	SpInstanceInitFn *init[CLIENTS] = { instance_init_0, instance_init_1 };

	(void)LsaVersion;
	for (int i = 0; i < CLIENTS; i++)
		memcpy(&client_tables[i * SLOTS], &init[i], sizeof(init[i]));
	*PackageVersion = SECPKG_INTERFACE_VERSION;
	*ppTables = (PSECPKG_USER_FUNCTION_TABLE)client_tables;
	*pcTables = CLIENTS;
	return STATUS_SUCCESS;
}

/* From the private heap, which survives wrong frees. */
static PVOID allocate(ULONG size)
{
	return host_table.AllocatePrivateHeap(size);
}

static void release(PVOID block)
{
	host_table.FreePrivateHeap(block);
}

static NTSTATUS register_callback(ULONG id, LSA_CALLBACK_FUNCTION *callback)
{
	printf("callback %u: %s\n", id, callback ? "yes" : "no");
	return STATUS_SUCCESS;
}

static SECPKG_DLL_FUNCTIONS host_dll = {
	.AllocateHeap = allocate,
	.FreeHeap = release,
	.RegisterCallback = register_callback,
};

static void initialize_clients(void)
{
	void *symbol = dlsym(RTLD_DEFAULT, SECPKG_USERMODEINIT_NAME);
	PSECPKG_USER_FUNCTION_TABLE tables;
	SpUserModeInitializeFn entry;
	ULONG version, count;
	PVOID user;

	memcpy(&entry, &symbol, sizeof(entry));
	need(entry && NT_SUCCESS(entry(1, &version, &tables, &count)), "the clients' entry point");
	for (ULONG i = 0; i < count; i++) {
		void *const *table = (void *const *)tables + i * SLOTS;
		SpInstanceInitFn *init;

		memcpy(&init, &table[0], sizeof(init));
		printf("%x\n", (unsigned int)init(1, &host_dll, &user));
	}
}

/* Makes three mistakes on purpose. */
static NOINLINE void leak_context(void)
{
	dll[1]->AllocateHeap(12);
}

static NOINLINE void free_twice(void)
{
	PVOID block = dll[0]->AllocateHeap(13);

	dll[0]->FreeHeap(block);
	dll[0]->FreeHeap(block);
}

static NOINLINE void free_in_the_wrong_heap(void)
{
	dll[0]->FreeHeap(lsa->AllocatePrivateHeap(14));
}

static int client(char **arguments)
{
	(void)arguments;
	host_start();
	initialize_clients();
	for (int i = 0; i < 10; i++)
		dll[i % CLIENTS]->FreeHeap(dll[i % CLIENTS]->AllocateHeap(15));
	dll[0]->RegisterCallback(3, NULL);
	printf("locate: %s\n", dll[0]->LocatePackageById ? "yes" : "no");
	leak_context();
	free_twice();
	free_in_the_wrong_heap();
	return 0;
}

const struct scenario client_scenarios[] = {
	{ "client", client },
	{ 0 },
};
