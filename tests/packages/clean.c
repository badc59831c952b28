/* SPDX-License-Identifier: MIT */
/*
 * No defect: uses every function of the traced families as documented. Its entry points return
 * memory that the LSA or the client then owns.
 */
#include "tests/packages/package.h"

static PLSA_DISPATCH_TABLE dispatch;

/* The LSA frees the name: structure and text are one block. */
static NTSTATUS initialize_package(ULONG AuthenticationPackageId,
				   PLSA_DISPATCH_TABLE LsaDispatchTable, PLSA_STRING Database,
				   PLSA_STRING Confidentiality,
				   PLSA_STRING *AuthenticationPackageName)
{
	static const char text[] = "clean";
	PLSA_STRING name;

	(void)AuthenticationPackageId;
	(void)Database;
	(void)Confidentiality;
	dispatch = LsaDispatchTable;
	name = dispatch->AllocateLsaHeap(sizeof(*name) + sizeof(text));
	if (!name)
		return STATUS_NO_MEMORY;
	name->Length = sizeof(text) - 1;
	name->MaximumLength = sizeof(text);
	name->Buffer = memcpy(name + 1, text, sizeof(text));
	*AuthenticationPackageName = name;
	return STATUS_SUCCESS;
}

static NTSTATUS get_info(PSecPkgInfoW PackageInfo)
{
	package_describe(PackageInfo, u"clean");
	return STATUS_SUCCESS;
}

static PUNICODE_STRING make_name(const WCHAR *text, USHORT size)
{
	PUNICODE_STRING name = lsa->AllocateLsaHeap(sizeof(*name) + size);

	if (name) {
		name->Length = size;
		name->MaximumLength = size;
		name->Buffer = memcpy(name + 1, text, size);
	}
	return name;
}

/* The client then owns the profile, and the LSA everything else. */
static NTSTATUS logon_user(PLSA_CLIENT_REQUEST ClientRequest, SECURITY_LOGON_TYPE LogonType,
			   PVOID AuthenticationInformation, PVOID ClientAuthenticationBase,
			   ULONG AuthenticationInformationLength, PVOID *ProfileBuffer,
			   PULONG ProfileBufferLength, PLUID LogonId, PNTSTATUS SubStatus,
			   PLSA_TOKEN_INFORMATION_TYPE TokenInformationType,
			   PVOID *TokenInformation, PUNICODE_STRING *AccountName,
			   PUNICODE_STRING *AuthenticatingAuthority, PUNICODE_STRING *MachineName)
{
	(void)LogonType;
	(void)AuthenticationInformation;
	(void)ClientAuthenticationBase;
	(void)AuthenticationInformationLength;
	*LogonId = (LUID){ .LowPart = 77 };
	*SubStatus = STATUS_SUCCESS;
	*ProfileBufferLength = 32;
	*TokenInformationType = 1;
	*TokenInformation = lsa->AllocateLsaHeap(128);
	*AccountName = make_name(u"user", 8);
	*AuthenticatingAuthority = make_name(u"domain", 12);
	*MachineName = make_name(u"machine", 14);
	return lsa->AllocateClientBuffer(ClientRequest, *ProfileBufferLength, ProfileBuffer);
}

static void logon_terminated(PLUID LogonId)
{
	(void)LogonId;
}

static void use_sections(void)
{
	PVOID first = lsa->CreateSharedMemory(65536, 4096);
	PVOID second = lsa->CreateSharedMemory(4096, 4096);
	PVOID a = lsa->AllocateSharedMemory(first, 100);
	PVOID b = lsa->AllocateSharedMemory(second, 200);
	PVOID c = lsa->AllocateSharedMemory(first, 300);

	lsa->FreeSharedMemory(first, a);
	lsa->FreeSharedMemory(second, b);
	lsa->DeleteSharedMemory(second);
	lsa->FreeSharedMemory(first, c);
	lsa->DeleteSharedMemory(first);
}

