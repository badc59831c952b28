/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "client_buffers.h"
#include "heaps.h"
#include "journal.h"
#include "sections.h"

enum { CREDENTIALS_SIZE = 40 };

static _Thread_local BOOLEAN impersonating;

static int begin(enum slot function)
{
	journal_begin(function);
	return errno;
}

static void end(enum slot function, int error)
{
	journal_end(function);
	errno = error;
}

static PVOID create_shared_memory(ULONG MaxSize, ULONG InitialSize)
{
	int error = begin(SLOT_CreateSharedMemory);
	PVOID section = sections_create(MaxSize, InitialSize);

	end(SLOT_CreateSharedMemory, section ? error : ENOMEM);
	return section;
}

static PVOID allocate_shared_memory(PVOID SharedMem, ULONG Size)
{
	int error = begin(SLOT_AllocateSharedMemory);
	PVOID memory = sections_allocate(SharedMem, Size);

	end(SLOT_AllocateSharedMemory, memory ? error : ENOMEM);
	return memory;
}

static void free_shared_memory(PVOID SharedMem, PVOID Memory)
{
	int error = begin(SLOT_FreeSharedMemory);
	bool freed = sections_free(SharedMem, Memory);

	end(SLOT_FreeSharedMemory, freed ? error : EINVAL);
}

static BOOLEAN delete_shared_memory(PVOID SharedMem)
{
	int error = begin(SLOT_DeleteSharedMemory);
	bool deleted = sections_delete(SharedMem);

	end(SLOT_DeleteSharedMemory, deleted ? error : EINVAL);
	return deleted;
}

static PVOID allocate_lsa_heap(ULONG Length)
{
	int error = begin(SLOT_AllocateLsaHeap);
	PVOID memory = heap_allocate(&lsa_heap, Length);

	end(SLOT_AllocateLsaHeap, memory ? error : ENOMEM);
	return memory;
}

static void free_lsa_heap(PVOID Base)
{
	int error = begin(SLOT_FreeLsaHeap);
	bool freed = heap_free(&lsa_heap, Base);

	end(SLOT_FreeLsaHeap, freed ? error : EINVAL);
}

static void free_return_buffer(PVOID Buffer)
{
	int error = begin(SLOT_FreeReturnBuffer);
	bool freed = heap_free(&lsa_heap, Buffer);

	end(SLOT_FreeReturnBuffer, freed ? error : EINVAL);
}

static PVOID allocate_private_heap(SIZE_T Length)
{
	int error = begin(SLOT_AllocatePrivateHeap);
	PVOID memory = heap_allocate(&private_heap, Length);

	end(SLOT_AllocatePrivateHeap, memory ? error : ENOMEM);
	return memory;
}

static void free_private_heap(PVOID Base)
{
	int error = begin(SLOT_FreePrivateHeap);
	bool freed = heap_free(&private_heap, Base);

	end(SLOT_FreePrivateHeap, freed ? error : EINVAL);
}

static NTSTATUS allocate_client_buffer(PLSA_CLIENT_REQUEST ClientRequest, ULONG LengthRequired,
				       PVOID *ClientBaseAddress)
{
	int error = begin(SLOT_AllocateClientBuffer);
	NTSTATUS status = client_allocate(ClientRequest, LengthRequired, ClientBaseAddress);

	end(SLOT_AllocateClientBuffer, NT_SUCCESS(status) ? error : ENOMEM);
	return status;
}

static NTSTATUS free_client_buffer(PLSA_CLIENT_REQUEST ClientRequest, PVOID ClientBaseAddress)
{
	int error = begin(SLOT_FreeClientBuffer);
	NTSTATUS status = client_free(ClientRequest, ClientBaseAddress);

	end(SLOT_FreeClientBuffer, NT_SUCCESS(status) ? error : EINVAL);
	return status;
}

