/* SPDX-License-Identifier: MIT */
/* Deletes a section that the host created by itself (lsahost --section), and does nothing else
 * with it. */
#include "tests/packages/package.h"

static NOINLINE void delete_section_of_host(PVOID section)
{
	lsa->DeleteSharedMemory(section);
}

/* Defect: it has been deleted before. */
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
