/* SPDX-License-Identifier: MIT */
#include "viewer/host/lsa/table.h"

#include <pthread.h>
#include <string.h>

#include "viewer/host/lsa/accounts.h"
#include "viewer/host/lsa/buffers.h"
#include "viewer/host/lsa/credentials.h"
#include "viewer/host/lsa/objects.h"
#include "viewer/host/lsa/peers.h"
#include "viewer/host/lsa/sessions.h"
#include "viewer/host/lsa/slot.h"
#include "viewer/host/lsa/tasks.h"
#include "viewer/host/memory/clients.h"
#include "viewer/host/memory/sections.h"
#include "viewer/host/package/packages.h"

enum {
	CALLBACKS = 64,
	CALLBACK_BYTES = 16,
	REPLY_BYTES = 32,
	LSA_PROCESS = 4,
	LOGON_OF_CLIENTS = 0x3e7
};
enum { SECURITY_IMPERSONATION = 2, ATTRIBUTE_TCB = 0x80 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
	ULONG id;
	LSA_CALLBACK_FUNCTION *function;
} callbacks[CALLBACKS];

static NTSTATUS succeed(void)
{
	return STATUS_SUCCESS;
}

static NTSTATUS refuse(void)
{
	return STATUS_NOT_SUPPORTED;
}

static NTSTATUS save_supplemental(PLUID id, ULONG bytes, PVOID credentials, BOOLEAN is_synchronous)
{
	(void)is_synchronous;
	slot_enter("SaveSupplementalCredentials");
	if (!slot_has_output("LogonId", id) ||
	    (bytes && !slot_has_output("SupplementalCreds", credentials)))
		return slot_leave(STATUS_INVALID_PARAMETER);
	return slot_leave(STATUS_SUCCESS);
}

static NTSTATUS get_client_info(PSECPKG_CLIENT_INFO info)
{
	const struct client *client = client_current();

	slot_enter("GetClientInfo");
	if (!slot_has_output("ClientInfo", info))
		return slot_leave(STATUS_INVALID_PARAMETER);
	*info = (SECPKG_CLIENT_INFO){
		.LogonId = { .LowPart = LOGON_OF_CLIENTS },
		.ProcessID = client ? client_process(client) : LSA_PROCESS,
		.ThreadID = client ? client_process(client) + 1 : LSA_PROCESS + 1,
		.HasTcbPrivilege = !client || client_is_trusted(client),
		.ImpersonationLevel = SECURITY_IMPERSONATION,
	};
	return slot_leave(STATUS_SUCCESS);
}

/* The longer structure begins with the shorter one. */
static NTSTATUS get_client_info_ex(PSECPKG_CLIENT_INFO info, ULONG bytes)
{
	NTSTATUS status = STATUS_BUFFER_TOO_SMALL;

	if (bytes >= sizeof(*info))
		status = get_client_info(info);
	if (NT_SUCCESS(status))
		memset(info + 1, 0, bytes - sizeof(*info));
	return status;
}

static BOOLEAN get_call_info(PSECPKG_CALL_INFO info)
{
	const struct client *client = client_current();

	slot_enter("GetCallInfo");
	if (!slot_has_output("Info", info)) {
		slot_leave(STATUS_INVALID_PARAMETER);
		return FALSE;
	}
	slot_leave(STATUS_SUCCESS);
	*info = (SECPKG_CALL_INFO){
		.ProcessId = client ? client_process(client) : LSA_PROCESS,
		.ThreadId = client ? client_process(client) + 1 : LSA_PROCESS + 1,
		.Attributes = !client || client_is_trusted(client) ? ATTRIBUTE_TCB : 0,
		.CallCount = 1,
	};
	return TRUE;
}

static NTSTATUS register_callback(ULONG id, LSA_CALLBACK_FUNCTION *function)
{
	NTSTATUS status = STATUS_NO_MEMORY;

	pthread_mutex_lock(&mutex);
	for (int i = 0; i < CALLBACKS && status; i++) {
		if (callbacks[i].function && callbacks[i].id != id)
			continue;
		callbacks[i].id = id;
		callbacks[i].function = function;
		status = STATUS_SUCCESS;
	}
	pthread_mutex_unlock(&mutex);
	return status;
}

