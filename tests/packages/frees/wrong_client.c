/* SPDX-License-Identifier: MIT */
/* A client's buffer that is freed under the request of another client. Call it with two clients. */
#include "tests/packages/package.h"

static PVOID kept_buffer;

static NOINLINE void allocate_for_first_client(PLSA_CLIENT_REQUEST client)
{
	lsa->AllocateClientBuffer(client, 80, &kept_buffer);
}

/* Defect: the address is the first client's and means nothing in the second. */
static NOINLINE void free_under_second_client(PLSA_CLIENT_REQUEST client)
{
	lsa->FreeClientBuffer(client, kept_buffer);
	kept_buffer = NULL;
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	(void)command;
	if (kept_buffer)
		free_under_second_client(client);
	else
		allocate_for_first_client(client);
}

PACKAGE("wrong_client", run)
