/* SPDX-License-Identifier: MIT */
/* A free of the section's own handle, as if it were a block. */
#include "tests/packages/package.h"

static NOINLINE PVOID create_scratch_section(void)
{
	return lsa->CreateSharedMemory(4096, 4096);
}

/* Defect: sections are released with DeleteSharedMemory. */
static NOINLINE void free_section_as_block(PVOID section)
{
	lsa->FreeSharedMemory(section, section);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	PVOID section = create_scratch_section();

	(void)client;
	(void)command;
	free_section_as_block(section);
	lsa->DeleteSharedMemory(section);
}

PACKAGE("section_handle", run)
