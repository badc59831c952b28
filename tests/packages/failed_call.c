/* SPDX-License-Identifier: MIT */
/* Calls that the host must refuse, because the package asks for too much. */
#include "tests/packages/package.h"

/* Defect: two gigabytes. */
static NOINLINE void create_huge_section(void)
{
	lsa->CreateSharedMemory(0x80000000u, 4096);
}

/* Defect: more than the section holds. */
static NOINLINE void overfill_section(PVOID section)
{
	lsa->AllocateSharedMemory(section, 65536);
}

/* Defect: more than a client's address space. */
static NOINLINE void allocate_huge_client_buffer(PLSA_CLIENT_REQUEST client)
{
	PVOID address = NULL;

	lsa->AllocateClientBuffer(client, 0x7fffffff, &address);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	PVOID section = lsa->CreateSharedMemory(4096, 4096);

	(void)command;
	create_huge_section();
	overfill_section(section);
	allocate_huge_client_buffer(client);
	lsa->DeleteSharedMemory(section);
}

PACKAGE("failed_call", run)
