/* SPDX-License-Identifier: MIT */
/* A section that is deleted twice. */
#include "tests/packages/package.h"

static NOINLINE PVOID create_session_section(void)
{
	return lsa->CreateSharedMemory(12288, 4096);
}

static NOINLINE void delete_session_section(PVOID section)
{
	lsa->DeleteSharedMemory(section);
}

/* Defect: it has been deleted before. */
static NOINLINE void delete_session_section_again(PVOID section)
{
	lsa->DeleteSharedMemory(section);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	PVOID section = create_session_section();

	(void)client;
	(void)command;
	delete_session_section(section);
	delete_session_section_again(section);
}

PACKAGE("double_delete", run)
