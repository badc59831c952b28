/* SPDX-License-Identifier: MIT */
/*
 * A package that does what only a program for Windows can do to a tracer inside of it:
 *
 *	throw=N   N exceptions of C++ unwind functions whose destructors call the host's table
 *	leak      the innermost destructor of an exception forgets its block
 *	keep      a block that is never freed, of which a variable of the package knows
 */
#include "tests/packages/package.h"
#include "tests/windows/throwing.h"

enum { KEPT_BYTES = 72 };

static PVOID kept;

static PVOID allocate(unsigned bytes)
{
	return lsa->AllocateLsaHeap(bytes);
}

static void release(PVOID block)
{
	lsa->FreeLsaHeap(block);
}

static NOINLINE void keep(void)
{
	kept = lsa->AllocateLsaHeap(KEPT_BYTES);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	(void)client;
	for (unsigned long i = command_number(command, "throw=", 0); i > 0; i--)
		throwing_run(allocate, release, 0);
	if (strstr(command, "leak"))
		throwing_run(allocate, release, 1);
	if (strstr(command, "keep"))
		keep();
}

PACKAGE("guest", run)
