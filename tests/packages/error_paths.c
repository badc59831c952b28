/* SPDX-License-Identifier: MIT */
/* A package that is right as long as no call of the LSA fails. */
#include <unistd.h>

#include "tests/packages/package.h"

/* Defect: keeps the block if nothing is known of the client. */
static NOINLINE void remember_client(void)
{
	PVOID block = lsa->AllocateLsaHeap(40);
	SECPKG_CLIENT_INFO info;

	if (NT_SUCCESS(lsa->GetClientInfo(&info)))
		lsa->FreeLsaHeap(block);
}

/* Defect: frees the buffer twice if it cannot be filled. */
static NOINLINE void greet(PLSA_CLIENT_REQUEST client)
{
	char text[] = "hello";
	PVOID buffer = NULL;

	if (!NT_SUCCESS(lsa->AllocateClientBuffer(client, sizeof(text), &buffer)))
		return;
	if (!NT_SUCCESS(lsa->CopyToClientBuffer(client, sizeof(text), buffer, text)))
		lsa->FreeClientBuffer(client, buffer);
	lsa->FreeClientBuffer(client, buffer);
}

/* Defect: keeps the first block if there is no second one. */
static NOINLINE void take_two(void)
{
	PVOID first = lsa->AllocateLsaHeap(100), second = lsa->AllocateLsaHeap(200);

	if (!second)
		return;
	lsa->FreeLsaHeap(second);
	if (first)
		lsa->FreeLsaHeap(first);
}

/* Defect: does not look at what it gets. */
static NOINLINE void trust(void)
{
	char *block = lsa->AllocateLsaHeap(8);

	block[0] = 1;
	lsa->FreeLsaHeap(block);
}

/* Defect: tries again for ever. */
static NOINLINE void insist(void)
{
	PVOID block = lsa->AllocateLsaHeap(8);

	while (!block)
		sleep(1);
	lsa->FreeLsaHeap(block);
}

/* Defect: takes the LSA with it. */
static NOINLINE void leave(void)
{
	PVOID block = lsa->AllocateLsaHeap(8);

	if (!block)
		_exit(5);
	lsa->FreeLsaHeap(block);
}

/* Defect: if there is no block, and then nothing is known of the client, it keeps the note. */
static NOINLINE void retreat(void)
{
	PVOID block = lsa->AllocateLsaHeap(24), note;
	SECPKG_CLIENT_INFO info;

	if (block) {
		lsa->FreeLsaHeap(block);
		return;
	}
	note = lsa->AllocateLsaHeap(11);
	if (note && NT_SUCCESS(lsa->GetClientInfo(&info)))
		lsa->FreeLsaHeap(note);
}

/* Defect: keeps a block in any case. Which one depends on what is known of the client. */
static NOINLINE void forget(void)
{
	SECPKG_CLIENT_INFO info;

	if (NT_SUCCESS(lsa->GetClientInfo(&info)))
		lsa->AllocateLsaHeap(72);
	else
		lsa->AllocateLsaHeap(88);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	if (strcmp(command, "forget") == 0) {
		forget();
		return;
	}
	if (strcmp(command, "retreat") == 0) {
		retreat();
		return;
	}
	if (strcmp(command, "trust") == 0) {
		PVOID kept = lsa->AllocateLsaHeap(16);

		trust();
		lsa->FreeLsaHeap(kept);
		return;
	}
	if (strcmp(command, "leave") == 0) {
		leave();
		return;
	}
	if (strcmp(command, "insist") == 0) {
		insist();
		return;
	}
	remember_client();
	greet(client);
	take_two();
	take_two();
}

PACKAGE("error_paths", run)
