/* SPDX-License-Identifier: MIT */
/* Frees of memory that no function of the table handed out. */
#include "package.h"

static _Alignas(16) char static_buffer[64];

static NOINLINE PVOID create_scratch_section(void)
{
	return lsa->CreateSharedMemory(4096, 4096);
}

/* Injected: the buffer is the library's own. */
static NOINLINE void free_static_buffer(PVOID section)
{
	lsa->FreeSharedMemory(section, static_buffer);
}

/* Injected: malloc's memory is not the LSA heap's. */
static NOINLINE void free_malloced_buffer(PVOID buffer)
{
	lsa->FreeLsaHeap(buffer);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	PVOID section = create_scratch_section();
	PVOID buffer = malloc(40);

	(void)client;
	(void)command;
	free_static_buffer(section);
	free_malloced_buffer(buffer);
	free(buffer);
	lsa->DeleteSharedMemory(section);
}

PACKAGE("unknown_address", run)
