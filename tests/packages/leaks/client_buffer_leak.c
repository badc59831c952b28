/* SPDX-License-Identifier: MIT */
/* A buffer in the client that is neither freed nor given to the client. */
#include "tests/packages/package.h"

/* Defect: the client never learns the address. */
static NOINLINE void leak_client_buffer(PLSA_CLIENT_REQUEST client)
{
	PVOID address = NULL;

	lsa->AllocateClientBuffer(client, 60, &address);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	(void)command;
	leak_client_buffer(client);
}

PACKAGE("client_buffer_leak", run)
