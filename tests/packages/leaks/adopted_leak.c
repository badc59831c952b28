/* SPDX-License-Identifier: MIT */
/* A block that is never freed, in a section that the host created by itself (lsahost --section). */
#include "tests/packages/package.h"

/* Defect: nobody keeps the address. */
static NOINLINE void leak_in_section_of_host(PVOID section)
{
	lsa->AllocateSharedMemory(section, 120);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	(void)client;
	leak_in_section_of_host(command_address(command, "section="));
}

PACKAGE("adopted_leak", run)
