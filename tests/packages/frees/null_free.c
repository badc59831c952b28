/* SPDX-License-Identifier: MIT */
/* NULL for each function that frees. One of them is documented to accept it. */
#include "tests/packages/package.h"

static NOINLINE PVOID create_scratch_section(void)
{
	return lsa->CreateSharedMemory(4096, 4096);
}

/* Defect: not documented to be allowed. */
static NOINLINE void free_null_in_section(PVOID section)
{
	lsa->FreeSharedMemory(section, NULL);
}

/* Defect: not documented to be allowed. */
static NOINLINE void free_null_on_lsa_heap(void)
{
	lsa->FreeLsaHeap(NULL);
}

/* Defect: not documented to be allowed. */
static NOINLINE void free_null_on_private_heap(void)
{
	lsa->FreePrivateHeap(NULL);
}

/* Correct: this one is documented to accept NULL. */
static NOINLINE void free_null_in_client(PLSA_CLIENT_REQUEST client)
{
	lsa->FreeClientBuffer(client, NULL);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	PVOID section = create_scratch_section();

	(void)command;
	free_null_in_section(section);
	free_null_on_lsa_heap();
	free_null_on_private_heap();
	free_null_in_client(client);
	lsa->DeleteSharedMemory(section);
}

PACKAGE("null_free", run)
