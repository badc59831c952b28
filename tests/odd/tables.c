/* SPDX-License-Identifier: MIT */
/* Tables that are short, empty, late or copied. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "host.h"
#include "odd.h"
#include "package.h"

/* The number of slots of a table that ends with DeleteSharedMemory. It is older than all known
 * tables. */
enum { SHORT_BYTES = offsetof(LSA_SECPKG_FUNCTION_TABLE, OpenSamUser) };

static struct host_library own;

static void ask_own(void)
{
	need(host_ask(RTLD_DEFAULT, &own), "the package's entry point");
}

/* Uses the functions that all tables have, and leaks one block of each family. */
static void use_short_table(void)
{
	PVOID section = lsa->CreateSharedMemory(4096, 4096);

	leak(11);
	churn(10);
	lsa->AllocateSharedMemory(section, 31);
	lsa->DeleteSharedMemory(lsa->CreateSharedMemory(64, 64));
}

static void print_slots(const LSA_SECPKG_FUNCTION_TABLE *table)
{
	const void *const *slots = (const void *const *)table;

	for (size_t slot = 0; slot < sizeof(*table) / sizeof(void *); slot++) {
		if (slots[slot])
			printf("%zu ", slot);
	}
	printf("\n");
}

/* Maps two pages. The second one may be readable or not. */
static char *map_pages(bool readable)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(pages != MAP_FAILED, "mmap");
	if (!readable)
		mprotect(pages + page, page, PROT_NONE);
	return pages + page;
}

/* The memory after the end of the table is not readable. */
static int short_table(char **arguments)
{
	char *end = map_pages(false);

	(void)arguments;
	ask_own();
	memcpy(end - SHORT_BYTES, &host_table, SHORT_BYTES);
	printf("%x\n", (unsigned int)host_initialize(own.tables, 1, end - SHORT_BYTES));
	use_short_table();
	return 0;
}

/* Half of the table is on one page, half on the next. The tracer cannot find out how much of it
 * is mapped. */
static int split_table(char **arguments)
{
	char *middle = map_pages(true);
	struct rlimit descriptors = { 64, 64 };

	(void)arguments;
	host_start();
	ask_own();
	memcpy(middle - 64, &host_table, sizeof(host_table));
	setrlimit(RLIMIT_NOFILE, &descriptors);
	while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
		;
	printf("%x\n", (unsigned int)host_initialize(own.tables, 1, middle - 64));
	print_slots(lsa);
	fflush(stdout);
	use_short_table();
	return 0;
}

static int null_table(char **arguments)
{
	(void)arguments;
	ask_own();
	printf("%x\n", (unsigned int)host_initialize(own.tables, 1, NULL));
	printf("table %s\n", lsa ? "yes" : "no");
	return 0;
}

static void use_section(PVOID section)
{
	char *block = lsa->AllocateSharedMemory(section, 100);

	printf("block %s, aligned %s, zero %s\n", block ? "yes" : "no",
	       (uintptr_t)block % 16 == 0 ? "yes" : "no", block && !block[0] ? "yes" : "no");
	need(block, "a block");
	lsa->FreeSharedMemory(section, block + 16);
	memset(block, 'x', 100);
	lsa->FreeSharedMemory(section, block);
	lsa->FreeSharedMemory(section, block);
	printf("too large: %s\n", lsa->AllocateSharedMemory(section, 65537) ? "yes" : "no");
}

static void use_sections(void)
{
	PVOID section = lsa->CreateSharedMemory(65536, 4096);

	printf("section %s\n", section ? "yes" : "no");
	use_section(section);
	printf("deleted %d\n", lsa->DeleteSharedMemory(section));
	printf("again %d\n", lsa->DeleteSharedMemory(section));
	printf("refused %s\n", lsa->CreateSharedMemory(0, 4096) ? "no" : "yes");
}

static void use_own_heaps(void)
{
	PVOID one = lsa->AllocateLsaHeap(20), other = lsa->AllocatePrivateHeap(30);

	lsa->FreeLsaHeap(one);
	lsa->FreePrivateHeap(other);
	lsa->FreeReturnBuffer(lsa->AllocateLsaHeap(40));
	leak(11);
}

/* WHAT: what the host does not have: nothing, one function of shared memory, all of them, or the
 * table. */
static int lacking(char **arguments)
{
	LSA_SECPKG_FUNCTION_TABLE table = host_table;

	ask_own();
	if (strcmp(arguments[0], "nothing") != 0)
		table.FreeSharedMemory = NULL;
	if (strcmp(arguments[0], "all") == 0) {
		table.CreateSharedMemory = NULL;
		table.AllocateSharedMemory = NULL;
		table.DeleteSharedMemory = NULL;
	}
	host_initialize(own.tables, 1, strcmp(arguments[0], "table") == 0 ? NULL : &table);
	use_sections();
	use_own_heaps();
	return 0;
}

