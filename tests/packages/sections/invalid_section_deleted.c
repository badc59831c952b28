/* SPDX-License-Identifier: MIT */
/* Allocate and Free with the handle of a section that has been deleted. */
#include "tests/packages/package.h"

static NOINLINE PVOID create_short_lived_section(void)
{
	return lsa->CreateSharedMemory(4096, 4096);
}

static NOINLINE void delete_short_lived_section(PVOID section)
{
	lsa->DeleteSharedMemory(section);
}

static NOINLINE PVOID allocate_block(PVOID section)
{
	return lsa->AllocateSharedMemory(section, 88);
}

/* Defect: the section has been deleted. */
static NOINLINE void allocate_in_deleted_section(PVOID deleted)
{
	lsa->AllocateSharedMemory(deleted, 32);
}

/* Defect: the section has been deleted, and the block is not from it. */
static NOINLINE void free_with_deleted_section(PVOID deleted, PVOID block)
{
	lsa->FreeSharedMemory(deleted, block);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	PVOID section = lsa->CreateSharedMemory(8192, 4096);
	PVOID deleted = create_short_lived_section();
	PVOID block = allocate_block(section);

	(void)client;
	(void)command;
	delete_short_lived_section(deleted);
	allocate_in_deleted_section(deleted);
	free_with_deleted_section(deleted, block);
	lsa->DeleteSharedMemory(section);
}

PACKAGE("invalid_section_deleted", run)
