/* SPDX-License-Identifier: MIT */
/*
 * No defect: works in a section that the host created by itself (lsahost --section), and frees a
 * block that the host allocated there.
 */
#include "tests/packages/package.h"

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	PVOID section = command_address(command, "section=");
	PVOID block = lsa->AllocateSharedMemory(section, 80);

	(void)client;
	lsa->FreeSharedMemory(section, block);
	lsa->FreeSharedMemory(section, command_address(command, "block="));
	block = lsa->AllocateSharedMemory(section, 40);
	lsa->FreeSharedMemory(section, block);
}

PACKAGE("adopted", run)
