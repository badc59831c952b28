/* SPDX-License-Identifier: MIT */
/* A block that is never freed, in a section that is never deleted. */
#include "tests/packages/package.h"

static NOINLINE PVOID create_message_section(void)
{
	return lsa->CreateSharedMemory(65536, 4096);
}

/* Defect: nobody keeps the address. */
static NOINLINE void leak_message(PVOID section)
{
	lsa->AllocateSharedMemory(section, 64);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	PVOID section = create_message_section();

	(void)client;
	(void)command;
	leak_message(section);
}

PACKAGE("block_leak", run)
