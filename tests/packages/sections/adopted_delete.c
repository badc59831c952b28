/* SPDX-License-Identifier: MIT */
/* Deletes a section that the host created by itself (lsahost --section), with a live block in
 * it. */
#include "tests/packages/package.h"

static NOINLINE void allocate_in_section_of_host(PVOID section)
{
	lsa->AllocateSharedMemory(section, 88);
}

/* Defect: the package's block is still live. The host's older block is not the package's
 * concern. */
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
	allocate_in_section_of_host(section);
	delete_section_of_host(section);
	delete_section_of_host_again(section);
}

PACKAGE("adopted_delete", run)
