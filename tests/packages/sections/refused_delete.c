/* SPDX-License-Identifier: MIT */
/* The host refuses the first deletion (lsahost --refuse-deletes=1), and the section stays live. */
#include "tests/packages/package.h"

static NOINLINE void delete_too_early(PVOID section)
{
	lsa->DeleteSharedMemory(section);
}

static NOINLINE void use_section(PVOID section)
{
	lsa->FreeSharedMemory(section, lsa->AllocateSharedMemory(section, 32));
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	PVOID section = lsa->CreateSharedMemory(4096, 4096);

	(void)client;
	(void)command;
	delete_too_early(section);
	use_section(section);
	lsa->DeleteSharedMemory(section);
}

PACKAGE("refused_delete", run)
