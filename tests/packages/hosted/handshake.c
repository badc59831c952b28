/* SPDX-License-Identifier: MIT */
/*
 * No defect: a package for contexts, in the LSA and in the client. The initiator sends "hello", the acceptor "welcome", the
 * initiator "thanks". What the two halves agree on is a key, which the client's half signs messages with. "allocate" as the
 * principal's wish (ISC_REQ_ALLOCATE_MEMORY) is obeyed.
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
	NTSTATUS status = STATUS_SUCCESS;

	if (!(flags & ALLOCATE_MEMORY)) {
		if (buffer->cbBuffer < bytes)
			return STATUS_BUFFER_TOO_SMALL;
		memcpy(buffer->pvBuffer, text, bytes);
	} else {
		status = lsa->AllocateClientBuffer(NULL, bytes, &buffer->pvBuffer);
		if (NT_SUCCESS(status))
			lsa->CopyToClientBuffer(NULL, bytes, buffer->pvBuffer,
						(PVOID)(uintptr_t)text);
	}
	buffer->cbBuffer = bytes;
	return status;
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

static struct context *find_context(LSA_SEC_HANDLE handle, bool is_initiator,
				    PLSA_SEC_HANDLE new_handle)
{
	struct context *context = (struct context *)handle;

	if (!context) {
		context = lsa->AllocateLsaHeap(sizeof(*context));
		context->is_initiator = is_initiator;
		*new_handle = (LSA_SEC_HANDLE)(uintptr_t)context;
	}
	return context;
}

static NTSTATUS initiate(LSA_SEC_HANDLE CredentialHandle, LSA_SEC_HANDLE ContextHandle,
			 PUNICODE_STRING TargetName, ULONG ContextRequirements, ULONG TargetDataRep,
			 PSecBufferDesc InputBuffers, PLSA_SEC_HANDLE NewContextHandle,
			 PSecBufferDesc OutputBuffers, PULONG ContextAttributes,
			 PTimeStamp ExpirationTime, PBOOLEAN MappedContext, PSecBuffer ContextData)
{
	struct context *context = find_context(ContextHandle, true, NewContextHandle);

	(void)TargetName;
	(void)TargetDataRep;
	*ContextAttributes = 0;
	*ExpirationTime = 0;
	if (*(ULONG *)CredentialHandle != 2)
		return STATUS_INVALID_HANDLE;
	if (context->step++ == 0) {
		NTSTATUS status = put_token(OutputBuffers, ContextRequirements, "hello");

		return NT_SUCCESS(status) ? CONTINUE_NEEDED : status;
	}
	if (!has_token(InputBuffers, "welcome"))
		return SEC_E_INVALID_TOKEN;
	put_token(OutputBuffers, ContextRequirements, "thanks");
	return map(MappedContext, ContextData);
}

static NTSTATUS accept(LSA_SEC_HANDLE CredentialHandle, LSA_SEC_HANDLE ContextHandle,
		       PSecBufferDesc InputBuffer, ULONG ContextRequirements, ULONG TargetDataRep,
		       PLSA_SEC_HANDLE NewContextHandle, PSecBufferDesc OutputBuffer,
		       PULONG ContextAttributes, PTimeStamp ExpirationTime, PBOOLEAN MappedContext,
		       PSecBuffer ContextData)
{
	struct context *context = find_context(ContextHandle, false, NewContextHandle);

	(void)TargetDataRep;
	*ContextAttributes = 0;
	*ExpirationTime = 0;
	if (*(ULONG *)CredentialHandle != 1)
		return STATUS_INVALID_HANDLE;
	if (context->step++ == 0) {
		if (!has_token(InputBuffer, "hello"))
			return SEC_E_INVALID_TOKEN;
		put_token(OutputBuffer, ContextRequirements, "welcome");
		return CONTINUE_NEEDED;
	}
	if (!has_token(InputBuffer, "thanks"))
		return SEC_E_INVALID_TOKEN;
	OutputBuffer->pBuffers->cbBuffer = 0;
	return map(MappedContext, ContextData);
}

static NTSTATUS query(LSA_SEC_HANDLE ContextHandle, ULONG ContextAttribute, PVOID Buffer)
{
	(void)ContextAttribute;
	*(PVOID *)Buffer = lsa->AllocateLsaHeap(8);
	return ContextHandle ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
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

PACKAGE_EXPORT(SECPKG_INTERFACE_VERSION, &package_table, 1)

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
		return STATUS_NO_MEMORY;
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
