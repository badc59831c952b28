/* SPDX-License-Identifier: MIT */
/*
 * No defect: a package for contexts, in the LSA and in the client. The initiator sends "hello", the acceptor "welcome", the
 * initiator "thanks". What the two halves agree on is a key, which the client's half signs messages with. It is right as well
 * when a call of the LSA fails.
 */
#include <stdbool.h>

#include "tests/packages/package.h"

#define CONTINUE_NEEDED ((NTSTATUS)0x00090312)
#define SEC_E_INVALID_TOKEN ((NTSTATUS)0x80090308)
#define SEC_E_MESSAGE_ALTERED ((NTSTATUS)0x8009030f)

enum { ALLOCATE_MEMORY = 0x100 };

struct context {
	bool is_initiator;
	int step;
};

/* In the client. */
struct user_context {
	struct user_context *next;
	LSA_SEC_HANDLE handle;
	unsigned char key;
};

static PSECPKG_DLL_FUNCTIONS client;
static __thread struct user_context *user_contexts;

static NTSTATUS get_info(PSecPkgInfoW PackageInfo)
{
	package_describe(PackageInfo, u"handshake");
	return STATUS_SUCCESS;
}

static NTSTATUS acquire(PUNICODE_STRING PrincipalName, ULONG CredentialUseFlags, PLUID LogonId,
			PVOID AuthorizationData, PVOID GetKeyFunction, PVOID GetKeyArgument,
			PLSA_SEC_HANDLE CredentialHandle, PTimeStamp ExpirationTime)
{
	ULONG *credential = lsa->AllocatePrivateHeap(sizeof(*credential));

	(void)PrincipalName;
	(void)LogonId;
	(void)AuthorizationData;
	(void)GetKeyFunction;
	(void)GetKeyArgument;
	if (!credential)
		return STATUS_NO_MEMORY;
	*credential = CredentialUseFlags;
	*CredentialHandle = (LSA_SEC_HANDLE)(uintptr_t)credential;
	*ExpirationTime = 0;
	return STATUS_SUCCESS;
}

static NTSTATUS free_credential(LSA_SEC_HANDLE CredentialHandle)
{
	lsa->FreePrivateHeap((PVOID)CredentialHandle);
	return STATUS_SUCCESS;
}

static bool has_token(PSecBufferDesc inputs, const char *text)
{
	return inputs && inputs->cBuffers == 1 && inputs->pBuffers->cbBuffer == strlen(text) &&
	       memcmp(inputs->pBuffers->pvBuffer, text, strlen(text)) == 0;
}

static NTSTATUS put_token(PSecBufferDesc outputs, ULONG flags, const char *text)
{
	PSecBuffer buffer = outputs->pBuffers;
	ULONG bytes = (ULONG)strlen(text);
	PVOID address = NULL;
	NTSTATUS status;

	if (!(flags & ALLOCATE_MEMORY)) {
		if (buffer->cbBuffer < bytes)
			return STATUS_BUFFER_TOO_SMALL;
		memcpy(buffer->pvBuffer, text, bytes);
		buffer->cbBuffer = bytes;
		return STATUS_SUCCESS;
	}
	status = lsa->AllocateClientBuffer(NULL, bytes, &address);
	if (!NT_SUCCESS(status))
		return status;
	status = lsa->CopyToClientBuffer(NULL, bytes, address, (PVOID)(uintptr_t)text);
	if (!NT_SUCCESS(status)) {
		lsa->FreeClientBuffer(NULL, address);
		return status;
	}
	buffer->pvBuffer = address;
	buffer->cbBuffer = bytes;
	return STATUS_SUCCESS;
}

static NTSTATUS map(PBOOLEAN is_mapped, PSecBuffer data)
{
	data->pvBuffer = lsa->AllocateLsaHeap(1);
	if (!data->pvBuffer)
		return STATUS_NO_MEMORY;
	*(unsigned char *)data->pvBuffer = 0x77;
	data->cbBuffer = 1;
	*is_mapped = TRUE;
	return STATUS_SUCCESS;
}

/* The first call makes the context. Returns NULL if there is no memory. */
static struct context *find_context(LSA_SEC_HANDLE handle, bool is_initiator)
{
	struct context *context = (struct context *)handle;

	if (!context)
		context = lsa->AllocateLsaHeap(sizeof(*context));
	if (context)
		context->is_initiator = is_initiator;
	return context;
}

/* A context whose first call fails is not the caller's to delete. */
static NTSTATUS keep_context(struct context *context, LSA_SEC_HANDLE handle, NTSTATUS status,
			     PLSA_SEC_HANDLE new_handle)
{
	if (handle)
		return status;
	if (NT_SUCCESS(status))
		*new_handle = (LSA_SEC_HANDLE)(uintptr_t)context;
	else
		lsa->FreeLsaHeap(context);
	return status;
}

