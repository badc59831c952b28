/* SPDX-License-Identifier: MIT */
/* Allocate and Free with the address of a block in the place of a section's handle. */
#include "package.h"

static NOINLINE PVOID allocate_block(PVOID section)
{
	return lsa->AllocateSharedMemory(section, 88);
}

/* Injected: a block is no section. */
static NOINLINE void allocate_in_block(PVOID block)
{
	lsa->AllocateSharedMemory(block, 32);
}

/* Injected: the section was meant, and the block that lies beside was passed. */
static NOINLINE void free_with_block_as_section(PVOID block, PVOID other)
{
	lsa->FreeSharedMemory(other, block);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	PVOID section = lsa->CreateSharedMemory(8192, 4096);
	PVOID block = allocate_block(section);
	PVOID other = lsa->AllocateSharedMemory(section, 24);

	(void)client;
	(void)command;
	allocate_in_block(other);
	free_with_block_as_section(block, other);
	lsa->FreeSharedMemory(section, other);
	lsa->DeleteSharedMemory(section);
}

PACKAGE("invalid_section_block", run)
