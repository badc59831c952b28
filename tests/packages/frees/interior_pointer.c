/* SPDX-License-Identifier: MIT */
/* A free of an address in the middle of a block. */
#include "tests/packages/package.h"

static NOINLINE PVOID create_scratch_section(void)
{
	return lsa->CreateSharedMemory(4096, 4096);
}

static NOINLINE PVOID allocate_record(PVOID section)
{
	return lsa->AllocateSharedMemory(section, 160);
}

/* Defect: the payload begins after the record's header, but the block begins with the header. */
static NOINLINE void free_payload(PVOID section, char *record)
{
	lsa->FreeSharedMemory(section, record + 32);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	PVOID section = create_scratch_section();
	PVOID record = allocate_record(section);

	(void)client;
	(void)command;
	free_payload(section, record);
	lsa->FreeSharedMemory(section, record);
	lsa->DeleteSharedMemory(section);
}

PACKAGE("interior_pointer", run)
