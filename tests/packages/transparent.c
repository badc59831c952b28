/* SPDX-License-Identifier: MIT */
/*
 * Reports in its answer what each function of the table returned, as far as that does not depend on
 * addresses, and what errno was then. Many of the calls are wrong on purpose. The answers of an
 * untraced and of a traced run must be the same.
 */
#include <errno.h>
#include <stdarg.h>

#include "tests/host/table.h"
#include "tests/packages/package.h"

/* No function sets errno to this. */
enum { CANARY = 1717 };

static char report[8000];
static size_t report_length;

static __attribute__((format(printf, 1, 2))) void tell(const char *format, ...)
{
	size_t room = sizeof(report) - report_length;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(report + report_length, room, format, arguments);
	va_end(arguments);
	if (length > 0 && (size_t)length < room)
		report_length += (size_t)length;
}

/* Evaluates a call, then tells its result and errno. */
#define TELL(call, format) \
	do { \
		__typeof__(call) result; \
		int error; \
		errno = CANARY; \
		result = (call); \
		error = errno; \
		tell("%s: " format " errno %d\n", #call, result, error); \
	} while (0)

#define TELL_VOID(call) \
	do { \
		int error; \
		errno = CANARY; \
		(call); \
		error = errno; \
		tell("%s: errno %d\n", #call, error); \
	} while (0)

static void tell_of_sections(void)
{
	static char foreign[64];
	PVOID section, other, block;

	TELL((section = lsa->CreateSharedMemory(8192, 4096)) != NULL, "%d");
	TELL((other = lsa->CreateSharedMemory(8192, 4096)) != NULL, "%d");
	TELL(lsa->CreateSharedMemory(0xffffffff, 4096) != NULL, "%d");
	TELL((block = lsa->AllocateSharedMemory(section, 100)) != NULL, "%d");
	TELL(((uintptr_t)block - (uintptr_t)section), "%zu");
	TELL(lsa->AllocateSharedMemory(section, 100000) != NULL, "%d");
	TELL(lsa->AllocateSharedMemory(NULL, 1) != NULL, "%d");
	TELL(lsa->AllocateSharedMemory(foreign, 1) != NULL, "%d");
	TELL_VOID(lsa->FreeSharedMemory(other, block));
	TELL_VOID(lsa->FreeSharedMemory(section, foreign));
	TELL_VOID(lsa->FreeSharedMemory(section, NULL));
	TELL_VOID(lsa->FreeSharedMemory(section, section));
	TELL_VOID(lsa->FreeSharedMemory(section, block));
	TELL_VOID(lsa->FreeSharedMemory(section, block));
	TELL(lsa->DeleteSharedMemory(block), "%d");
	TELL(lsa->DeleteSharedMemory(NULL), "%d");
	TELL(lsa->DeleteSharedMemory(other), "%d");
	TELL(lsa->DeleteSharedMemory(section), "%d");
	TELL(lsa->DeleteSharedMemory(section), "%d");
}

static void tell_of_heaps(void)
{
	PVOID ours, secret;

	TELL((ours = lsa->AllocateLsaHeap(100)) != NULL, "%d");
	TELL((secret = lsa->AllocatePrivateHeap(100)) != NULL, "%d");
	TELL(lsa->AllocateLsaHeap(0xffffffff) != NULL, "%d");
	TELL(lsa->AllocatePrivateHeap((SIZE_T)1 << 60) != NULL, "%d");
	TELL_VOID(lsa->FreePrivateHeap(ours));
	TELL_VOID(lsa->FreeLsaHeap(ours));
	TELL_VOID(lsa->FreeLsaHeap(ours));
	TELL_VOID(lsa->FreeLsaHeap(NULL));
	TELL_VOID(lsa->FreePrivateHeap(secret));
	TELL_VOID(lsa->FreePrivateHeap(NULL));
	TELL_VOID(lsa->FreeReturnBuffer(NULL));
}

static void tell_of_client(PLSA_CLIENT_REQUEST client)
{
	PVOID address = NULL;
	PVOID no_client = NULL;
	char content[8] = "content";

	TELL(lsa->AllocateClientBuffer(client, 8, &address), "%08x");
	TELL((uintptr_t)address, "%#zx");
	TELL(lsa->CopyToClientBuffer(client, 8, address, content), "%08x");
	TELL(lsa->CopyFromClientBuffer(client, 9, content, address), "%08x");
	TELL(lsa->AllocateClientBuffer(client, 0xffffffff, &no_client), "%08x");
	TELL(lsa->AllocateClientBuffer(&no_client, 8, &no_client), "%08x");
	TELL(lsa->FreeClientBuffer(&no_client, address), "%08x");
	TELL(lsa->FreeClientBuffer(client, address), "%08x");
	TELL(lsa->FreeClientBuffer(client, address), "%08x");
	TELL(lsa->FreeClientBuffer(client, NULL), "%08x");
}

static void tell_of_other_packages(void)
{
	WCHAR known_name[] = u"Echo";
	WCHAR unknown_name[] = u"None";
	UNICODE_STRING known = { 8, 10, known_name };
	UNICODE_STRING unknown = { 8, 10, unknown_name };
	char submitted[] = "hello";
	PVOID answer = NULL;
	ULONG length = 0;
	NTSTATUS status = 1;

	TELL(lsa->CallPackage(&known, submitted, 6, &answer, &length, &status), "%08x");
	tell("answer %s, length %u, status %08x\n", (char *)answer, length, (unsigned)status);
	TELL_VOID(lsa->FreeReturnBuffer(answer));
	TELL(lsa->CallPackageEx(&known, NULL, submitted, 6, &answer, &length, &status), "%08x");
	TELL_VOID(lsa->FreeReturnBuffer(answer));
	TELL(lsa->CallPackage(&unknown, submitted, 6, &answer, &length, &status), "%08x");
	tell("answer %d, length %u\n", answer != NULL, length);
	TELL(lsa->CallPackagePassthrough(&unknown, NULL, submitted, 6, &answer, &length, &status),
	     "%08x");
}

static void tell_of_users(void)
{
	UNICODE_STRING nobody = { 0 };
	PUCHAR data = NULL;
	ULONG size = 0;
	char user;

	TELL(lsa->GetUserAuthData(&user, &data, &size), "%08x");
	tell("size %u\n", size);
	TELL_VOID(lsa->FreeLsaHeap(data));
	TELL(lsa->GetUserAuthData(NULL, &data, &size), "%08x");
	TELL(lsa->GetAuthDataForUser(&nobody, 0, NULL, &data, &size, NULL), "%08x");
}

static void tell_of_given_memory(void)
{
	UNICODE_STRING name = { 0 }, domain = { 0 };
	UCHAR user_data[4] = { 0 };
	PVOID primary = NULL, supplemental = NULL;
	PENCRYPTED_CREDENTIALW credential = NULL, *credentials = NULL;
	SecBuffer input = { 0 }, output = { 0 };
	PUCHAR expanded = NULL;
	ULONG size = 0, none = 0;
	NTSTATUS status = 0;

	TELL(lsa->ExpandAuthDataForDomain(user_data, 4, NULL, &expanded, &size), "%08x");
	TELL_VOID(lsa->FreeLsaHeap(expanded));
	TELL(lsa->ExpandAuthDataForDomain(NULL, 0, NULL, &expanded, &size), "%08x");
	TELL(lsa->ConvertAuthDataToToken(user_data, 4, 0, NULL, 0, NULL, NULL, NULL, &name, &status),
	     "%08x");
	TELL(lsa->CrackSingleName(0, FALSE, NULL, NULL, 0, &name, &domain, &none), "%08x");
	TELL_VOID(lsa->FreeLsaHeap(name.Buffer));
	TELL_VOID(lsa->FreeLsaHeap(domain.Buffer));
	TELL(lsa->GetUserCredentials(user_data, &primary, &size, &supplemental, &none), "%08x");
	TELL_VOID(lsa->FreeLsaHeap(primary));
	TELL(lsa->GetUserCredentials(NULL, &primary, &size, &supplemental, &none), "%08x");
	TELL(lsa->ClientCallback(NULL, 1, 2, NULL, &output), "%08x");
	TELL_VOID(lsa->FreeLsaHeap(output.pvBuffer));
	TELL(lsa->MapBuffer(&input, &output), "%08x");
	TELL(lsa->MapBuffer(&output, &input), "%08x");
	tell("the same %d\n", input.pvBuffer == output.pvBuffer);
	TELL_VOID(lsa->FreeLsaHeap(output.pvBuffer));
	TELL(lsa->CrediRead(NULL, 0, NULL, 0, 0, &credential), "%08x");
	TELL_VOID(lsa->FreeLsaHeap(credential));
	TELL(lsa->CrediReadDomainCredentials(NULL, 0, NULL, 0, &size, &credentials), "%08x");
}

/* The host's table is that of the newest SDK. */
static void tell_of_what_the_newest_hand_out(void)
{
	const LSA_SECPKG_NEWEST_TABLE *newest = (const void *)lsa;
	UNICODE_STRING current = { 0 }, previous = { 0 };
	SecBuffer data = { 0 };
	BOOLEAN is_fatal = TRUE;
	PUCHAR blob = NULL;
	PVOID reply = NULL;
	ULONG size = 0;

	TELL(newest->CrediUnmarshalandDecodeString(NULL, &blob, &size, &is_fatal), "%08x");
	tell("%u bytes, %d\n", size, is_fatal);
	TELL_VOID(lsa->FreeLsaHeap(blob));
	TELL(newest->GetServiceAccountPassword(NULL, NULL, 0, NULL, &current, &previous, NULL),
	     "%08x");
	TELL_VOID(lsa->FreeLsaHeap(current.Buffer));
	TELL_VOID(lsa->FreeLsaHeap(previous.Buffer));
	TELL(newest->QueryClientRequest(NULL, 1, &reply), "%08x");
	TELL_VOID(lsa->FreeReturnBuffer(reply));
	TELL(newest->GetAppModeInfo(NULL, NULL, NULL, &data, NULL), "%08x");
	TELL_VOID(lsa->FreeLsaHeap(data.pvBuffer));
}

static void tell_of_credentials(void)
{
	LUID logon = { .LowPart = 77 };
	LSA_STRING credentials = { 0 };
	ULONG query = 0;

	TELL(lsa->GetCredentials(&logon, 1, &query, FALSE, NULL, NULL, &credentials), "%08x");
	tell("credentials %.*s\n", (int)credentials.Length, credentials.Buffer);
	TELL_VOID(lsa->FreeLsaHeap(credentials.Buffer));
}

/* Functions that the host implements, and that are in no traced family. */
static void tell_of_the_rest(void)
{
	SECPKG_CLIENT_INFO client_info;
	SECPKG_CALL_INFO call_info;
	char secret[4] = { 1, 2, 3, 4 };

	TELL(lsa->ImpersonateClient(), "%08x");
	TELL(lsa->GetClientInfo(&client_info), "%08x");
	tell("impersonating %d, process %u\n", client_info.Impersonating, client_info.ProcessID);
	TELL(lsa->GetCallInfo(&call_info), "%d");
	tell("call count %u\n", call_info.CallCount);
	TELL_VOID(lsa->LsaProtectMemory(secret, sizeof(secret)));
	tell("protected %d\n", secret[0]);
	TELL_VOID(lsa->LsaUnprotectMemory(secret, sizeof(secret)));
	tell("unprotected %d\n", secret[0]);
}

static void tell_of_unsupported(const char *name, void (*function)(void))
{
	SECPKG_UNDECLARED_FUNCTION *call = (SECPKG_UNDECLARED_FUNCTION *)function;

	tell("%s: %08x\n", name, (unsigned)call());
}

#define TELL_OF_UNSUPPORTED(name) tell_of_unsupported(#name, (void (*)(void))lsa->name);

static void tell_of_table(void)
{
	TABLE_UNSUPPORTED_SLOTS(TELL_OF_UNSUPPORTED)
	tell("CrediWrite: %s\n", lsa->CrediWrite ? "there" : "NULL");
}

static NTSTATUS get_info(PSecPkgInfoW PackageInfo)
{
	package_describe(PackageInfo, u"transparent");
	return STATUS_SUCCESS;
}

static NTSTATUS call_package(PLSA_CLIENT_REQUEST ClientRequest, PVOID ProtocolSubmitBuffer,
			     PVOID ClientBufferBase, ULONG SubmitBufferLength,
			     PVOID *ProtocolReturnBuffer, PULONG ReturnBufferLength,
			     PNTSTATUS ProtocolStatus)
{
	(void)ProtocolSubmitBuffer;
	(void)ClientBufferBase;
	(void)SubmitBufferLength;
	report_length = 0;
	tell_of_sections();
	tell_of_heaps();
	tell_of_client(ClientRequest);
	tell_of_other_packages();
	tell_of_users();
	tell_of_given_memory();
	tell_of_what_the_newest_hand_out();
	tell_of_credentials();
	tell_of_the_rest();
	tell_of_table();
	*ProtocolStatus = STATUS_SUCCESS;
	return package_answer(ClientRequest, report, ProtocolReturnBuffer, ReturnBufferLength);
}

static SECPKG_FUNCTION_TABLE package_table = {
	.CallPackage = call_package,
	.Initialize = package_initialize,
	.Shutdown = package_shutdown,
	.GetInfo = get_info,
};

PACKAGE_EXPORT(SECPKG_INTERFACE_VERSION_8, &package_table, 1)
