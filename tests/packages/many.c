/* SPDX-License-Identifier: MIT */
/*
 * 300 findings: what a report is like that somebody has to find his way in. Each defect has a function of
 * its own, with its number in the name. The command says how many of the leaks are made ("leaks=90"), and
 * whether a thread dies at the end ("die", which needs guarded blocks).
 */
#include "tests/packages/package.h"

#include <pthread.h>

#define FIVE(DO, t) DO(t##0) DO(t##1) DO(t##2) DO(t##3) DO(t##4)
#define FIVE_MORE(DO, t) DO(t##5) DO(t##6) DO(t##7) DO(t##8) DO(t##9)
#define TEN(DO, t) FIVE(DO, t) FIVE_MORE(DO, t)
#define FIFTY(DO, h) TEN(DO, h##0) TEN(DO, h##1) TEN(DO, h##2) TEN(DO, h##3) TEN(DO, h##4)
#define FIFTY_MORE(DO, h) TEN(DO, h##5) TEN(DO, h##6) TEN(DO, h##7) TEN(DO, h##8) TEN(DO, h##9)
#define HUNDRED(DO, h) FIFTY(DO, h) FIFTY_MORE(DO, h)

/* Defect: nobody keeps the address. The greater the number, the more leaks; but 142 leaks most. */
#define LEAK(n) \
	static NOINLINE void keep_##n(void) \
	{ \
		lsa->AllocateLsaHeap((n) == 142 ? 4096 : (n)); \
	}
/* Defect: from the LSA's heap into the private one. */
#define MISMATCH(n) \
	static NOINLINE void drop_##n(void) \
	{ \
		lsa->FreePrivateHeap(lsa->AllocateLsaHeap(n)); \
	}
/* Defect: freed twice. */
#define TWICE(n) \
	static NOINLINE void evict_##n(void) \
	{ \
		PVOID block = lsa->AllocateLsaHeap(n); \
\
		lsa->FreeLsaHeap(block); \
		lsa->FreeLsaHeap(block); \
	}
HUNDRED(LEAK, 1)
HUNDRED(MISMATCH, 2)
HUNDRED(TWICE, 3)

#define NAME_LEAK(n) keep_##n,
#define NAME_MISMATCH(n) drop_##n,
#define NAME_TWICE(n) evict_##n,

static void (*const leaks[])(void) = { HUNDRED(NAME_LEAK, 1) };
static void (*const others[])(void) = { HUNDRED(NAME_MISMATCH, 2) HUNDRED(NAME_TWICE, 3) };

/* Defect: one byte past the end of the last block. */
static NOINLINE void *serve(void *unused)
{
	PVOID section = lsa->CreateSharedMemory(65536, 4096);
	char *block = NULL;

	(void)unused;
	for (int i = 0; i < 30; i++) {
		block = lsa->AllocateSharedMemory(section, 16 + 16 * (ULONG)i);
		if (i < 29)
			lsa->FreeSharedMemory(section, block);
	}
	*(volatile char *)(block + 16 + 16 * 29) = '\0';
	return NULL;
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	unsigned long count = command_number(command, "leaks=", 100);
	pthread_t thread;

	(void)client;
	for (unsigned i = 0; i < count && i < 100; i++)
		leaks[i]();
	for (unsigned i = 0; i < 200; i++)
		others[i]();
	if (strstr(command, "die") && pthread_create(&thread, NULL, serve, NULL) == 0)
		pthread_join(thread, NULL);
}

PACKAGE("many", run)
