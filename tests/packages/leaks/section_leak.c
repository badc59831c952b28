/* SPDX-License-Identifier: MIT */
/* A section that is never deleted. No block is left in it. */
#include "tests/packages/package.h"

/* Defect: the caller forgets the section. */
static NOINLINE PVOID create_forgotten_section(void)
{
	return lsa->CreateSharedMemory(8192, 4096);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	PVOID section = create_forgotten_section();
	PVOID block = lsa->AllocateSharedMemory(section, 100);

	(void)client;
	(void)command;
	lsa->FreeSharedMemory(section, block);
}

PACKAGE("section_leak", run)
