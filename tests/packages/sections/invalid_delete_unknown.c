/* SPDX-License-Identifier: MIT */
/* DeleteSharedMemory on an address that never was a section. */
#include "tests/packages/package.h"

static _Alignas(16) char not_a_section[64];

/* Defect: no function of the table handed this buffer out. */
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