static LSA_CALLBACK_FUNCTION *find_callback(ULONG_PTR id)
{
	LSA_CALLBACK_FUNCTION *found = NULL;

	pthread_mutex_lock(&mutex);
	for (int i = 0; i < CALLBACKS; i++)
		if (callbacks[i].function && callbacks[i].id == id)
			found = callbacks[i].function;
	pthread_mutex_unlock(&mutex);
	return found;
}

/* A callback that no client has registered returns some bytes. */
static NTSTATUS client_callback(PCHAR callback, ULONG_PTR first, ULONG_PTR second, PSecBuffer input,
				PSecBuffer output)
{
	LSA_CALLBACK_FUNCTION *function = find_callback((ULONG_PTR)callback);

	slot_enter("ClientCallback");
	if (!slot_has_output("Output", output))
		return slot_leave(STATUS_INVALID_PARAMETER);
	slot_leave(STATUS_SUCCESS);
	if (function)
		return function(first, second, input, output);
	output->cbBuffer = CALLBACK_BYTES;
	output->pvBuffer = slot_copy(HEAP_ANY, NULL, CALLBACK_BYTES);
	return output->pvBuffer ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

static NTSTATUS update_credentials(PSECPKG_PRIMARY_CRED primary,
				   PSECPKG_SUPPLEMENTAL_CRED_ARRAY supplemental)
{
	(void)primary;
	(void)supplemental;
	return STATUS_SUCCESS;
}

/* Turns into something else, and back. */
static void protect_memory(PVOID buffer, ULONG bytes)
{
	for (ULONG i = 0; i < bytes; i++)
		((unsigned char *)buffer)[i] ^= 0x5a;
}

static NTSTATUS get_flags(PULONG flags)
{
	slot_enter("GetExtendedCallFlags");
	if (!slot_has_output("Flags", flags))
		return slot_leave(STATUS_INVALID_PARAMETER);
	*flags = 0;
	return slot_leave(STATUS_SUCCESS);
}

static NTSTATUS check_protected(HANDLE token, PBOOLEAN is_protected)
{
	(void)token;
	slot_enter("CheckProtectedUserByToken");
	if (!slot_has_output("ProtectedUser", is_protected))
		return slot_leave(STATUS_INVALID_PARAMETER);
	*is_protected = FALSE;
	return slot_leave(STATUS_SUCCESS);
}

static NTSTATUS query_request(PLSA_CLIENT_REQUEST request, ULONG type, PVOID *reply)
{
	(void)request;
	(void)type;
	slot_enter("QueryClientRequest");
	if (!slot_has_output("ReplyBuffer", reply))
		return slot_leave(STATUS_INVALID_PARAMETER);
	*reply = slot_copy(HEAP_ANY, NULL, REPLY_BYTES);
	return slot_leave(*reply ? STATUS_SUCCESS : STATUS_NO_MEMORY);
}

static NTSTATUS get_app_mode(PULONG function, PULONG_PTR first, PULONG_PTR second, PSecBuffer data,
			     PBOOLEAN returns_to_lsa)
{
	if (function)
		*function = 0;
	if (first)
		*first = 0;
	if (second)
		*second = 0;
	if (data)
		*data = (SecBuffer){ REPLY_BYTES, 0, slot_copy(HEAP_ANY, NULL, REPLY_BYTES) };
	if (returns_to_lsa)
		*returns_to_lsa = FALSE;
	return STATUS_SUCCESS;
}

static PVOID locate_package(ULONG id)
{
	return id < package_count ? &packages[id].user : NULL;
}

#define NEWEST_TABLE(...) \
	{ \
		.Older = { .CreateLogonSession = session_create, \
			   .DeleteLogonSession = session_delete, \
			   .AddCredential = session_add_credential, \
			   .GetCredentials = session_get_credentials, \
			   .DeleteCredential = session_delete_credential, \
			   .AllocateLsaHeap = buffer_allocate, \
			   .FreeLsaHeap = buffer_free, \
			   .AllocateClientBuffer = buffer_allocate_client, \
			   .FreeClientBuffer = buffer_free_client, \
			   .CopyToClientBuffer = buffer_copy_to_client, \
			   .CopyFromClientBuffer = buffer_copy_from_client, \
			   .ImpersonateClient = succeed, \
			   .UnloadPackage = succeed, \
			   .DuplicateHandle = object_duplicate, \
			   .SaveSupplementalCredentials = save_supplemental, \
			   .CreateThread = task_create_thread, \
			   .GetClientInfo = get_client_info, \
			   .RegisterNotification = task_register_notification, \
			   .CancelNotification = task_cancel_notification, \
			   .MapBuffer = buffer_map, \
			   .CreateToken = account_create_token, \
			   .AuditLogon = account_audit_logon, \
			   .CallPackage = peer_call, \
			   .FreeReturnBuffer = buffer_free_returned, \
			   .GetCallInfo = get_call_info, \
			   .CallPackageEx = peer_call_ex, \
			   .OpenSamUser = account_open, \
			   .GetUserCredentials = account_get_credentials, \
			   .GetUserAuthData = account_get_data, \
			   .CloseSamUser = account_close, \
			   .ConvertAuthDataToToken = account_convert_data, \
			   .ClientCallback = client_callback, \
			   .UpdateCredentials = update_credentials, \
			   .GetAuthDataForUser = account_find_data, \
			   .CrackSingleName = account_crack_name, \
			   .AuditAccountLogon = account_audit, \
			   .CallPackagePassthrough = peer_call_passthrough, \
			   .CrediRead = credential_read, \
			   .CrediReadDomainCredentials = credential_read_domain, \
			   .CrediFreeCredentials = credential_free, \
			   .LsaProtectMemory = protect_memory, \
			   .LsaUnprotectMemory = protect_memory, \
			   .OpenTokenByLogonId = session_open_token, \
			   .ExpandAuthDataForDomain = account_expand_data, \
			   .AllocatePrivateHeap = buffer_allocate_private, \
			   .FreePrivateHeap = buffer_free_private, \
			   .CreateTokenEx = account_create_token_ex, \
			   .CrediWrite = credential_write, \
			   __VA_ARGS__ }, \
		.CrediUnmarshalandDecodeString = credential_decode, \
		.DummyFunction6 = (PVOID)refuse, .GetExtendedCallFlags = (PVOID)get_flags, \
		.DuplicateTokenHandle = object_duplicate, \
		.GetServiceAccountPassword = credential_get_password, \
		.DummyFunction7 = (PVOID)refuse, .AuditLogonEx = (PVOID)succeed, \
		.CheckProtectedUserByToken = (PVOID)check_protected, \
		.QueryClientRequest = query_request, .GetAppModeInfo = get_app_mode, \
		.SetAppModeInfo = (PVOID)succeed, .GetClientInfoEx = (PVOID)get_client_info_ex, \
		.GetSecpkgFailureReason = (PVOID)refuse, .SetSecpkgFailureReason = (PVOID)refuse \
	}

static const LSA_SECPKG_NEWEST_TABLE with_sections =
	NEWEST_TABLE(.CreateSharedMemory = section_create, .AllocateSharedMemory = section_allocate,
		     .FreeSharedMemory = section_free, .DeleteSharedMemory = section_delete);
static const LSA_SECPKG_NEWEST_TABLE without_sections = NEWEST_TABLE(.CreateSharedMemory = NULL);

const LSA_SECPKG_NEWEST_TABLE *table_get(bool has_shared_memory)
{
	return has_shared_memory ? &with_sections : &without_sections;
}

const SECPKG_DLL_FUNCTIONS table_of_clients = {
	.AllocateHeap = buffer_allocate_user,
	.FreeHeap = buffer_free_user,
	.RegisterCallback = register_callback,
	.LocatePackageById = locate_package,
};
