/* SPDX-License-Identifier: MIT */
/* A block that is freed twice while its section is live. */
#include "tests/packages/package.h"

static NOINLINE PVOID create_cache_section(void)
{
	return lsa->CreateSharedMemory(4096, 4096);
}

static NOINLINE PVOID allocate_entry(PVOID section)
{
	return lsa->AllocateSharedMemory(section, 56);
}

static NOINLINE void evict_entry(PVOID section, PVOID entry)
{
	lsa->FreeSharedMemory(section, entry);
}

/* Defect: the entry has been evicted before. */
static NOINLINE void evict_entry_again(PVOID section, PVOID entry)
{
	lsa->FreeSharedMemory(section, entry);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	PVOID section = create_cache_section();
	PVOID entry = allocate_entry(section);

	(void)client;
	(void)command;
	evict_entry(section, entry);
	evict_entry_again(section, entry);
	lsa->DeleteSharedMemory(section);
}

PACKAGE("double_free", run)