static NTSTATUS copy_to_client_buffer(PLSA_CLIENT_REQUEST ClientRequest, ULONG Length,
				      PVOID ClientBaseAddress, PVOID BufferToCopy)
{
	return client_write(ClientRequest, ClientBaseAddress, BufferToCopy, Length);
}

static NTSTATUS copy_from_client_buffer(PLSA_CLIENT_REQUEST ClientRequest, ULONG Length,
					PVOID BufferToCopy, PVOID ClientBaseAddress)
{
	return client_read(ClientRequest, ClientBaseAddress, BufferToCopy, Length);
}

static bool is_echo(const UNICODE_STRING *name)
{
	static const WCHAR echo[] = TABLE_ECHO_PACKAGE;

	return name && name->Length == sizeof(echo) - sizeof(WCHAR) &&
	       memcmp(name->Buffer, echo, name->Length) == 0;
}

/* The package that answers each call with what it got. */
static NTSTATUS call_echo(const UNICODE_STRING *package, const void *submitted, ULONG length,
			  PVOID *answer, PULONG answer_length, PNTSTATUS protocol_status)
{
	*answer = NULL;
	*answer_length = 0;
	if (!is_echo(package))
		return STATUS_NO_SUCH_PACKAGE;
	*answer = heap_allocate(&lsa_heap, length);
	if (!*answer)
		return STATUS_NO_MEMORY;
	memcpy(*answer, submitted, length);
	*answer_length = length;
	*protocol_status = STATUS_SUCCESS;
	return STATUS_SUCCESS;
}

static NTSTATUS call_package(PUNICODE_STRING AuthenticationPackage, PVOID ProtocolSubmitBuffer,
			     ULONG SubmitBufferLength, PVOID *ProtocolReturnBuffer,
			     PULONG ReturnBufferLength, PNTSTATUS ProtocolStatus)
{
	int error = begin(SLOT_CallPackage);
	NTSTATUS status = call_echo(AuthenticationPackage, ProtocolSubmitBuffer, SubmitBufferLength,
				    ProtocolReturnBuffer, ReturnBufferLength, ProtocolStatus);

	end(SLOT_CallPackage, NT_SUCCESS(status) ? error : ENOMEM);
	return status;
}

static NTSTATUS call_package_ex(PUNICODE_STRING AuthenticationPackage, PVOID ClientBufferBase,
				PVOID ProtocolSubmitBuffer, ULONG SubmitBufferLength,
				PVOID *ProtocolReturnBuffer, PULONG ReturnBufferLength,
				PNTSTATUS ProtocolStatus)
{
	int error = begin(SLOT_CallPackageEx);
	NTSTATUS status = call_echo(AuthenticationPackage, ProtocolSubmitBuffer, SubmitBufferLength,
				    ProtocolReturnBuffer, ReturnBufferLength, ProtocolStatus);

	(void)ClientBufferBase;
	end(SLOT_CallPackageEx, NT_SUCCESS(status) ? error : ENOMEM);
	return status;
}

static NTSTATUS call_package_passthrough(PUNICODE_STRING AuthenticationPackage,
					 PVOID ClientBufferBase, PVOID ProtocolSubmitBuffer,
					 ULONG SubmitBufferLength, PVOID *ProtocolReturnBuffer,
					 PULONG ReturnBufferLength, PNTSTATUS ProtocolStatus)
{
	int error = begin(SLOT_CallPackagePassthrough);
	NTSTATUS status = call_echo(AuthenticationPackage, ProtocolSubmitBuffer, SubmitBufferLength,
				    ProtocolReturnBuffer, ReturnBufferLength, ProtocolStatus);

	(void)ClientBufferBase;
	end(SLOT_CallPackagePassthrough, NT_SUCCESS(status) ? error : ENOMEM);
	return status;
}

static NTSTATUS auth_data(ULONG size, PUCHAR *UserAuthData, PULONG UserAuthDataSize)
{
	*UserAuthData = heap_allocate(&lsa_heap, size);
	if (!*UserAuthData)
		return STATUS_NO_MEMORY;
	memset(*UserAuthData, 0, size);
	*UserAuthDataSize = size;
	return STATUS_SUCCESS;
}

