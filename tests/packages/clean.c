/* SPDX-License-Identifier: MIT */
/*
 * No defect: uses every function of the traced families as documented, and is right whichever of its
 * calls fail. Its entry points return memory that the LSA or the client then owns.
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

static void free_block(PVOID block)
{
	if (block)
		lsa->FreeLsaHeap(block);
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

/* The client then owns the profile, and the LSA everything else; of a logon that fails, the names only. */
static NTSTATUS logon_user(PLSA_CLIENT_REQUEST ClientRequest, SECURITY_LOGON_TYPE LogonType,
			   PVOID AuthenticationInformation, PVOID ClientAuthenticationBase,
			   ULONG AuthenticationInformationLength, PVOID *ProfileBuffer,
			   PULONG ProfileBufferLength, PLUID LogonId, PNTSTATUS SubStatus,
			   PLSA_TOKEN_INFORMATION_TYPE TokenInformationType,
			   PVOID *TokenInformation, PUNICODE_STRING *AccountName,
			   PUNICODE_STRING *AuthenticatingAuthority, PUNICODE_STRING *MachineName)
{
	NTSTATUS status = STATUS_NO_MEMORY;

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
	if (*TokenInformation && *AccountName && *AuthenticatingAuthority && *MachineName)
		status = lsa->AllocateClientBuffer(ClientRequest, *ProfileBufferLength,
						   ProfileBuffer);
	if (NT_SUCCESS(status))
		return status;
	free_block(*TokenInformation);
	*TokenInformation = *ProfileBuffer = NULL;
	return status;
}

static void logon_terminated(PLUID LogonId)
{
	(void)LogonId;
}

static PVOID take(PVOID section, ULONG size)
{
	return section ? lsa->AllocateSharedMemory(section, size) : NULL;
}

static void give_back(PVOID section, PVOID block)
{
	if (block)
		lsa->FreeSharedMemory(section, block);
}

static void end(PVOID section)
{
	if (section)
		lsa->DeleteSharedMemory(section);
}

static void use_sections(void)
{
	PVOID first = lsa->CreateSharedMemory(65536, 4096);
	PVOID second = lsa->CreateSharedMemory(4096, 4096);
	PVOID a = take(first, 100), b = take(second, 200), c = take(first, 300);

	give_back(first, a);
	give_back(second, b);
	end(second);
	give_back(first, c);
	end(first);
}

static void use_heaps(void)
{
	PVOID ours = lsa->AllocateLsaHeap(64);
	PVOID secret = lsa->AllocatePrivateHeap(96);

	free_block(ours);
	if (secret)
		lsa->FreePrivateHeap(secret);
}

static void use_client(PLSA_CLIENT_REQUEST client)
{
	PVOID address = NULL;
	char content[16] = "content";

	if (!NT_SUCCESS(lsa->AllocateClientBuffer(client, sizeof(content), &address)))
		return;
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

	if (NT_SUCCESS(lsa->CallPackage(&package, submitted, sizeof(submitted), &answer, &length,
					&status)))
		lsa->FreeReturnBuffer(answer);
	if (NT_SUCCESS(lsa->CallPackageEx(&package, NULL, submitted, sizeof(submitted), &answer,
					  &length, &status)))
		lsa->FreeReturnBuffer(answer);
	if (NT_SUCCESS(lsa->CallPackagePassthrough(&package, NULL, submitted, sizeof(submitted),
						   &answer, &length, &status)))
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

	if (NT_SUCCESS(lsa->OpenSamUser(&name, 0, NULL, FALSE, 0, &user))) {
		if (NT_SUCCESS(lsa->GetUserAuthData(user, &data, &size)))
			lsa->FreeLsaHeap(data);
		lsa->CloseSamUser(user);
	}
	if (NT_SUCCESS(lsa->GetAuthDataForUser(&name, 0, NULL, &data, &size, &flat_name))) {
		lsa->FreeLsaHeap(data);
		free_block(flat_name.Buffer);
	}
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
