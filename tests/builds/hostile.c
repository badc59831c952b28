/* SPDX-License-Identifier: MIT */
/*
 * A package with a leak whose names, those of the package, of a function and of a source file, break
 * each format that does not escape them. The function has its name in the symbol table only.
 */
#include "tests/packages/package.h"

#define TEN(text) text text text text text text text text text text
#define LONG TEN(TEN("abc")) /* 300 characters */

static NOINLINE __attribute__((used)) PVOID
leak_ticket(void) __asm__("\"le<ak>&']]>%0A::,|ключ_鍵_" LONG " #\"");

#line 100 "we<ird>&']]>,::%0A|ключ 鍵\t\"[x](1).c"
static PVOID leak_ticket(void)
{
	return lsa->AllocateLsaHeap(40);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	(void)client;
	(void)command;
	leak_ticket();
}

PACKAGE("<pack & \"age\"> ]]>\x01\x1b[31m\n,::%0A ключ 鍵 " LONG, run)