/* COMMAND: a shell command, which runs while there is a block that clients can write to. */
static int client(char **arguments)
{
	char *block;

	host_start();
	block = lsa->AllocateSharedMemory(lsa->CreateSharedMemory(65536, 4096), 100);
	strcpy(block, "package");
	need(system(arguments[0]) == 0, "the command");
	printf("%s\n", block);
	return 0;
}

/* Slots of traced functions are NULL, or hold an address that is no function. */
static int empty_slots(char **arguments)
{
	LSA_SECPKG_FUNCTION_TABLE table = host_table;
	void **no_function = (void **)(void *)&table.CallPackage;

	(void)arguments;
	ask_own();
	table.CreateSharedMemory = NULL;
	table.FreePrivateHeap = NULL;
	*no_function = &own;
	printf("%x\n", (unsigned int)host_initialize(own.tables, 1, &table));
	print_slots(lsa);
	printf("no function: %s\n", *(void **)(void *)&lsa->CallPackage == &own ? "same" : "other");
	leak(11);
	return 0;
}

static PVOID allocate_nothing(ULONG size)
{
	printf("second host: %u\n", size);
	return NULL;
}

/* A package that is initialised again with another table. It then calls the second host. */
static int twice(char **arguments)
{
	LSA_SECPKG_FUNCTION_TABLE second = host_table;

	(void)arguments;
	host_start();
	leak(11);
	host_start();
	leak(12);
	ask_own();
	second.AllocateLsaHeap = allocate_nothing;
	host_initialize(own.tables, 1, &second);
	leak(13);
	return 0;
}

static NTSTATUS late_call(PLSA_CLIENT_REQUEST client, PVOID command, PVOID base, ULONG size,
			  PVOID *answer, PULONG length, PNTSTATUS status)
{
	(void)client, (void)command, (void)base, (void)size, (void)answer, (void)length;
	*status = STATUS_SUCCESS;
	leak(15);
	return STATUS_SUCCESS;
}

static NTSTATUS late_shutdown(void)
{
	printf("shut down\n");
	return STATUS_SUCCESS;
}

static NTSTATUS initialize_late(ULONG_PTR id, PSECPKG_PARAMETERS parameters,
				PLSA_SECPKG_FUNCTION_TABLE table)
{
	package_tables[0].CallPackage = late_call;
	package_tables[0].Shutdown = late_shutdown;
	return package_initialize(id, parameters, table);
}

/* The package has only two functions until it is initialised. */
static int late_functions(char **arguments)
{
	(void)arguments;
	package_tables[0].Initialize = initialize_late;
	ask_own();
	printf("%s\n", own.tables->CallPackage ? "yes" : "no");
	host_initialize(own.tables, 1, &host_table);
	printf("%s\n", own.tables->CallPackage ? "yes" : "no");
	host_call(own.tables, "run");
	own.tables->Shutdown();
	return 0;
}

static LSA_SECPKG_FUNCTION_TABLE copy;

static NTSTATUS initialize_copy(ULONG_PTR id, PSECPKG_PARAMETERS parameters,
				PLSA_SECPKG_FUNCTION_TABLE table)
{
	memcpy(&copy, table, sizeof(copy));
	return package_initialize(id, parameters, &copy);
}

/* A short table of a host that knows all slots. The package copies as much as it believes a
 * table to be. */
static int copied_table(char **arguments)
{
	(void)arguments;
	package_tables[0].Initialize = initialize_copy;
	host_start();
	use_short_table();
	print_slots(lsa);
	return 0;
}

static NTSTATUS initialize_dispatch(ULONG id, PLSA_DISPATCH_TABLE table, PLSA_STRING database,
				    PLSA_STRING confidentiality, PLSA_STRING *name)
{
	(void)id, (void)database, (void)confidentiality, (void)name;
	/* Copies more than a dispatch table has, as real packages do. */
	memcpy(&copy, table, sizeof(copy));
	lsa = &copy;
	return STATUS_SUCCESS;
}

/* The package gets the short table first, and copies too much of it. */
static int dispatch_table(char **arguments)
{
	(void)arguments;
	package_tables[0].InitializePackage = initialize_dispatch;
	ask_own();
	own.tables->InitializePackage(1, (PLSA_DISPATCH_TABLE)(uintptr_t)&host_table, NULL, NULL,
				      NULL);
	leak(11);
	lsa->DeleteSharedMemory(lsa->CreateSharedMemory(64, 64));
	print_slots(lsa);
	return 0;
}

/* The host has no shared memory. It hands over its table as a dispatch table, and the package takes it
 * for what it is. WHAT: sure, or doubtful: a slot holds something that is no function. */
