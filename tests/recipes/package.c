/* SPDX-License-Identifier: MIT */
/* A package. It stands for yours: with -DLEAK, "log off" forgets the ticket. */
#include <stdlib.h>
#include <string.h>

#include "secpkg.h"

static PLSA_SECPKG_FUNCTION_TABLE lsa;
static PVOID ticket;

static NTSTATUS initialize(ULONG_PTR id, PSECPKG_PARAMETERS parameters,
			   PLSA_SECPKG_FUNCTION_TABLE table)
{
	(void)id;
	(void)parameters;
	lsa = table;
	return STATUS_SUCCESS;
}

static NTSTATUS shut_down(void)
{
	return STATUS_SUCCESS;
}

static __attribute__((noinline)) PVOID make_ticket(void)
{
	return lsa->AllocateLsaHeap(40);
}

static NTSTATUS call_package(PLSA_CLIENT_REQUEST client, PVOID command, PVOID base, ULONG bytes,
			     PVOID *answer, PULONG answer_bytes, PNTSTATUS status)
{
	(void)client;
	(void)base;
	(void)bytes;
	if (strcmp(command, "log on") == 0)
		ticket = make_ticket();
#ifndef LEAK
	if (strcmp(command, "log off") == 0)
		lsa->FreeLsaHeap(ticket);
#endif
	*answer = NULL;
	*answer_bytes = 0;
	*status = STATUS_SUCCESS;
	return STATUS_SUCCESS;
}

static SECPKG_FUNCTION_TABLE package_table = { .CallPackage = call_package,
					       .Initialize = initialize,
					       .Shutdown = shut_down };

NTSTATUS SpLsaModeInitialize(ULONG lsa_version, PULONG version, PSECPKG_FUNCTION_TABLE *tables,
			     PULONG count)
{
	(void)lsa_version;
	*version = SECPKG_INTERFACE_VERSION_8;
	*tables = &package_table;
	*count = 1;
	return STATUS_SUCCESS;
}