static NTSTATUS advance_initiator(struct context *context, LSA_SEC_HANDLE credential, ULONG flags,
				  PSecBufferDesc inputs, PSecBufferDesc outputs, PBOOLEAN is_mapped,
				  PSecBuffer data)
{
	NTSTATUS status;

	if (*(ULONG *)credential != 2)
		return STATUS_INVALID_HANDLE;
	if (context->step++ == 0) {
		status = put_token(outputs, flags, "hello");
		return NT_SUCCESS(status) ? CONTINUE_NEEDED : status;
	}
	if (!has_token(inputs, "welcome"))
		return SEC_E_INVALID_TOKEN;
	status = map(is_mapped, data);
	if (!NT_SUCCESS(status))
		return status;
	status = put_token(outputs, flags, "thanks");
	if (!NT_SUCCESS(status)) {
		lsa->FreeLsaHeap(data->pvBuffer);
		data->pvBuffer = NULL;
		*is_mapped = FALSE;
	}
	return status;
}

static NTSTATUS advance_acceptor(struct context *context, LSA_SEC_HANDLE credential, ULONG flags,
				 PSecBufferDesc inputs, PSecBufferDesc outputs, PBOOLEAN is_mapped,
				 PSecBuffer data)
{
	NTSTATUS status;

	if (*(ULONG *)credential != 1)
		return STATUS_INVALID_HANDLE;
	if (context->step++ > 0) {
		outputs->pBuffers->cbBuffer = 0;
		return has_token(inputs, "thanks") ? map(is_mapped, data) : SEC_E_INVALID_TOKEN;
	}
	if (!has_token(inputs, "hello"))
		return SEC_E_INVALID_TOKEN;
	status = put_token(outputs, flags, "welcome");
	return NT_SUCCESS(status) ? CONTINUE_NEEDED : status;
}

static NTSTATUS initiate(LSA_SEC_HANDLE CredentialHandle, LSA_SEC_HANDLE ContextHandle,
			 PUNICODE_STRING TargetName, ULONG ContextRequirements, ULONG TargetDataRep,
			 PSecBufferDesc InputBuffers, PLSA_SEC_HANDLE NewContextHandle,
			 PSecBufferDesc OutputBuffers, PULONG ContextAttributes,
			 PTimeStamp ExpirationTime, PBOOLEAN MappedContext, PSecBuffer ContextData)
{
	struct context *context = find_context(ContextHandle, true);

	(void)TargetName;
	(void)TargetDataRep;
	*ContextAttributes = 0;
	*ExpirationTime = 0;
	if (!context)
		return STATUS_NO_MEMORY;
	return keep_context(context, ContextHandle,
			    advance_initiator(context, CredentialHandle, ContextRequirements,
					      InputBuffers, OutputBuffers, MappedContext,
					      ContextData),
			    NewContextHandle);
}

static NTSTATUS accept(LSA_SEC_HANDLE CredentialHandle, LSA_SEC_HANDLE ContextHandle,
		       PSecBufferDesc InputBuffer, ULONG ContextRequirements, ULONG TargetDataRep,
		       PLSA_SEC_HANDLE NewContextHandle, PSecBufferDesc OutputBuffer,
		       PULONG ContextAttributes, PTimeStamp ExpirationTime, PBOOLEAN MappedContext,
		       PSecBuffer ContextData)
{
	struct context *context = find_context(ContextHandle, false);

	(void)TargetDataRep;
	*ContextAttributes = 0;
	*ExpirationTime = 0;
	if (!context)
		return STATUS_NO_MEMORY;
	return keep_context(context, ContextHandle,
			    advance_acceptor(context, CredentialHandle, ContextRequirements,
					     InputBuffer, OutputBuffer, MappedContext, ContextData),
			    NewContextHandle);
}

