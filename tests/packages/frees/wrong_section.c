/* SPDX-License-Identifier: MIT */
/* A block that is freed with the handle of a section that it is not from. */
#include "tests/packages/package.h"

static NOINLINE PVOID create_requests_section(void)
{
	return lsa->CreateSharedMemory(8192, 4096);
}

static NOINLINE PVOID create_replies_section(void)
{
	return lsa->CreateSharedMemory(16384, 4096);
}

static NOINLINE PVOID allocate_reply(PVOID replies)
{
	return lsa->AllocateSharedMemory(replies, 96);
}

/* Defect: the reply belongs to the other section. */
static NOINLINE void free_reply_as_request(PVOID requests, PVOID reply)
{
	lsa->FreeSharedMemory(requests, reply);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	PVOID requests = create_requests_section();
	PVOID replies = create_replies_section();
	PVOID reply = allocate_reply(replies);

	(void)client;
	(void)command;
	free_reply_as_request(requests, reply);
	lsa->DeleteSharedMemory(replies);
	lsa->DeleteSharedMemory(requests);
}

PACKAGE("wrong_section", run)
