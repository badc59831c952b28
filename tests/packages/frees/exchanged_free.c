/* SPDX-License-Identifier: MIT */
/* FreeLsaHeap where FreeReturnBuffer is documented, and the other way round. */
#include "tests/packages/package.h"

/* Defect: the answer of a package must go to FreeReturnBuffer. */
static NOINLINE void free_answer_on_lsa_heap(PVOID answer)
{
	lsa->FreeLsaHeap(answer);
}

/* Defect: memory of AllocateLsaHeap must go to FreeLsaHeap. */
static NOINLINE void free_name_as_answer(PVOID name)
{
	lsa->FreeReturnBuffer(name);
}

/* Defect: so must the authentication data of a user. */
static NOINLINE void free_auth_data_as_answer(PVOID data)
{
	lsa->FreeReturnBuffer(data);
}

static NOINLINE PVOID ask_other_package(void)
{
	WCHAR name[] = u"Echo";
	UNICODE_STRING package = { sizeof(name) - sizeof(WCHAR), sizeof(name), name };
	char submitted[36] = "hello";
	PVOID answer = NULL;
	ULONG length = 0;
	NTSTATUS status;

	lsa->CallPackage(&package, submitted, sizeof(submitted), &answer, &length, &status);
	return answer;
}

static NOINLINE PVOID look_up_user(void)
{
	PUCHAR data = NULL;
	ULONG size = 0;
	char user;

	lsa->GetUserAuthData(&user, &data, &size);
	return data;
}

static NOINLINE PVOID make_name(void)
{
	return lsa->AllocateLsaHeap(44);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	(void)client;
	(void)command;
	free_answer_on_lsa_heap(ask_other_package());
	free_name_as_answer(make_name());
	free_auth_data_as_answer(look_up_user());
}

PACKAGE("exchanged_free", run)
