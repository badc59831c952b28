/* SPDX-License-Identifier: MIT */
/* A block of the private heap that is never freed. */
#include "tests/packages/package.h"

/* Defect: nobody keeps the address. */
static NOINLINE void leak_secret(void)
{
	lsa->AllocatePrivateHeap(52);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	(void)client;
	(void)command;
	leak_secret();
}

PACKAGE("private_heap_leak", run)