static NTSTATUS query(LSA_SEC_HANDLE ContextHandle, ULONG ContextAttribute, PVOID Buffer)
{
	(void)ContextAttribute;
	if (!ContextHandle)
		return STATUS_INVALID_HANDLE;
	*(PVOID *)Buffer = lsa->AllocateLsaHeap(8);
	return *(PVOID *)Buffer ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

static NTSTATUS delete_context(LSA_SEC_HANDLE ContextHandle)
{
	lsa->FreeLsaHeap((PVOID)ContextHandle);
	return STATUS_SUCCESS;
}

static SECPKG_FUNCTION_TABLE package_table = {
	.Initialize = package_initialize,
	.Shutdown = package_shutdown,
	.GetInfo = get_info,
	.AcquireCredentialsHandle = acquire,
	.FreeCredentialsHandle = free_credential,
	.InitLsaModeContext = initiate,
	.AcceptLsaModeContext = accept,
	.DeleteContext = delete_context,
	.QueryContextAttributes = query,
};

/* A version that nobody knows yet. */
PACKAGE_EXPORT(0x08000000, &package_table, 1)

static NTSTATUS init_instance(ULONG Version, PSECPKG_DLL_FUNCTIONS FunctionTable,
			      PVOID *UserFunctions)
{
	(void)Version;
	client = FunctionTable;
	*UserFunctions = NULL;
	return STATUS_SUCCESS;
}

static NTSTATUS init_user_context(LSA_SEC_HANDLE ContextHandle, PSecBuffer PackedContext)
{
	struct user_context *context = client->AllocateHeap(sizeof(*context));

	if (!context)
		return STATUS_NO_MEMORY; /* the packed context is still the caller's */
	context->handle = ContextHandle;
	context->key = *(unsigned char *)PackedContext->pvBuffer;
	context->next = user_contexts;
	user_contexts = context;
	client->FreeHeap(PackedContext->pvBuffer);
	PackedContext->pvBuffer = NULL;
	return STATUS_SUCCESS;
}

static struct user_context **find_user_context(LSA_SEC_HANDLE handle)
{
	struct user_context **place = &user_contexts;

	while (*place && (*place)->handle != handle)
		place = &(*place)->next;
	return place;
}

static NTSTATUS delete_user_context(LSA_SEC_HANDLE ContextHandle)
{
	struct user_context **place = find_user_context(ContextHandle), *context = *place;

	if (!context)
		return STATUS_INVALID_HANDLE;
	*place = context->next;
	client->FreeHeap(context);
	return STATUS_SUCCESS;
}

static unsigned char sum_up(const struct user_context *context, const SecBuffer *data, ULONG number)
{
	unsigned char sum = (unsigned char)(context->key + number);

	for (ULONG i = 0; i < data->cbBuffer; i++)
		sum = (unsigned char)(sum * 31 + ((const unsigned char *)data->pvBuffer)[i]);
	return sum;
}

static NTSTATUS make_signature(LSA_SEC_HANDLE ContextHandle, ULONG QualityOfProtection,
			       PSecBufferDesc Message, ULONG Number)
{
	const struct user_context *context = *find_user_context(ContextHandle);

	(void)QualityOfProtection;
	if (!context)
		return STATUS_INVALID_HANDLE;
	*(unsigned char *)Message->pBuffers[1].pvBuffer = sum_up(context, Message->pBuffers, Number);
	Message->pBuffers[1].cbBuffer = 1;
	return STATUS_SUCCESS;
}

static NTSTATUS verify_signature(LSA_SEC_HANDLE ContextHandle, PSecBufferDesc Message, ULONG Number,
				 PULONG QualityOfProtection)
{
	const struct user_context *context = *find_user_context(ContextHandle);

	*QualityOfProtection = 0;
	if (!context)
		return STATUS_INVALID_HANDLE;
	return *(unsigned char *)Message->pBuffers[1].pvBuffer ==
			       sum_up(context, Message->pBuffers, Number)
		       ? STATUS_SUCCESS
		       : SEC_E_MESSAGE_ALTERED;
}

static NTSTATUS export_context(LSA_SEC_HANDLE ContextHandle, ULONG Flags, PSecBuffer PackedContext,
			       PHANDLE TokenHandle)
{
	const struct user_context *context = *find_user_context(ContextHandle);

	(void)Flags;
	*TokenHandle = NULL;
	if (!context)
		return STATUS_INVALID_HANDLE;
	PackedContext->pvBuffer = client->AllocateHeap(1);
	if (!PackedContext->pvBuffer)
		return STATUS_NO_MEMORY;
	PackedContext->cbBuffer = 1;
	*(unsigned char *)PackedContext->pvBuffer = context->key;
	return STATUS_SUCCESS;
}

static NTSTATUS import_context(PSecBuffer PackedContext, HANDLE Token, PLSA_SEC_HANDLE ContextHandle)
{
	static LSA_SEC_HANDLE next = 1;

	(void)Token;
	*ContextHandle = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED);
	return init_user_context(*ContextHandle, PackedContext);
}

static SECPKG_USER_FUNCTION_TABLE user_table = {
	.InstanceInit = init_instance,
	.InitUserModeContext = init_user_context,
	.MakeSignature = (SECPKG_UNDECLARED_FUNCTION *)(void (*)(void))make_signature,
	.VerifySignature = (SECPKG_UNDECLARED_FUNCTION *)(void (*)(void))verify_signature,
	.DeleteUserModeContext = delete_user_context,
	.ExportContext = export_context,
	.ImportContext = import_context,
};

NTSTATUS SpUserModeInitialize(ULONG LsaVersion, PULONG PackageVersion,
			      PSECPKG_USER_FUNCTION_TABLE *ppTables, PULONG pcTables)
{
	(void)LsaVersion;
	*PackageVersion = SECPKG_INTERFACE_VERSION;
	*ppTables = &user_table;
	*pcTables = 1;
	return STATUS_SUCCESS;
}
