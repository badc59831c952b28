/* SPDX-License-Identifier: MIT */
/* Blocks that are given to another family's free function. */
#include "tests/packages/package.h"

static NOINLINE PVOID allocate_key(void)
{
	return lsa->AllocateLsaHeap(128);
}

/* Defect: the key comes from the LSA heap. */
static NOINLINE void free_key_on_private_heap(PVOID key)
{
	lsa->FreePrivateHeap(key);
}

static NOINLINE PVOID allocate_message(PVOID section)
{
	return lsa->AllocateSharedMemory(section, 80);
}

/* Defect: the message lies in a section. */
static NOINLINE void free_message_on_lsa_heap(PVOID message)
{
	lsa->FreeLsaHeap(message);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	PVOID section = lsa->CreateSharedMemory(4096, 4096);

	(void)client;
	(void)command;
	free_key_on_private_heap(allocate_key());
	free_message_on_lsa_heap(allocate_message(section));
	lsa->DeleteSharedMemory(section);
}

PACKAGE("wrong_deallocator", run)
