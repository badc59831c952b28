/* SPDX-License-Identifier: MIT */
/* DeleteSharedMemory on a block. */
#include "tests/packages/package.h"

static NOINLINE PVOID create_scratch_section(void)
{
	return lsa->CreateSharedMemory(4096, 4096);
}

static NOINLINE PVOID allocate_block(PVOID section)
{
	return lsa->AllocateSharedMemory(section, 104);
}

/* Defect: blocks are released with FreeSharedMemory. */
static NOINLINE void delete_block(PVOID block)
{
	lsa->DeleteSharedMemory(block);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	PVOID section = create_scratch_section();
	PVOID block = allocate_block(section);

	(void)client;
	(void)command;
	delete_block(block);
	lsa->FreeSharedMemory(section, block);
	lsa->DeleteSharedMemory(section);
}

PACKAGE("invalid_delete_block", run)
