/* SPDX-License-Identifier: MIT */
/*
 * No defect: packages that have one side of a context only, or none, and that know no handle but those that they gave out: a
 * handle is an address, which they read. The first one accepts contexts, the second one initiates them and has no
 * credentials, the third one does neither, and the fourth one is in clients only.
 */
#include "tests/packages/package.h"

#define CONTINUE_NEEDED ((NTSTATUS)0x00090312)
#define SEC_E_INVALID_TOKEN ((NTSTATUS)0x80090308)

enum { KIND_CREDENTIAL = 0x1111, KIND_CONTEXT = 0x2222 };

struct thing {
	int kind;
	int step;
};

static struct thing *know(LSA_SEC_HANDLE handle, int kind)
{
	struct thing *thing = (struct thing *)handle;

	if (thing->kind != kind)
		abort();
	return thing;
}

static NTSTATUS give_out(int kind, PLSA_SEC_HANDLE handle)
{
	struct thing *thing = lsa->AllocatePrivateHeap(sizeof(*thing));

	if (!thing)
		return STATUS_NO_MEMORY;
	*thing = (struct thing){ .kind = kind };
	*handle = (LSA_SEC_HANDLE)(uintptr_t)thing;
	return STATUS_SUCCESS;
}

static NTSTATUS get_info(PSecPkgInfoW PackageInfo)
{
	package_describe(PackageInfo, u"one-sided");
	return STATUS_SUCCESS;
}

static NTSTATUS acquire(PUNICODE_STRING name, ULONG use, PLUID id, PVOID data, PVOID function,
			PVOID argument, PLSA_SEC_HANDLE handle, PTimeStamp expires)
{
	(void)name, (void)id, (void)data, (void)function, (void)argument;
	*expires = 0;
	return use & 1 ? give_out(KIND_CREDENTIAL, handle) : STATUS_NOT_SUPPORTED;
}

/* Two tokens that are not empty make a context; with "refuse", none. */
static NTSTATUS advance(LSA_SEC_HANDLE context, PSecBufferDesc inputs, PLSA_SEC_HANDLE new_handle,
			PSecBufferDesc outputs)
{
	const SecBuffer *input = inputs ? inputs->pBuffers : NULL;

	outputs->pBuffers->cbBuffer = 0;
	if (input && (!input->cbBuffer || memcmp(input->pvBuffer, "refuse", 6) == 0))
		return SEC_E_INVALID_TOKEN;
	if (context)
		return know(context, KIND_CONTEXT)->step++ ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
	return give_out(KIND_CONTEXT, new_handle) ? STATUS_NO_MEMORY : CONTINUE_NEEDED;
}

static NTSTATUS initiate(LSA_SEC_HANDLE credential, LSA_SEC_HANDLE context, PUNICODE_STRING target,
			 ULONG flags, ULONG representation, PSecBufferDesc inputs,
			 PLSA_SEC_HANDLE new_handle, PSecBufferDesc outputs, PULONG attributes,
			 PTimeStamp expires, PBOOLEAN is_mapped, PSecBuffer data)
{
	(void)target, (void)flags, (void)representation, (void)attributes, (void)expires;
	(void)is_mapped, (void)data;
	return credential ? STATUS_INVALID_HANDLE : advance(context, inputs, new_handle, outputs);
}

static NTSTATUS accept(LSA_SEC_HANDLE credential, LSA_SEC_HANDLE context, PSecBufferDesc inputs,
		       ULONG flags, ULONG representation, PLSA_SEC_HANDLE new_handle,
		       PSecBufferDesc outputs, PULONG attributes, PTimeStamp expires,
		       PBOOLEAN is_mapped, PSecBuffer data)
{
	(void)flags, (void)representation, (void)attributes, (void)expires, (void)is_mapped;
	(void)data;
	know(credential, KIND_CREDENTIAL);
	return advance(context, inputs, new_handle, outputs);
}