static NTSTATUS get_user_auth_data(PVOID UserHandle, PUCHAR *UserAuthData, PULONG UserAuthDataSize)
{
	int error = begin(SLOT_GetUserAuthData);
	NTSTATUS status = STATUS_INVALID_HANDLE;

	if (UserHandle)
		status = auth_data(72, UserAuthData, UserAuthDataSize);
	end(SLOT_GetUserAuthData, NT_SUCCESS(status) ? error : ENOMEM);
	return status;
}

static NTSTATUS get_auth_data_for_user(PSECURITY_STRING Name, SECPKG_NAME_TYPE NameType,
				       PSECURITY_STRING Prefix, PUCHAR *UserAuthData,
				       PULONG UserAuthDataSize, PUNICODE_STRING UserFlatName)
{
	int error = begin(SLOT_GetAuthDataForUser);
	NTSTATUS status = STATUS_NO_SUCH_USER;

	(void)NameType;
	(void)Prefix;
	(void)UserFlatName;
	if (Name && Name->Length)
		status = auth_data(96, UserAuthData, UserAuthDataSize);
	end(SLOT_GetAuthDataForUser, NT_SUCCESS(status) ? error : ENOMEM);
	return status;
}

static NTSTATUS get_credentials(PLUID LogonId, ULONG AuthenticationPackage, PULONG QueryContext,
				BOOLEAN RetrieveAllCredentials, PLSA_STRING PrimaryKeyValue,
				PULONG PrimaryKeyLength, PLSA_STRING Credentials)
{
	int error = begin(SLOT_GetCredentials);
	NTSTATUS status = STATUS_NO_MEMORY;

	(void)LogonId;
	(void)AuthenticationPackage;
	(void)QueryContext;
	(void)RetrieveAllCredentials;
	(void)PrimaryKeyValue;
	(void)PrimaryKeyLength;
	Credentials->Buffer = heap_allocate(&lsa_heap, CREDENTIALS_SIZE);
	if (Credentials->Buffer) {
		memset(Credentials->Buffer, 'c', CREDENTIALS_SIZE);
		Credentials->Length = Credentials->MaximumLength = CREDENTIALS_SIZE;
		status = STATUS_SUCCESS;
	}
	end(SLOT_GetCredentials, NT_SUCCESS(status) ? error : ENOMEM);
	return status;
}

static NTSTATUS expand_auth_data_for_domain(PUCHAR UserAuthData, ULONG UserAuthDataSize,
					    PVOID Reserved, PUCHAR *ExpandedAuthData,
					    PULONG ExpandedAuthDataSize)
{
	int error = begin(SLOT_ExpandAuthDataForDomain);
	NTSTATUS status = STATUS_INVALID_PARAMETER;

	(void)UserAuthDataSize;
	(void)Reserved;
	if (UserAuthData)
		status = auth_data(64, ExpandedAuthData, ExpandedAuthDataSize);
	end(SLOT_ExpandAuthDataForDomain, NT_SUCCESS(status) ? error : ENOMEM);
	return status;
}

/* Makes no token. The name is the caller's, if it has a buffer for one. */
static NTSTATUS convert_auth_data_to_token(PVOID UserAuthData, ULONG UserAuthDataSize,
					   SECURITY_IMPERSONATION_LEVEL ImpersonationLevel,
					   PTOKEN_SOURCE TokenSource, SECURITY_LOGON_TYPE LogonType,
					   PUNICODE_STRING AuthorityName, PHANDLE Token,
					   PLUID LogonId, PUNICODE_STRING AccountName,
					   PNTSTATUS SubStatus)
{
	int error = begin(SLOT_ConvertAuthDataToToken);

	(void)UserAuthData;
	(void)UserAuthDataSize;
	(void)ImpersonationLevel;
	(void)TokenSource;
	(void)LogonType;
	(void)AuthorityName;
	(void)Token;
	(void)LogonId;
	(void)AccountName;
	(void)error;
	*SubStatus = STATUS_NOT_SUPPORTED;
	end(SLOT_ConvertAuthDataToToken, ENOMEM);
	return STATUS_NOT_SUPPORTED;
}

