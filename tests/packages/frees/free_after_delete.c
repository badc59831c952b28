/* SPDX-License-Identifier: MIT */
/* A block that is freed after its section was deleted. */
#include "tests/packages/package.h"

static NOINLINE PVOID create_context_section(void)
{
	return lsa->CreateSharedMemory(4096, 4096);
}

static NOINLINE PVOID allocate_context(PVOID section)
{
	return lsa->AllocateSharedMemory(section, 72);
}

static NOINLINE void delete_context_section(PVOID section)
{
	lsa->DeleteSharedMemory(section);
}

/* Defect: this should come before the deletion. */
static NOINLINE void free_context_too_late(PVOID section, PVOID context)
{
	lsa->FreeSharedMemory(section, context);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	PVOID section = create_context_section();
	PVOID context = allocate_context(section);

	(void)client;
	(void)command;
	delete_context_section(section);
	free_context_too_late(section, context);
}

PACKAGE("free_after_delete", run)
