/* SPDX-License-Identifier: MIT */
/* Allocate with an address that never was a section. */
#include "tests/packages/package.h"

static _Alignas(16) char not_a_section[64];

/* Defect: the host refuses. */
static NOINLINE void allocate_in_unknown_section(void)
{
	lsa->AllocateSharedMemory(not_a_section, 32);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	(void)client;
	(void)command;
	allocate_in_unknown_section();
}

PACKAGE("invalid_section_unknown", run)