static int long_table(char **arguments)
{
	static LSA_SECPKG_FUNCTION_TABLE table;
	void **no_function = (void **)(void *)&table.DuplicateHandle;

	table = host_table;
	table.CreateSharedMemory = NULL;
	table.AllocateSharedMemory = NULL;
	table.FreeSharedMemory = NULL;
	table.DeleteSharedMemory = NULL;
	if (strcmp(arguments[0], "doubtful") == 0)
		*no_function = &own;
	package_tables[0].InitializePackage = initialize_dispatch;
	ask_own();
	own.tables->InitializePackage(1, (PLSA_DISPATCH_TABLE)(void *)&table, NULL, NULL, NULL);
	lsa->AllocatePrivateHeap(17);
	leak(11);
	return 0;
}

static PLSA_DISPATCH_TABLE dispatch;

static NTSTATUS keep_dispatch(ULONG id, PLSA_DISPATCH_TABLE table, PLSA_STRING database,
			      PLSA_STRING confidentiality, PLSA_STRING *name)
{
	(void)id, (void)database, (void)confidentiality, (void)name;
	dispatch = table;
	return STATUS_SUCCESS;
}

/* A host with a dispatch table and no other. The package prefers the other one if it is given one. */
static int eleven_then_null(char **arguments)
{
	LSA_DISPATCH_TABLE table;
	void *block;

	(void)arguments;
	memcpy(&table, &host_table, sizeof(table));
	package_tables[0].InitializePackage = keep_dispatch;
	ask_own();
	own.tables->InitializePackage(1, &table, NULL, NULL, NULL);
	host_initialize(own.tables, 1, NULL);
	block = lsa ? lsa->AllocateLsaHeap(11) : dispatch->AllocateLsaHeap(11);
	table.FreeLsaHeap(block);
	dispatch->FreeLsaHeap(lsa ? lsa->AllocateLsaHeap(12) : dispatch->AllocateLsaHeap(12));
	printf("the host goes on\n");
	return 0;
}

static NTSTATUS initialize_in_vain(ULONG_PTR id, PSECPKG_PARAMETERS parameters,
				   PLSA_SECPKG_FUNCTION_TABLE table)
{
	package_initialize(id, parameters, table);
	leak(14);
	return STATUS_UNSUCCESSFUL;
}

static int failing(char **arguments)
{
	(void)arguments;
	package_tables[0].Initialize = initialize_in_vain;
	ask_own();
	printf("%x\n", (unsigned int)host_initialize(own.tables, 1, &host_table));
	return 0;
}

/* DEPTH: functions between the program's start and the leak. */
static NOINLINE void leak_deep(long depth)
{
	if (depth == 0)
		leak(11);
	else
		leak_deep(depth - 1);
	__asm__ volatile(""); /* no tail call */
}

static int deep(char **arguments)
{
	host_start();
	leak_deep(number_of(arguments[0]));
	return 0;
}

/* Leaks a block of each family. */
static int families(char **arguments)
{
	PVOID client = NULL, buffer = NULL;

	(void)arguments;
	host_start();
	use_short_table();
	lsa->AllocatePrivateHeap(17);
	lsa->AllocateClientBuffer(&client, 19, &buffer);
	return 0;
}

/* Fills the caller's buffer. */
static NTSTATUS convert_auth_data(PVOID data, ULONG bytes, SECURITY_IMPERSONATION_LEVEL level,
				  PTOKEN_SOURCE source, SECURITY_LOGON_TYPE type,
				  PUNICODE_STRING authority, PHANDLE token, PLUID logon,
				  PUNICODE_STRING account, PNTSTATUS sub_status)
{
	(void)data, (void)bytes, (void)level, (void)source, (void)type, (void)authority;
	(void)token, (void)logon, (void)sub_status;
	account->Buffer[0] = 'u';
	return STATUS_SUCCESS;
}

/* The name is the package's own block, and stays so. */
static int filled_buffer(char **arguments)
{
	static LSA_SECPKG_FUNCTION_TABLE table;
	UNICODE_STRING name = { .MaximumLength = 18 };

	(void)arguments;
	table = host_table;
	table.ConvertAuthDataToToken = convert_auth_data;
	ask_own();
	host_initialize(own.tables, 1, &table);
	name.Buffer = lsa->AllocateLsaHeap(18);
	lsa->ConvertAuthDataToToken(NULL, 0, 0, NULL, 0, NULL, NULL, NULL, &name, NULL);
	return 0;
}

const struct scenario table_scenarios[] = {
	{ "short-table", short_table },
	{ "split-table", split_table },
	{ "null-table", null_table },
	{ "lacking", lacking },
	{ "mapped", client },
	{ "empty-slots", empty_slots },
	{ "twice", twice },
	{ "late-functions", late_functions },
	{ "copied-table", copied_table },
	{ "dispatch-table", dispatch_table },
	{ "long-table", long_table },
	{ "eleven-then-null", eleven_then_null },
	{ "failing", failing },
	{ "deep", deep },
	{ "filled-buffer", filled_buffer },
	{ "families", families },
	{ 0 },
};
