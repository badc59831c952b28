/* SPDX-License-Identifier: MIT */
/* The side of a client: the program exports SpUserModeInitialize, and gives functions to its
 * packages. A habit is what one package does with memory that changes hands, as in habits.c. */
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

static const char *habit; /* NULL: none */

static bool has_habit(const char *name)
{
	return strcmp(habit, name) == 0;
}

static PVOID take(ULONG bytes)
{
	return memset(dll[0]->AllocateHeap(bytes), 0, bytes);
}

/* The context in its packed form is the package's from here on. */
static NTSTATUS init_context(LSA_SEC_HANDLE context, PSecBuffer packed)
{
	(void)context;
	if (has_habit("context-left")) {
		take(20);
		return STATUS_NO_MEMORY;
	}
	dll[0]->FreeHeap(packed->pvBuffer);
	return STATUS_SUCCESS;
}

static NTSTATUS import_context(PSecBuffer packed, HANDLE token, PLSA_SEC_HANDLE context)
{
	(void)token;
	*context = 1;
	dll[0]->FreeHeap(packed->pvBuffer);
	return STATUS_SUCCESS;
}

/* SECPKG_ATTR_PACKAGE_INFO: the structure points to another block. */
static NTSTATUS query(LSA_SEC_HANDLE context, ULONG attribute, PVOID buffer)
{
	PVOID *information = take(32);

	(void)context, (void)attribute;
	information[2] = take(8);
	*(PVOID *)buffer = information;
	return STATUS_SUCCESS;
}

static NTSTATUS format(PSecBuffer credentials, PSecBuffer formatted)
{
	(void)credentials;
	formatted->pvBuffer = take(formatted->cbBuffer = 21);
	return STATUS_SUCCESS;
}

static NTSTATUS marshal(ULONG size, PUCHAR credentials, PULONG bytes, PVOID *marshalled)
{
	(void)size, (void)credentials;
	*marshalled = take(*bytes = 22);
	return STATUS_SUCCESS;
}

static NTSTATUS export_context(LSA_SEC_HANDLE context, ULONG flags, PSecBuffer packed, PHANDLE token)
{
	(void)context, (void)flags, (void)token;
	packed->pvBuffer = take(packed->cbBuffer = 23);
	return STATUS_SUCCESS;
}

static NTSTATUS marshal_attribute(ULONG information, ULONG attribute, ULONG size, PUCHAR data,
				  PULONG bytes, PUCHAR *marshalled)
{
	(void)information, (void)attribute, (void)size, (void)data;
	*marshalled = take(*bytes = 25);
	return STATUS_SUCCESS;
}

static SECPKG_USER_FUNCTION_TABLE habit_table = {
	.InstanceInit = instance_init_0,
	.InitUserModeContext = init_context,
	.QueryContextAttributes = query,
	.FormatCredentials = format,
	.MarshallSupplementalCreds = marshal,
	.ExportContext = export_context,
	.ImportContext = import_context,
	.MarshalAttributeData = marshal_attribute,
};

NTSTATUS SpUserModeInitialize(ULONG LsaVersion, PULONG PackageVersion,
			      PSECPKG_USER_FUNCTION_TABLE *ppTables, PULONG pcTables)
{
	SpInstanceInitFn *init[CLIENTS] = { instance_init_0, instance_init_1 };

	(void)LsaVersion;
	if (habit) {
		*PackageVersion = SECPKG_INTERFACE_VERSION_2;
		*ppTables = &habit_table;
		*pcTables = 1;
		return STATUS_SUCCESS;
	}
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

static PSECPKG_USER_FUNCTION_TABLE initialize_clients(void)
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
	return tables;
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

/* HABIT. Each function that the habit needs is called once, and the caller frees what it got. */
static int keep_client_habit(char **arguments)
{
	PVOID words[8] = { 0 }, marshalled = NULL;
	SecBuffer input = { .cbBuffer = 24 }, output = { 0 };
	PSECPKG_USER_FUNCTION_TABLE t;
	LSA_SEC_HANDLE context;
	PUCHAR data = NULL;
	ULONG bytes;

	input.pvBuffer = allocate(24);
	habit = arguments[0];
	t = initialize_clients();
	if (has_habit("context") || has_habit("context-left"))
		t->InitUserModeContext(1, &input);
	else if (has_habit("import"))
		t->ImportContext(&input, NULL, &context);
	else if (has_habit("query"))
		t->QueryContextAttributes(1, 10, words);
	else if (has_habit("format"))
		t->FormatCredentials(&input, &output);
	else if (has_habit("marshal"))
		t->MarshallSupplementalCreds(0, NULL, &bytes, &marshalled);
	else if (has_habit("export"))
		t->ExportContext(1, 0, &output, NULL);
	else if (has_habit("attribute"))
		t->MarshalAttributeData(0, 0, 0, NULL, &bytes, &data);
	release(words[0] ? ((PVOID *)words[0])[2] : NULL);
	release(words[0]);
	release(output.pvBuffer);
	release(marshalled);
	release(data);
	return 0;
}

const struct scenario client_scenarios[] = {
	{ "client", client },
	{ "client-habit", keep_client_habit },
	{ 0 },
};