static NTSTATUS give_name(PUNICODE_STRING name)
{
	name->Length = name->MaximumLength = 8;
	name->Buffer = heap_allocate(&lsa_heap, name->Length);
	if (!name->Buffer)
		return STATUS_NO_MEMORY;
	memset(name->Buffer, 'n', name->Length);
	return STATUS_SUCCESS;
}

static NTSTATUS crack_single_name(ULONG FormatOffered, BOOLEAN PerformAtGC,
				  PUNICODE_STRING NameInput, PUNICODE_STRING Prefix,
				  ULONG RequestedFormat, PUNICODE_STRING CrackedName,
				  PUNICODE_STRING DnsDomainName, PULONG SubStatus)
{
	int error = begin(SLOT_CrackSingleName);
	NTSTATUS status = give_name(CrackedName);

	(void)FormatOffered;
	(void)PerformAtGC;
	(void)NameInput;
	(void)Prefix;
	(void)RequestedFormat;
	if (NT_SUCCESS(status))
		status = give_name(DnsDomainName);
	*SubStatus = 0;
	end(SLOT_CrackSingleName, NT_SUCCESS(status) ? error : ENOMEM);
	return status;
}

static NTSTATUS get_user_credentials(PVOID UserHandle, PVOID *PrimaryCreds, PULONG PrimaryCredsSize,
				     PVOID *SupplementalCreds, PULONG SupplementalCredsSize)
{
	int error = begin(SLOT_GetUserCredentials);
	NTSTATUS status = STATUS_INVALID_HANDLE;

	if (UserHandle)
		status = auth_data(48, (PUCHAR *)PrimaryCreds, PrimaryCredsSize);
	*SupplementalCreds = NULL;
	*SupplementalCredsSize = 0;
	end(SLOT_GetUserCredentials, NT_SUCCESS(status) ? error : ENOMEM);
	return status;
}

static NTSTATUS client_callback(PCHAR Callback, ULONG_PTR Argument1, ULONG_PTR Argument2,
				PSecBuffer Input, PSecBuffer Output)
{
	int error = begin(SLOT_ClientCallback);
	NTSTATUS status;

	(void)Callback;
	(void)Argument1;
	(void)Argument2;
	(void)Input;
	status = auth_data(32, (PUCHAR *)&Output->pvBuffer, &Output->cbBuffer);
	end(SLOT_ClientCallback, NT_SUCCESS(status) ? error : ENOMEM);
	return status;
}

static NTSTATUS map_buffer(PSecBuffer InputBuffer, PSecBuffer OutputBuffer)
{
	int error = begin(SLOT_MapBuffer);
	NTSTATUS status = STATUS_SUCCESS;

	*OutputBuffer = *InputBuffer;
	if (!OutputBuffer->pvBuffer)
		status = auth_data(24, (PUCHAR *)&OutputBuffer->pvBuffer, &OutputBuffer->cbBuffer);
	end(SLOT_MapBuffer, NT_SUCCESS(status) ? error : ENOMEM);
	return status;
}

static NTSTATUS credi_read(PLUID LogonId, ULONG CredFlags, PWSTR TargetName, ULONG Type,
			   ULONG Flags, PENCRYPTED_CREDENTIALW *Credential)
{
	int error = begin(SLOT_CrediRead);
	ULONG bytes;
	NTSTATUS status = auth_data(40, (PUCHAR *)Credential, &bytes);

	(void)LogonId;
	(void)CredFlags;
	(void)TargetName;
	(void)Type;
	(void)Flags;
	end(SLOT_CrediRead, NT_SUCCESS(status) ? error : ENOMEM);
	return status;
}

