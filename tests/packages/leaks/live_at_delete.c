/* SPDX-License-Identifier: MIT */
/* A section that is deleted while a block in it is live. */
#include "tests/packages/package.h"

static NOINLINE PVOID create_session_section(void)
{
	return lsa->CreateSharedMemory(4096, 4096);
}

static NOINLINE void allocate_session_key(PVOID section)
{
	lsa->AllocateSharedMemory(section, 48);
}

/* Defect: the key has not been freed. */
static NOINLINE void delete_session_section(PVOID section)
{
	lsa->DeleteSharedMemory(section);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	PVOID section = create_session_section();

	(void)client;
	(void)command;
	allocate_session_key(section);
	delete_session_section(section);
}

PACKAGE("live_at_delete", run)
