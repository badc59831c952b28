/* SPDX-License-Identifier: MIT */
/* Memory that table functions returned, and that is never freed. */
#include "tests/packages/package.h"

/* Defect: the caller owns the answer of another package. */
static NOINLINE void leak_answer(void)
{
	WCHAR name[] = u"Echo";
	UNICODE_STRING package = { sizeof(name) - sizeof(WCHAR), sizeof(name), name };
	char submitted[36] = "hello";
	PVOID answer = NULL;
	ULONG length = 0;
	NTSTATUS status;

	lsa->CallPackage(&package, submitted, sizeof(submitted), &answer, &length, &status);
}

/* Defect: the caller owns the authentication data of a user. */
static NOINLINE void leak_auth_data(void)
{
	PUCHAR data = NULL;
	ULONG size = 0;
	char user;

	lsa->GetUserAuthData(&user, &data, &size);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	(void)client;
	(void)command;
	leak_answer();
	leak_auth_data();
}

PACKAGE("return_buffer_leak", run)
