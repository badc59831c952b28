/* SPDX-License-Identifier: MIT */
/* DeleteSharedMemory on what never was a section. */
#include "package.h"

static _Alignas(16) char not_a_section[64];

/* Injected: the buffer is the library's own. */
static NOINLINE void delete_static_buffer(void)
{
	lsa->DeleteSharedMemory(not_a_section);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	(void)client;
	(void)command;
	delete_static_buffer();
}

PACKAGE("invalid_delete_unknown", run)
