/* SPDX-License-Identifier: MIT */
/* A section of the host's own (lsahost --section) that the package deletes, with a block in it. */
#include "package.h"

static NOINLINE void allocate_in_section_of_host(PVOID section)
{
	lsa->AllocateSharedMemory(section, 88);
}

/* Injected: its own block is live still. The host's, which was there before, is not its business. */
static NOINLINE void delete_section_of_host(PVOID section)
{
	lsa->DeleteSharedMemory(section);
}

/* Injected: it is gone. */
static NOINLINE void delete_section_of_host_again(PVOID section)
{
	lsa->DeleteSharedMemory(section);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	PVOID section = command_address(command, "section=");

	(void)client;
	allocate_in_section_of_host(section);
	delete_section_of_host(section);
	delete_section_of_host_again(section);
}

PACKAGE("adopted_delete", run)