static NTSTATUS credi_read_domain(PLUID LogonId, ULONG CredFlags,
				  PCREDENTIAL_TARGET_INFORMATIONW TargetInfo, ULONG Flags,
				  PULONG Count, PENCRYPTED_CREDENTIALW **Credential)
{
	int error = begin(SLOT_CrediReadDomainCredentials);

	(void)LogonId;
	(void)CredFlags;
	(void)TargetInfo;
	(void)Flags;
	*Count = 0;
	*Credential = NULL;
	end(SLOT_CrediReadDomainCredentials, error);
	return STATUS_NOT_SUPPORTED;
}

static NTSTATUS credi_decode(PWSTR MarshaledString, PUCHAR *Blob, PULONG BlobSize,
			     PBOOLEAN IsFailureFatal)
{
	int error = begin(SLOT_CrediUnmarshalandDecodeString);
	NTSTATUS status = auth_data(16, Blob, BlobSize);

	(void)MarshaledString;
	*IsFailureFatal = FALSE;
	end(SLOT_CrediUnmarshalandDecodeString, NT_SUCCESS(status) ? error : ENOMEM);
	return status;
}

static NTSTATUS get_password(PUNICODE_STRING AccountName, PUNICODE_STRING DomainName, int CredFetch,
			     FILETIME *FileTimeExpiry, PUNICODE_STRING CurrentPassword,
			     PUNICODE_STRING PreviousPassword,
			     FILETIME *FileTimeCurrPwdValidForOutbound)
{
	int error = begin(SLOT_GetServiceAccountPassword);
	ULONG bytes;
	NTSTATUS status = auth_data(32, (PUCHAR *)(void *)&CurrentPassword->Buffer, &bytes);

	(void)AccountName;
	(void)DomainName;
	(void)CredFetch;
	(void)FileTimeExpiry;
	(void)FileTimeCurrPwdValidForOutbound;
	if (NT_SUCCESS(status))
		status = auth_data(48, (PUCHAR *)(void *)&PreviousPassword->Buffer, &bytes);
	end(SLOT_GetServiceAccountPassword, NT_SUCCESS(status) ? error : ENOMEM);
	return status;
}

static NTSTATUS query_client_request(PLSA_CLIENT_REQUEST ClientRequest, ULONG QueryType,
				     PVOID *ReplyBuffer)
{
	int error = begin(SLOT_QueryClientRequest);
	ULONG bytes;
	NTSTATUS status = auth_data(4, (PUCHAR *)ReplyBuffer, &bytes);

	(void)ClientRequest;
	(void)QueryType;
	end(SLOT_QueryClientRequest, NT_SUCCESS(status) ? error : ENOMEM);
	return status;
}

static NTSTATUS get_app_mode_info(PULONG UserFunction, PULONG_PTR Argument1, PULONG_PTR Argument2,
				  PSecBuffer UserData, PBOOLEAN ReturnToLsa)
{
	int error = begin(SLOT_GetAppModeInfo);
	NTSTATUS status = auth_data(12, (PUCHAR *)&UserData->pvBuffer, &UserData->cbBuffer);

	(void)UserFunction;
	(void)Argument1;
	(void)Argument2;
	(void)ReturnToLsa;
	end(SLOT_GetAppModeInfo, NT_SUCCESS(status) ? error : ENOMEM);
	return status;
}

static NTSTATUS open_sam_user(PSECURITY_STRING Name, SECPKG_NAME_TYPE NameType,
			      PSECURITY_STRING Prefix, BOOLEAN AllowGuest, ULONG Reserved,
			      PVOID *UserHandle)
{
	static char user;

	(void)NameType;
	(void)Prefix;
	(void)AllowGuest;
	(void)Reserved;
	if (!Name || !Name->Length)
		return STATUS_NO_SUCH_USER;
	*UserHandle = &user;
	return STATUS_SUCCESS;
}

