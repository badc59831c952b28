/* SPDX-License-Identifier: MIT */
/* Allocate and Free without a section. */
#include "tests/packages/package.h"

static NOINLINE PVOID allocate_block(PVOID section)
{
	return lsa->AllocateSharedMemory(section, 88);
}

/* Defect: nobody checked whether the section was created. */
static NOINLINE void allocate_in_null(void)
{
	lsa->AllocateSharedMemory(NULL, 32);
}

/* Defect: the section's handle has been cleared too early. */
static NOINLINE void free_with_null(PVOID block)
{
	lsa->FreeSharedMemory(NULL, block);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	PVOID section = lsa->CreateSharedMemory(8192, 4096);
	PVOID block = allocate_block(section);

	(void)client;
	(void)command;
	allocate_in_null();
	free_with_null(block);
	lsa->DeleteSharedMemory(section);
}

PACKAGE("invalid_section_null", run)
