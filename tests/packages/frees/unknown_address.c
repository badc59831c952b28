/* SPDX-License-Identifier: MIT */
/* Frees of memory that no function of the table handed out. */
#include "tests/packages/package.h"

static _Alignas(16) char static_buffer[64];

static NOINLINE PVOID create_scratch_section(void)
{
	return lsa->CreateSharedMemory(4096, 4096);
}

/* Defect: no function of the table handed this buffer out. */
static NOINLINE void free_static_buffer(PVOID section)
{
	lsa->FreeSharedMemory(section, static_buffer);
}

/* Defect: memory of malloc() is not on the LSA heap. */
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
