/* SPDX-License-Identifier: MIT */
/* Allocate and Free with the address of a block in place of a section's handle. */
#include "tests/packages/package.h"

static NOINLINE PVOID allocate_block(PVOID section)
{
	return lsa->AllocateSharedMemory(section, 88);
}

/* Defect: a block is not a section. */
static NOINLINE void allocate_in_block(PVOID block)
{
	lsa->AllocateSharedMemory(block, 32);
}

/* Defect: a neighbouring block is passed instead of the section. */
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
