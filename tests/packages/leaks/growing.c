/* SPDX-License-Identifier: MIT */
/* One logon in a thousand leaks a block, amid caches of all kinds, which fill and level off. */
#include "tests/packages/package.h"

enum { USERS = 3000, RECENT = 2500, SLOTS = 20000, SESSIONS = 300, LEAKS_EVERY = 1000 };

static unsigned logons;

static unsigned random_below(unsigned most)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % most;
}

/* Each user that comes gets an entry for good. */
static NOINLINE void know_user(void)
{
	static PVOID user[USERS];
	PVOID *one = &user[random_below(USERS)];

	if (!*one)
		*one = lsa->AllocateLsaHeap(48);
}

/* The oldest entry goes. */
static NOINLINE void remember_recent(void)
{
	static PVOID recent[RECENT];
	PVOID *oldest = &recent[logons % RECENT];

	if (*oldest)
		lsa->FreeLsaHeap(*oldest);
	*oldest = lsa->AllocateLsaHeap(56);
}

/* Any entry goes. */
static NOINLINE void hash_ticket(void)
{
	static PVOID slot[SLOTS];
	PVOID *one = &slot[random_below(SLOTS)];

	if (*one)
		lsa->FreeLsaHeap(*one);
	*one = lsa->AllocateLsaHeap(64);
}

/* The number of open sessions goes up and down. */
static NOINLINE void open_session(void)
{
	static PVOID session[SESSIONS];
	PVOID *one = &session[random_below(SESSIONS)];

	if (*one)
		lsa->FreePrivateHeap(*one);
	*one = *one ? NULL : lsa->AllocatePrivateHeap(72);
}

/* Defect: the rare case forgets its block. */
static NOINLINE void renew_ticket(void)
{
	PVOID ticket = lsa->AllocateLsaHeap(80);

	if (logons % LEAKS_EVERY != 7)
		lsa->FreeLsaHeap(ticket);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	(void)client;
	(void)command;
	know_user();
	remember_recent();
	hash_ticket();
	open_session();
	renew_ticket();
	logons++;
}

PACKAGE("growing", run)