static NTSTATUS close_sam_user(PVOID UserHandle)
{
	return UserHandle ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
}

static NTSTATUS impersonate_client(void)
{
	impersonating = TRUE;
	return STATUS_SUCCESS;
}

/* The same values in each run, so that the output of two runs can be compared. */
static NTSTATUS get_client_info(PSECPKG_CLIENT_INFO ClientInfo)
{
	*ClientInfo = (SECPKG_CLIENT_INFO){
		.LogonId = { .LowPart = 0x3e7 },
		.ProcessID = 1234,
		.ThreadID = 5678,
		.Impersonating = impersonating,
		.ImpersonationLevel = 2,
	};
	return STATUS_SUCCESS;
}

static BOOLEAN get_call_info(PSECPKG_CALL_INFO Info)
{
	*Info = (SECPKG_CALL_INFO){ .ProcessId = 1234, .ThreadId = 5678, .CallCount = 42 };
	return TRUE;
}

static void lsa_protect_memory(PVOID Buffer, ULONG BufferSize)
{
	unsigned char *bytes = Buffer;

	for (ULONG i = 0; i < BufferSize; i++)
		bytes[i] ^= 0x5a;
}

#define DEFINE_UNSUPPORTED(name) \
	static NTSTATUS unsupported_##name(void) \
	{ \
		return TABLE_UNSUPPORTED(offsetof(LSA_SECPKG_FUNCTION_TABLE, name) / \
					 sizeof(void *)); \
	}
TABLE_UNSUPPORTED_SLOTS(DEFINE_UNSUPPORTED)

/* Such a function ignores its arguments, so void (*)(void) can stand for its type. */
#define UNSUPPORTED(name) , .name = (__typeof__(table.Older.name))(void (*)(void))unsupported_##name

const LSA_SECPKG_NEWEST_TABLE table = {
	.Older = {
		.GetCredentials = get_credentials,
		.AllocateLsaHeap = allocate_lsa_heap,
		.FreeLsaHeap = free_lsa_heap,
		.AllocateClientBuffer = allocate_client_buffer,
		.FreeClientBuffer = free_client_buffer,
		.CopyToClientBuffer = copy_to_client_buffer,
		.CopyFromClientBuffer = copy_from_client_buffer,
		.ImpersonateClient = impersonate_client,
		.GetClientInfo = get_client_info,
		.CallPackage = call_package,
		.FreeReturnBuffer = free_return_buffer,
		.GetCallInfo = get_call_info,
		.CallPackageEx = call_package_ex,
		.CreateSharedMemory = create_shared_memory,
		.AllocateSharedMemory = allocate_shared_memory,
		.FreeSharedMemory = free_shared_memory,
		.DeleteSharedMemory = delete_shared_memory,
		.OpenSamUser = open_sam_user,
		.GetUserCredentials = get_user_credentials,
		.GetUserAuthData = get_user_auth_data,
		.CloseSamUser = close_sam_user,
		.ConvertAuthDataToToken = convert_auth_data_to_token,
		.ClientCallback = client_callback,
		.GetAuthDataForUser = get_auth_data_for_user,
		.CrackSingleName = crack_single_name,
		.MapBuffer = map_buffer,
		.CrediRead = credi_read,
		.CrediReadDomainCredentials = credi_read_domain,
		.CallPackagePassthrough = call_package_passthrough,
		.LsaProtectMemory = lsa_protect_memory,
		.LsaUnprotectMemory = lsa_protect_memory,
		.ExpandAuthDataForDomain = expand_auth_data_for_domain,
		.AllocatePrivateHeap = allocate_private_heap,
		.FreePrivateHeap = free_private_heap,
		.CrediWrite = NULL TABLE_UNSUPPORTED_SLOTS(UNSUPPORTED),
	},
	.CrediUnmarshalandDecodeString = credi_decode,
	.GetServiceAccountPassword = get_password,
	.QueryClientRequest = query_client_request,
	.GetAppModeInfo = get_app_mode_info,
};
