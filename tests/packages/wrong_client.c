/* SPDX-License-Identifier: MIT */
/* A client's buffer that is freed under the request of another. To be called with two clients. */
#include "package.h"

static PVOID kept_buffer;

static NOINLINE void allocate_for_first_client(PLSA_CLIENT_REQUEST client)
{
	lsa->AllocateClientBuffer(client, 80, &kept_buffer);
}

/* Injected: the address is the first client's and means nothing in the second. */
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
