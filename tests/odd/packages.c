/* SPDX-License-Identifier: MIT */
/* Many packages, and packages that are unloaded. */
#include <dlfcn.h>
#include <stdio.h>

#include "host.h"
#include "odd.h"
#include "package.h"

static struct host_library own;

static void ask_own(void)
{
	need(host_ask(RTLD_DEFAULT, &own), "the package's entry point");
}

/* COUNT: packages in one library. Each leaks as many bytes as its number says. */
static int packages(char **arguments)
{
	package_count = (ULONG)number_of(arguments[0]);
	ask_own();
	printf("%u\n", own.count);
	for (ULONG i = 0; i < own.count; i++)
		host_initialize(&own.tables[i], i + 1, &host_table);
	for (ULONG i = 0; i < own.count; i++)
		package_lsa[i + 1]->AllocateLsaHeap(i + 1);
	return 0;
}

static PVOID other_allocate(ULONG size)
{
	return host_table.AllocateLsaHeap(size + 1);
}

/* As many packages as a trace can tell apart, then two that share the last place. The last one
 * has another host. */
static int shared(char **arguments)
{
	LSA_SECPKG_FUNCTION_TABLE other = host_table;

	(void)arguments;
	other.AllocateLsaHeap = other_allocate;
	package_count = 66;
	ask_own();
	for (ULONG i = 0; i < own.count; i++)
		host_initialize(&own.tables[i], i + 1, i == 65 ? &other : &host_table);
	package_lsa[65]->AllocateLsaHeap(11);
	package_lsa[66]->AllocateLsaHeap(12);
	package_lsa[66]->AllocatePrivateHeap(13);
	return 0;
}

static NTSTATUS initialize_in_vain(ULONG_PTR id, PSECPKG_PARAMETERS parameters,
				   PLSA_SECPKG_FUNCTION_TABLE table)
{
	package_initialize(id, parameters, table);
	leak(14);
	churn(1);
	leak(15);
	package_tables[0].Initialize = package_initialize;
	return STATUS_UNSUCCESSFUL;
}

/* A package that fails to initialise while it holds two blocks, and that is initialised again. */
static int failed(char **arguments)
{
	(void)arguments;
	package_tables[0].Initialize = initialize_in_vain;
	ask_own();
	printf("%x\n", (unsigned int)host_initialize(own.tables, 1, &host_table));
	printf("%x\n", (unsigned int)host_initialize(own.tables, 2, &host_table));
	leak(16);
	return 0;
}

static PVOID freed_at_shutdown, freed_later;

static NTSTATUS shut_down(void)
{
	lsa->FreeLsaHeap(freed_at_shutdown);
	return STATUS_SUCCESS;
}

static NTSTATUS unload(void)
{
	printf("host: unload\n");
	own.tables->Shutdown();
	return STATUS_SUCCESS;
}

static NTSTATUS hand_over(PLSA_CLIENT_REQUEST client, PVOID command, PVOID base, ULONG size,
			  PVOID *answer, PULONG length, PNTSTATUS status)
{
	(void)command, (void)base, (void)size, (void)length;
	*status = STATUS_SUCCESS;
	return lsa->AllocateClientBuffer(client, 24, answer);
}

/* A package that lets the host unload it. It has four blocks: it frees one then and one later,
 * one belongs to the client, and it still holds one. Then it comes back. */
static int unloads_itself(char **arguments)
{
	LSA_SECPKG_FUNCTION_TABLE table = host_table;

	(void)arguments;
	table.UnloadPackage = unload;
	package_tables[0].Shutdown = shut_down;
	package_tables[0].CallPackage = hand_over;
	ask_own();
	host_initialize(own.tables, 7, &table);
	freed_at_shutdown = lsa->AllocateLsaHeap(21);
	freed_later = lsa->AllocateLsaHeap(22);
	host_call(own.tables, "");
	leak(23);
	printf("%x\n", (unsigned int)lsa->UnloadPackage());
	lsa->FreeLsaHeap(freed_later);
	host_initialize(own.tables, 7, &table);
	leak(25);
	return 0;
}

const struct scenario package_scenarios[] = {
	{ "packages", packages },
	{ "shared", shared },
	{ "failed", failed },
	{ "unloads-itself", unloads_itself },
	{ 0 },
};
