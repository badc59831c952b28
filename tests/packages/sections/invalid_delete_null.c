/* SPDX-License-Identifier: MIT */
/* DeleteSharedMemory on NULL. */
#include "tests/packages/package.h"

/* Defect: there is no section. */
static NOINLINE void delete_null(void)
{
	lsa->DeleteSharedMemory(NULL);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	(void)client;
	(void)command;
	delete_null();
}

PACKAGE("invalid_delete_null", run)
