/* SPDX-License-Identifier: MIT */
/*
 * A package that is built in many ways (BUILDS in tests/tests.mk), as it would be over the years of a
 * repository: with LEAKS defects of one function, after an edit elsewhere (MOVED), with other flags; with
 * more than 40,000 tickets at a time (CROWDED); and so that it fails to initialise (FAILING), or takes its time
 * (SLOW).
 */
#include <unistd.h>

#include "tests/packages/package.h"

#ifdef MOVED
/* Code in front of the defect. */
static NOINLINE int count_tickets(const char *command)
{
	int count = 0;

	for (; *command; command++)
		count += *command == 't';
	return count;
}
#endif

/* Calls from two places: a compiler that optimises little does not inline it. */
static PVOID make_ticket(ULONG size)
{
	PVOID ticket = lsa->AllocateLsaHeap(size);

	if (ticket)
		memset(ticket, 0, size);
	return ticket;
}

#ifdef CROWDED
static PVOID crowd[CROWDED];
#endif

/* Each leak is of its own size. */
static NOINLINE void keep_tickets(void)
{
	PVOID kept = make_ticket(24);

	lsa->FreeLsaHeap(kept);
#ifdef CROWDED
	for (unsigned i = 0; i < CROWDED; i++)
		crowd[i] = make_ticket(8);
	for (unsigned i = 0; i < CROWDED; i++)
		lsa->FreeLsaHeap(crowd[i]);
#endif
#if LEAKS > 0
	make_ticket(40);
#endif
#if LEAKS > 1
	make_ticket(56);
#endif
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	(void)client;
#ifdef MOVED
	printf("%d\n", count_tickets(command));
#endif
	(void)command;
	keep_tickets();
#ifdef SLOW
	sleep(100);
#endif
}

PACKAGE("built", run)
