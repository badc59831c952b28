/* SPDX-License-Identifier: MIT */
/* A block of the LSA heap that is freed twice. */
#include "tests/packages/package.h"

static NOINLINE PVOID allocate_token(void)
{
	return lsa->AllocateLsaHeap(76);
}

static NOINLINE void free_token(PVOID token)
{
	lsa->FreeLsaHeap(token);
}

/* Defect: it has been freed before. */
static NOINLINE void free_token_again(PVOID token)
{
	lsa->FreeLsaHeap(token);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	PVOID token = allocate_token();

	(void)client;
	(void)command;
	free_token(token);
	free_token_again(token);
}

PACKAGE("lsa_heap_double_free", run)
