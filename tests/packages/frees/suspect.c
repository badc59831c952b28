/* SPDX-License-Identifier: MIT */
/* A wrong free, then the right free of the same block: this is one mistake. */
#include "tests/packages/package.h"

static NOINLINE PVOID create_first_section(void)
{
	return lsa->CreateSharedMemory(4096, 4096);
}

static NOINLINE PVOID create_second_section(void)
{
	return lsa->CreateSharedMemory(8192, 4096);
}

static NOINLINE PVOID allocate_ticket(PVOID section)
{
	return lsa->AllocateSharedMemory(section, 112);
}

/* Defect: the block is from the first section, the handle is the second one's. */
static NOINLINE void free_ticket_wrongly(PVOID section, PVOID ticket)
{
	lsa->FreeSharedMemory(section, ticket);
}

static NOINLINE void free_ticket_rightly(PVOID section, PVOID ticket)
{
	lsa->FreeSharedMemory(section, ticket);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	PVOID first = create_first_section();
	PVOID second = create_second_section();
	PVOID ticket = allocate_ticket(first);

	(void)client;
	(void)command;
	free_ticket_wrongly(second, ticket);
	free_ticket_rightly(first, ticket);
	lsa->DeleteSharedMemory(second);
	lsa->DeleteSharedMemory(first);
}

PACKAGE("suspect", run)
