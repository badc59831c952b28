/* SPDX-License-Identifier: MIT */
/* A leak in a function that the compiler inlines: only debug information has its name. */
#include "tests/packages/package.h"

/* Defect: the copy is never freed. */
static inline __attribute__((always_inline)) void duplicate_name(const char *name, ULONG length)
{
	char *copy = lsa->AllocateLsaHeap(length);

	if (copy)
		memcpy(copy, name, length);
}

static NOINLINE void register_client(void)
{
	static const char name[] = "client";

	duplicate_name(name, sizeof(name));
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	(void)client;
	(void)command;
	register_client();
}

PACKAGE("inline_leak", run)
