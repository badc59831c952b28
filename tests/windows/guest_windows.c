/* SPDX-License-Identifier: MIT */
/*
 * A package that does what only a program for Windows can do to a tracer inside of it:
 *
 *	throw=N   N exceptions of C++ unwind functions whose destructors call the host's table
 *	leak      the innermost destructor of an exception forgets its block
 *	overrun   writes behind a block of a section
 *	clean     frees both
 */
#include "tests/packages/package.h"
#include "tests/windows/throwing.h"

enum { OVERRUN_BYTES = 64 };

static PVOID allocate(unsigned bytes)
{
	return lsa->AllocateLsaHeap(bytes);
}

static void release(PVOID block)
{
	lsa->FreeLsaHeap(block);
}

/* What the write does is handled by the host, or nothing. Volatile: they are to be known then. */
static PVOID volatile section, block;

static NOINLINE void overrun(void)
{
	section = lsa->CreateSharedMemory(65536, 4096);
	block = lsa->AllocateSharedMemory(section, OVERRUN_BYTES);
	((volatile char *)block)[OVERRUN_BYTES] = 0;
}

static void clean_up(void)
{
	lsa->FreeSharedMemory(section, block);
	lsa->DeleteSharedMemory(section);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	(void)client;
	for (unsigned long i = command_number(command, "throw=", 0); i > 0; i--)
		throwing_run(allocate, release, 0);
	if (strstr(command, "leak"))
		throwing_run(allocate, release, 1);
	if (strstr(command, "overrun"))
		overrun();
	if (strstr(command, "clean"))
		clean_up();
}

PACKAGE("guest", run)
