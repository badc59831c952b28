/* SPDX-License-Identifier: MIT */
/* A block of the LSA heap that is never freed. */
#include "tests/packages/package.h"

/* Defect: nobody keeps the address. */
static NOINLINE void leak_account_name(void)
{
	lsa->AllocateLsaHeap(44);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	(void)client;
	(void)command;
	leak_account_name();
}

PACKAGE("lsa_heap_leak", run)