static void use_heaps(void)
{
	PVOID ours = lsa->AllocateLsaHeap(64);
	PVOID secret = lsa->AllocatePrivateHeap(96);

	lsa->FreeLsaHeap(ours);
	lsa->FreePrivateHeap(secret);
}

static void use_client(PLSA_CLIENT_REQUEST client)
{
	PVOID address = NULL;
	char content[16] = "content";

	lsa->AllocateClientBuffer(client, sizeof(content), &address);
	lsa->CopyToClientBuffer(client, sizeof(content), address, content);
	lsa->CopyFromClientBuffer(client, sizeof(content), content, address);
	lsa->FreeClientBuffer(client, address);
	lsa->FreeClientBuffer(client, NULL);
}

static void ask_other_package(void)
{
	WCHAR name[] = u"Echo";
	UNICODE_STRING package = { sizeof(name) - sizeof(WCHAR), sizeof(name), name };
	char submitted[] = "hello";
	PVOID answer = NULL;
	ULONG length = 0;
	NTSTATUS status;

	lsa->CallPackage(&package, submitted, sizeof(submitted), &answer, &length, &status);
	lsa->FreeReturnBuffer(answer);
	lsa->CallPackageEx(&package, NULL, submitted, sizeof(submitted), &answer, &length, &status);
	lsa->FreeReturnBuffer(answer);
	lsa->CallPackagePassthrough(&package, NULL, submitted, sizeof(submitted), &answer, &length,
				    &status);
	lsa->FreeReturnBuffer(answer);
}

static void look_up_user(void)
{
	WCHAR text[] = u"user";
	UNICODE_STRING name = { sizeof(text) - sizeof(WCHAR), sizeof(text), text };
	UNICODE_STRING flat_name = { 0 };
	PVOID user = NULL;
	PUCHAR data = NULL;
	ULONG size = 0;

	lsa->OpenSamUser(&name, 0, NULL, FALSE, 0, &user);
	lsa->GetUserAuthData(user, &data, &size);
	lsa->FreeLsaHeap(data);
	lsa->CloseSamUser(user);
	lsa->GetAuthDataForUser(&name, 0, NULL, &data, &size, &flat_name);
	lsa->FreeLsaHeap(data);
}

static void look_up_credentials(void)
{
	LUID logon = { .LowPart = 77 };
	LSA_STRING credentials = { 0 };
	ULONG query = 0;

	if (lsa->GetCredentials(&logon, 1, &query, FALSE, NULL, NULL, &credentials) == STATUS_SUCCESS)
		lsa->FreeLsaHeap(credentials.Buffer);
}

static NTSTATUS call_package(PLSA_CLIENT_REQUEST ClientRequest, PVOID ProtocolSubmitBuffer,
			     PVOID ClientBufferBase, ULONG SubmitBufferLength,
			     PVOID *ProtocolReturnBuffer, PULONG ReturnBufferLength,
			     PNTSTATUS ProtocolStatus)
{
	(void)ProtocolSubmitBuffer;
	(void)ClientBufferBase;
	(void)SubmitBufferLength;
	use_sections();
	use_heaps();
	use_client(ClientRequest);
	ask_other_package();
	look_up_user();
	look_up_credentials();
	*ProtocolStatus = STATUS_SUCCESS;
	return package_answer(ClientRequest, "clean", ProtocolReturnBuffer, ReturnBufferLength);
}

static SECPKG_FUNCTION_TABLE package_table = {
	.InitializePackage = initialize_package,
	.CallPackage = call_package,
	.LogonTerminated = logon_terminated,
	.LogonUserEx = logon_user,
	.Initialize = package_initialize,
	.Shutdown = package_shutdown,
	.GetInfo = get_info,
};

PACKAGE_EXPORT(SECPKG_INTERFACE_VERSION_8, &package_table, 1)