#define TAKES(name, kind, ...) \
	static NTSTATUS name(LSA_SEC_HANDLE handle, ##__VA_ARGS__) \
	{ \
		know(handle, kind); \
		return STATUS_NOT_SUPPORTED; \
	}
#define CREDENTIAL(name, ...) TAKES(name, KIND_CREDENTIAL, ##__VA_ARGS__)
#define CONTEXT(name, ...) TAKES(name, KIND_CONTEXT, ##__VA_ARGS__)
#define ANY PACKAGE_UNUSED

CREDENTIAL(query_credential, ANY ULONG attribute, ANY PVOID buffer)
CREDENTIAL(set_credential, ANY ULONG attribute, ANY PVOID buffer, ANY ULONG bytes)
CREDENTIAL(use_saved, ANY PSecBuffer buffer)
CREDENTIAL(add_to_credential, ANY PUNICODE_STRING name, ANY PUNICODE_STRING package, ANY ULONG use,
	   ANY PVOID data, ANY PVOID function, ANY PVOID argument, ANY PTimeStamp expires)
CREDENTIAL(query_metadata, ANY PUNICODE_STRING target, ANY ULONG flags, ANY PULONG bytes,
	   ANY PUCHAR *data, ANY PLSA_SEC_HANDLE context)
CREDENTIAL(exchange_metadata, ANY PUNICODE_STRING target, ANY ULONG flags, ANY ULONG bytes,
	   ANY PUCHAR data, ANY PLSA_SEC_HANDLE context)
CREDENTIAL(guard_logon, ANY LSA_SEC_HANDLE context, ANY const UNICODE_STRING *target,
	   ANY PHANDLE logon, ANY PLSA_REDIRECTED_LOGON_CALLBACKS *callbacks,
	   ANY PLSA_REDIRECTED_LOGON_CALLBACKS *cleanup, ANY PULONG bytes, ANY PVOID *data)
CREDENTIAL(guard_credentials, ANY const UNICODE_STRING *target, ANY PHANDLE logon,
	   ANY PLSA_REDIRECTED_LOGON_CALLBACKS *callbacks,
	   ANY PLSA_REDIRECTED_LOGON_CALLBACKS *cleanup, ANY PULONG bytes, ANY PVOID *data)
CONTEXT(query_context, ANY ULONG attribute, ANY PVOID buffer)
CONTEXT(set_context, ANY ULONG attribute, ANY PVOID buffer, ANY ULONG bytes)
CONTEXT(apply_token, ANY PSecBufferDesc token)
CONTEXT(get_ui_context, ANY GUID *type, ANY PULONG bytes, ANY PUCHAR *data)
CONTEXT(update_credentials, ANY GUID *type, ANY ULONG bytes, ANY PUCHAR data)

static NTSTATUS free_credential(LSA_SEC_HANDLE handle)
{
	lsa->FreePrivateHeap(know(handle, KIND_CREDENTIAL));
	return STATUS_SUCCESS;
}

static NTSTATUS delete_context(LSA_SEC_HANDLE handle)
{
	lsa->FreePrivateHeap(know(handle, KIND_CONTEXT));
	return STATUS_SUCCESS;
}

/* Nobody has logged on, and there is no context in a client. */
static NTSTATUS post_logon(PSECPKG_POST_LOGON_USER_INFO information)
{
	(void)information;
	abort();
}

static NTSTATUS init_user_context(LSA_SEC_HANDLE handle, PSecBuffer packed)
{
	(void)handle, (void)packed;
	abort();
}

static NTSTATUS query_user_context(LSA_SEC_HANDLE handle, ULONG attribute, PVOID buffer)
{
	(void)handle, (void)attribute, (void)buffer;
	abort();
}

static NTSTATUS export_context(LSA_SEC_HANDLE handle, ULONG flags, PSecBuffer packed, PHANDLE token)
{
	(void)handle, (void)flags, (void)packed, (void)token;
	abort();
}

static NTSTATUS delete_user_context(LSA_SEC_HANDLE handle)
{
	(void)handle;
	abort();
}

/* Whatever takes a handle. */
#define TAKERS \
	.Initialize = package_initialize, .GetInfo = get_info, \
	.FreeCredentialsHandle = free_credential, .QueryCredentialsAttributes = query_credential, \
	.SaveCredentials = use_saved, .GetCredentials = use_saved, .DeleteCredentials = use_saved, \
	.AddCredentials = add_to_credential, .SetCredentialsAttributes = set_credential, \
	.QueryMetaData = query_metadata, .ExchangeMetaData = exchange_metadata, \
	.GetRemoteCredGuardLogonBuffer = guard_logon, \
	.GetRemoteCredGuardSupplementalCreds = guard_credentials, .DeleteContext = delete_context, \
	.ApplyControlToken = apply_token, .QueryContextAttributes = query_context, \
	.SetContextAttributes = set_context, .GetCredUIContext = get_ui_context, \
	.UpdateCredentials = update_credentials, .PostLogonUser = post_logon

static SECPKG_FUNCTION_TABLE tables[] = {
	{ TAKERS, .AcquireCredentialsHandle = acquire, .AcceptLsaModeContext = accept },
	{ TAKERS, .InitLsaModeContext = initiate },
	{ TAKERS },
};

PACKAGE_EXPORT(SECPKG_INTERFACE_VERSION_8, tables, 3)

static NTSTATUS init_instance(ULONG version, PSECPKG_DLL_FUNCTIONS functions, PVOID *user)
{
	(void)version, (void)functions;
	*user = NULL;
	return STATUS_SUCCESS;
}

#define USER_TABLE \
	{ \
		.InstanceInit = init_instance, .InitUserModeContext = init_user_context, \
		.QueryContextAttributes = query_user_context, \
		.DeleteUserModeContext = delete_user_context, .ExportContext = export_context \
	}

static SECPKG_USER_FUNCTION_TABLE user_tables[] = { USER_TABLE, USER_TABLE, USER_TABLE, USER_TABLE };

NTSTATUS SpUserModeInitialize(ULONG LsaVersion, PULONG PackageVersion,
			      PSECPKG_USER_FUNCTION_TABLE *ppTables, PULONG pcTables)
{
	(void)LsaVersion;
	*PackageVersion = SECPKG_INTERFACE_VERSION_8;
	*ppTables = user_tables;
	*pcTables = 4;
	return STATUS_SUCCESS;
}
