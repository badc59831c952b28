/* SPDX-License-Identifier: MIT */
/* A section of the host's own (lsahost --section) of which the package does nothing but delete it. */
#include "package.h"

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
	delete_section_of_host(section);
	if (command_number(command, "twice=", 0))
		delete_section_of_host_again(section);
}

PACKAGE("unseen_delete", run)
