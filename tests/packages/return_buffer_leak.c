/* SPDX-License-Identifier: MIT */
/* Memory that functions of the table handed back, never freed. */
#include "package.h"

/* Injected: what another package answered belongs to the caller. */
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

/* Injected: and so does a user's authentication data. */
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
