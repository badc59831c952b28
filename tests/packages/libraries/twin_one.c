/* SPDX-License-Identifier: MIT */
/*
 * Two packages that differ in the size of one frame, in the names of their functions and in the blocks
 * that they leak, but not in the addresses of anything. Loaded where the other one lay, each looks like
 * the other to whoever goes by addresses. twin_two.c includes this file.
 */
#include "tests/packages/package.h"

#ifndef TWIN_NAME
#define TWIN_NAME "twin_one"
#define TWIN_LEAK leak_of_one
#define TWIN_BYTES 61
#define TWIN_FRAME 264
#endif

static NOINLINE void TWIN_LEAK(void)
{
	volatile char frame[TWIN_FRAME] PACKAGE_UNUSED;

	frame[0] = 1;
	lsa->AllocateLsaHeap(TWIN_BYTES);
	frame[1] = 2;
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	(void)client;
	(void)command;
	TWIN_LEAK();
	__asm__ volatile("");
}

PACKAGE(TWIN_NAME, run)
