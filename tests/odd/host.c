/* SPDX-License-Identifier: MIT */
#include "host.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "odd.h"

enum { PRIVATE_BLOCKS = 1 << 17, OWN_ID = 1 };

struct private_block {
	char bytes[HOST_PRIVATE_BYTES];
} __attribute__((aligned(16)));

static struct private_block private_heap[PRIVATE_BLOCKS];
static bool private_taken[PRIVATE_BLOCKS];
static long private_made;
static unsigned int private_next; /* where the search for a free block begins */

void (*host_interlude)(void);

static PVOID allocate_lsa(ULONG size)
{
	void (*interlude)(void) = host_interlude;

	host_interlude = NULL;
	if (interlude)
		interlude();
	return malloc(size ? size : 1);
}

static void free_lsa(PVOID block)
{
	free(block);
}

/* Returns about the lowest free block, so that addresses are used again as soon as possible. */
static PVOID allocate_private(SIZE_T size)
{
	unsigned int i = __atomic_load_n(&private_next, __ATOMIC_RELAXED);

	for (int tries = 0; size <= HOST_PRIVATE_BYTES && tries < PRIVATE_BLOCKS; tries++, i++) {
		i %= PRIVATE_BLOCKS;
		if (__atomic_exchange_n(&private_taken[i], true, __ATOMIC_ACQUIRE))
			continue;
		__atomic_add_fetch(&private_made, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&private_next, i + 1, __ATOMIC_RELAXED);
		return &private_heap[i];
	}
	return NULL;
}

static void free_private(PVOID block)
{
	ptrdiff_t i = (struct private_block *)block - private_heap;

	if (!block || i < 0 || i >= PRIVATE_BLOCKS)
		return;
	__atomic_store_n(&private_taken[i], false, __ATOMIC_RELEASE);
	__atomic_store_n(&private_next, (unsigned int)i, __ATOMIC_RELAXED);
}

long host_private_made(void)
{
	return private_made;
}

long host_private_live(void)
{
	long live = 0;

	for (int i = 0; i < PRIVATE_BLOCKS; i++)
		live += private_taken[i];
	return live;
}

static long forgotten_made, forgotten_live;

void host_forget_counts(void)
{
	forgotten_made = host_private_made();
	forgotten_live = host_private_live();
}

void host_print_counts(void)
{
	fflush(stdout);
	dprintf(STDOUT_FILENO, "made %ld, live %ld\n", host_private_made() - forgotten_made,
		host_private_live() - forgotten_live);
}

static NTSTATUS allocate_for_client(PLSA_CLIENT_REQUEST request, ULONG size, PVOID *address)
{
	(void)request;
	*address = malloc(size);
	return *address ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

static NTSTATUS free_for_client(PLSA_CLIENT_REQUEST request, PVOID address)
{
	(void)request;
	free(address);
	return STATUS_SUCCESS;
}

/* Only a handle. Its blocks are elsewhere. */
static PVOID create_section(ULONG max_size, ULONG initial_size)
{
	(void)max_size;
	(void)initial_size;
	return allocate_private(HOST_PRIVATE_BYTES);
}

static PVOID allocate_in_section(PVOID section, ULONG size)
{
	(void)section;
	return allocate_private(size);
}

static void free_in_section(PVOID section, PVOID block)
{
	(void)section;
	free_private(block);
}

static BOOLEAN delete_section(PVOID section)
{
	free_private(section);
	return TRUE;
}

/* All other slots are NULL. */
const LSA_SECPKG_FUNCTION_TABLE host_table = {
	.AllocateLsaHeap = allocate_lsa,
	.FreeLsaHeap = free_lsa,
	.AllocateClientBuffer = allocate_for_client,
	.FreeClientBuffer = free_for_client,
	.FreeReturnBuffer = free_lsa,
	.CreateSharedMemory = create_section,
	.AllocateSharedMemory = allocate_in_section,
	.FreeSharedMemory = free_in_section,
	.DeleteSharedMemory = delete_section,
	.AllocatePrivateHeap = allocate_private,
	.FreePrivateHeap = free_private,
};

bool host_ask(void *handle, struct host_library *library)
{
	void *symbol = dlsym(handle, SECPKG_LSAMODEINIT_NAME);
	SpLsaModeInitializeFn entry;

	memcpy(&entry, &symbol, sizeof(entry));
	*library = (struct host_library){ 0 };
	return entry && NT_SUCCESS(entry(1, &library->version, &library->tables, &library->count));
}

NTSTATUS host_initialize(PSECPKG_FUNCTION_TABLE package, ULONG_PTR id, const void *table)
{
	SECPKG_PARAMETERS parameters = { .Version = 1 };
	SecPkgInfoW info = { 0 };
	NTSTATUS status =
		package->Initialize(id, &parameters, (PLSA_SECPKG_FUNCTION_TABLE)(uintptr_t)table);

	if (NT_SUCCESS(status))
		status = package->GetInfo(&info);
	return status;
}

void host_start(void)
{
	struct host_library own;

	need(host_ask(RTLD_DEFAULT, &own), "the package's entry point");
	need(NT_SUCCESS(host_initialize(own.tables, OWN_ID, &host_table)), "the package");
}

NTSTATUS host_call(PSECPKG_FUNCTION_TABLE package, const char *command)
{
	static PVOID client;
	NTSTATUS protocol_status = STATUS_SUCCESS;
	PVOID answer = NULL;
	ULONG length = 0;

	return package->CallPackage(&client, (PVOID)(uintptr_t)command, NULL,
				    (ULONG)strlen(command) + 1, &answer, &length, &protocol_status);
}
