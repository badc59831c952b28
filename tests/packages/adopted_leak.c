/* SPDX-License-Identifier: MIT */
/* A block that is never freed, in a section of the host's own (lsahost --section). */
#include "package.h"

/* Injected: nobody keeps the address. */
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
