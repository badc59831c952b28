/* SPDX-License-Identifier: MIT */
/*
 * A workload that uses all families. It has no defect, except the leaks that it is told to plant:
 *
 *	calls=N   calls of table functions in each CallPackage, rounded up to whole rounds (1000)
 *	leaks=N   blocks leaked by the first CallPackage of the process, before anything else (0)
 *
 * Any number of threads may run it; only the first CallPackage of the process plants leaks.
 */
#include <stdbool.h>

#include "tests/packages/package.h"

/* Calls in a round: 2 for the section, and two for each of its blocks and of the blocks of the
 * heaps. */
enum {
	SHARED_BLOCKS = 30,
	LSA_BLOCKS = 8,
	PRIVATE_BLOCKS = 6,
	CLIENT_BUFFERS = 4,
	ANSWERS = 1,
	CALLS_A_ROUND =
		2 + 2 * (SHARED_BLOCKS + LSA_BLOCKS + PRIVATE_BLOCKS + CLIENT_BUFFERS + ANSWERS),
};

_Static_assert(CALLS_A_ROUND == 100, "as the tests expect");

enum { LEAK_SIZE = 24, DEEPEST = 16 };

static bool planted;

/* A defect, if the command asks for it. */
static NOINLINE void plant_leak(void)
{
	lsa->AllocateLsaHeap(LEAK_SIZE);
}

static void plant_leaks(unsigned long count)
{
	if (__atomic_exchange_n(&planted, true, __ATOMIC_RELAXED))
		return;
	for (unsigned long i = 0; i < count; i++)
		plant_leak();
}

/* Every other round frees in the opposite order. */
static NOINLINE void work_in_section(unsigned long round)
{
	PVOID section = lsa->CreateSharedMemory(65536, 4096);
	PVOID blocks[SHARED_BLOCKS];

	for (ULONG i = 0; i < SHARED_BLOCKS; i++)
		blocks[i] = lsa->AllocateSharedMemory(section, 16 + 8 * (i % 7));
	for (ULONG i = 0; i < SHARED_BLOCKS; i++)
		lsa->FreeSharedMemory(section, blocks[round % 2 ? SHARED_BLOCKS - 1 - i : i]);
	lsa->DeleteSharedMemory(section);
}

static NOINLINE void work_on_lsa_heap(void)
{
	PVOID blocks[LSA_BLOCKS];

	for (ULONG i = 0; i < LSA_BLOCKS; i++)
		blocks[i] = lsa->AllocateLsaHeap(32 + 16 * i);
	for (ULONG i = 0; i < LSA_BLOCKS; i++)
		lsa->FreeLsaHeap(blocks[i]);
}

static NOINLINE void work_on_private_heap(void)
{
	PVOID blocks[PRIVATE_BLOCKS];

	for (ULONG i = 0; i < PRIVATE_BLOCKS; i++)
		blocks[i] = lsa->AllocatePrivateHeap(48 + 8 * i);
	for (ULONG i = 0; i < PRIVATE_BLOCKS; i++)
		lsa->FreePrivateHeap(blocks[i]);
}

static NOINLINE void work_in_client(PLSA_CLIENT_REQUEST client)
{
	PVOID buffers[CLIENT_BUFFERS] = { NULL };

	for (ULONG i = 0; i < CLIENT_BUFFERS; i++)
		lsa->AllocateClientBuffer(client, 64 + i, &buffers[i]);
	for (ULONG i = 0; i < CLIENT_BUFFERS; i++)
		lsa->FreeClientBuffer(client, buffers[i]);
}

static NOINLINE void ask_other_package(void)
{
	WCHAR name[] = u"Echo";
	UNICODE_STRING package = { sizeof(name) - sizeof(WCHAR), sizeof(name), name };
	char submitted[32] = "hello";
	PVOID answer = NULL;
	ULONG length = 0;
	NTSTATUS status;

	for (int i = 0; i < ANSWERS; i++) {
		lsa->CallPackage(&package, submitted, sizeof(submitted), &answer, &length, &status);
		lsa->FreeReturnBuffer(answer);
	}
}

/* The depth changes from round to round, so that the stacks are not always the same. */
static NOINLINE void work(PLSA_CLIENT_REQUEST client, unsigned long round, unsigned long depth)
{
	if (depth) {
		work(client, round, depth - 1);
		return;
	}
	work_in_section(round);
	work_on_lsa_heap();
	work_on_private_heap();
	work_in_client(client);
	ask_other_package();
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	unsigned long calls = command_number(command, "calls=", 1000);

	plant_leaks(command_number(command, "leaks=", 0));
	for (unsigned long round = 0; round * CALLS_A_ROUND < calls; round++)
		work(client, round, round % DEEPEST);
}

PACKAGE("load", run)
