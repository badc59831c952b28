/* SPDX-License-Identifier: MIT */
#include "calls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client_buffers.h"
#include "heaps.h"
#include "table.h"

/* No function sets errno to this. */
enum { CANARY = 4242 };

/* The address of a client's request in its address space, as the package is told. */
static const uintptr_t submit_address = 0x10000000;

static int errno_after(void)
{
	return errno == CANARY ? 0 : errno;
}

static void print_result(const struct package *package, const char *entry, NTSTATUS status,
			 int error)
{
	printf("%s: %s: %08x", package->name, entry, (unsigned int)status);
	if (error)
		printf(", errno %d", error);
	putchar('\n');
}

/* The table is constant. A package that follows the documentation never writes to it. */
static PLSA_SECPKG_FUNCTION_TABLE lsa_table(void)
{
	return (PLSA_SECPKG_FUNCTION_TABLE)(uintptr_t)&table;
}

/* The dispatch table is the beginning of the longer table. Real packages depend on this. */
static void initialise_package(const struct package *package, ULONG id)
{
	PLSA_STRING name = NULL;
	NTSTATUS status;
	int error;

	errno = CANARY;
	status = package->functions.InitializePackage(id, (PLSA_DISPATCH_TABLE)lsa_table(), NULL,
						      NULL, &name);
	error = errno_after();
	print_result(package, "InitializePackage", status, error);
	if (name)
		printf("%s: name %.*s\n", package->name, (int)name->Length, name->Buffer);
	heap_free(&lsa_heap, name);
}

static NTSTATUS initialise(const struct package *package, ULONG id)
{
	SECPKG_PARAMETERS parameters = { .Version = 10 };
	NTSTATUS status;
	int error;

	errno = CANARY;
	status = package->functions.Initialize(id, &parameters, lsa_table());
	error = errno_after();
	print_result(package, "Initialize", status, error);
	return status;
}

/* The names in the tests are ASCII. */
static void print_wide(const WCHAR *text)
{
	for (; text && *text; text++)
		putchar(*text < 0x80 ? *text : '?');
}

static void get_info(const struct package *package)
{
	SecPkgInfoW info = { 0 };
	NTSTATUS status;
	int error;

	errno = CANARY;
	status = package->functions.GetInfo(&info);
	error = errno_after();
	print_result(package, "GetInfo", status, error);
	printf("%s: is ", package->name);
	print_wide(info.Name);
	printf(", ");
	print_wide(info.Comment);
	putchar('\n');
}

void call_initialise(struct package *package, ULONG id)
{
	if (package->functions.InitializePackage)
		initialise_package(package, id);
	if (!package->functions.Initialize)
		return;
	package->usable = NT_SUCCESS(initialise(package, id));
	if (package->usable && package->functions.GetInfo)
		get_info(package);
}

/* The results of each kind of logon. */
struct logon {
	PVOID profile;
	ULONG profile_length;
	LUID id;
	NTSTATUS sub_status;
	LSA_TOKEN_INFORMATION_TYPE token_type;
	PVOID token;
	PUNICODE_STRING account;
	PUNICODE_STRING authority;
	PUNICODE_STRING machine;
};

enum { INTERACTIVE_LOGON = 2 };

static NTSTATUS logon_user(const SECPKG_FUNCTION_TABLE *functions, PLSA_CLIENT_REQUEST request,
			   char *submitted, ULONG length, struct logon *logon)
{
	const PVOID base = (PVOID)submit_address;

	if (functions->LogonUserEx2) {
		PSECPKG_SUPPLEMENTAL_CRED_ARRAY cached = NULL;

		return functions->LogonUserEx2(request, INTERACTIVE_LOGON, submitted, base, length,
					       &logon->profile, &logon->profile_length, &logon->id,
					       &logon->sub_status, &logon->token_type,
					       &logon->token, &logon->account, &logon->authority,
					       &logon->machine, NULL, &cached);
	}
	if (functions->LogonUserEx)
		return functions->LogonUserEx(request, INTERACTIVE_LOGON, submitted, base, length,
					      &logon->profile, &logon->profile_length, &logon->id,
					      &logon->sub_status, &logon->token_type, &logon->token,
					      &logon->account, &logon->authority, &logon->machine);
	return functions->LogonUser(request, INTERACTIVE_LOGON, submitted, base, length,
				    &logon->profile, &logon->profile_length, &logon->id,
				    &logon->sub_status, &logon->token_type, &logon->token,
				    &logon->account, &logon->authority);
}

static void take_logon(PLSA_CLIENT_REQUEST request, const struct logon *logon)
{
	client_free(request, logon->profile);
	heap_free(&lsa_heap, logon->token);
	heap_free(&lsa_heap, logon->account);
	heap_free(&lsa_heap, logon->authority);
	heap_free(&lsa_heap, logon->machine);
}

void call_logon(const struct package *package)
{
	const SECPKG_FUNCTION_TABLE *functions = &package->functions;
	PLSA_CLIENT_REQUEST request = client_new();
	char submitted[] = "logon";
	struct logon logon = { 0 };
	NTSTATUS status;
	int error;

	if (!functions->LogonUserEx2 && !functions->LogonUserEx && !functions->LogonUser)
		return;
	errno = CANARY;
	status = logon_user(functions, request, submitted, sizeof(submitted), &logon);
	error = errno_after();
	print_result(package, "LogonUser", status, error);
	take_logon(request, &logon);
	if (functions->LogonTerminated)
		functions->LogonTerminated(&logon.id);
}

/* The answer is in the client's memory. Reads and frees it, as the client does. */
static void take_answer(PLSA_CLIENT_REQUEST request, PVOID address, ULONG length,
			struct answer *answer)
{
	ULONG room = sizeof(answer->text) - 1;
	ULONG taken = length < room ? length : room;

	answer->text[0] = '\0';
	if (!address)
		return;
	if (NT_SUCCESS(client_read(request, address, answer->text, taken)))
		answer->text[taken] = '\0';
	client_free(request, address);
}

void call_package(const struct package *package, PLSA_CLIENT_REQUEST request, const char *command,
		  struct answer *answer)
{
	/* A copy, because the package may write to the buffer. */
	char submitted[256];
	PVOID address = NULL;
	ULONG length = 0;

	snprintf(submitted, sizeof(submitted), "%s", command);
	answer->protocol_status = STATUS_SUCCESS;
	errno = CANARY;
	answer->status = package->functions.CallPackage(request, submitted, (PVOID)submit_address,
							(ULONG)strlen(submitted) + 1, &address,
							&length, &answer->protocol_status);
	answer->error = errno_after();
	take_answer(request, address, length, answer);
}

void call_shutdown(const struct package *package)
{
	NTSTATUS status;
	int error;

	if (!package->functions.Shutdown)
		return;
	errno = CANARY;
	status = package->functions.Shutdown();
	error = errno_after();
	print_result(package, "Shutdown", status, error);
}
