/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "include/secpkg.h"
#include "preload/base/compiler.h"
#include "preload/call/convention.h"
#include "preload/call/each_package.h"
#include "preload/package/own_tables.h"
#include "preload/package/packages.h"
#include "preload/package/returns.h"
#include "preload/package/wine_host.h"
#include "preload/package/wrapped.h"

#include "preload/base/poison.h"

/* Bits of ContextRequirements, from sspi.h. */
enum { ISC_REQ_EXTENDED_ERROR = 0x4000, ASC_REQ_EXTENDED_ERROR = 0x8000 };

/*
 * The bodies. Each calls the function that the wrapper stands for, with the same arguments, and
 * returns its result. `p` is the number of the package. errno is what that function has left
 * behind.
 */

#define ORIGINAL(type, slot, p) ((type *)originals_of_wrappers[p][WRAPPED_##slot])

/* The documentation knows no argument: the function unloads its caller. One that is given all the
 * same is passed on. */
typedef NTSTATUS(SECPKG_CALL unload_function)(ULONG_PTR);

static APART NTSTATUS SECPKG_CALL unload_package(ULONG_PTR argument, uint32_t p)
{
	NTSTATUS status = ORIGINAL(unload_function, UnloadPackage, p)(argument);

	if (NT_SUCCESS(status))
		packages_end(p);
	return status;
}

static APART NTSTATUS SECPKG_CALL get_info(PSecPkgInfoW info, uint32_t p)
{
	NTSTATUS status = ORIGINAL(SpGetInfoFn, GetInfo, p)(info);

	if (NT_SUCCESS(status) && info && info->Name)
		packages_name(p, info->Name);
	return status;
}

/* The host knows the package by this name. The one that GetInfo tells is preferred: everybody else
 * knows it by that. */
static void take_name(const LSA_STRING *name, uint32_t p)
{
	if (name && !originals_of_wrappers[p][WRAPPED_GetInfo])
		packages_name_narrow(p, name);
}

/* What the entry points return: the rows of include/ownership.h. */
#define OWNED_ROW(argument, parameter, form, owner, when, basis) \
	{ FORM_##form, OWNER_##owner, WHEN_##when, BASIS_##basis },
#define OWNED_ROWS(name, ...) \
	static const struct owned owned_##name[] = { OWNED_##name(OWNED_ROW) };

TRACED_TRANSFERS(OWNED_ROWS)

#define OWNED_PLACE(argument, ...) (void *)(argument),
#define RETURNS(name, p, request, places, flags) \
	{ \
		.transfer = { TRANSFER_##name, packages_index(p), request }, .row = owned_##name, \
		.place = places, .rows = sizeof(owned_##name) / sizeof(struct owned), \
		.convention = CONVENTION, .asked = flags, \
	}

static NTSTATUS SECPKG_CALL initialize(ULONG_PTR id, PSECPKG_PARAMETERS parameters,
				       PLSA_SECPKG_FUNCTION_TABLE table, uint32_t p)
{
	PLSA_SECPKG_FUNCTION_TABLE copy = packages_hand_out(p, id, table, TABLE_FULL);
	struct returns r = RETURNS(Initialize, p, NULL, NULL, 0);
	NTSTATUS status;

	returns_begin(&r, NULL, 0);
	status = ORIGINAL(SpInitializeFn, Initialize, p)(id, parameters, copy);
	if (!NT_SUCCESS(status))
		packages_fail(p);
	own_tables_refresh(p);
	return returns_end(&r, status);
}

static NTSTATUS SECPKG_CALL instance_init(ULONG version, PSECPKG_DLL_FUNCTIONS table,
					  PVOID *functions, uint32_t p)
{
	PSECPKG_DLL_FUNCTIONS copy = packages_hand_out(p, 0, table, TABLE_DLL);
	struct returns r = RETURNS(InstanceInit, p, NULL, NULL, 0);
	NTSTATUS status;

	returns_begin(&r, NULL, 0);
	status = ORIGINAL(SpInstanceInitFn, InstanceInit, p)(version, copy, functions);
	if (!NT_SUCCESS(status))
		packages_fail(p);
	return returns_end(&r, status);
}

/* For Wine's host, which calls this function though the package has none. */
static NTSTATUS stand_in(PLSA_DISPATCH_TABLE table, PLSA_STRING *name, uint32_t p)
{
	char text[64];
	size_t bytes = wine_host_name_package(packages_code(p), text, sizeof(text));
	PLSA_STRING string = table->AllocateLsaHeap(sizeof(*string));
	char *buffer = string ? table->AllocateLsaHeap((ULONG)bytes + 1) : NULL;

	if (!buffer)
		return STATUS_NO_MEMORY;
	memcpy(buffer, text, bytes);
	buffer[bytes] = '\0';
	*string = (LSA_STRING){ (USHORT)bytes, (USHORT)(bytes + 1), buffer };
	*name = string;
	return STATUS_SUCCESS;
}

static NTSTATUS SECPKG_CALL initialize_package(ULONG id, PLSA_DISPATCH_TABLE table,
					       PLSA_STRING database, PLSA_STRING confidentiality,
					       PLSA_STRING *name, uint32_t p)
{
	PLSA_DISPATCH_TABLE copy = packages_hand_out(p, id, table, TABLE_DISPATCH);
	void *const place[] = { name };
	struct returns r = RETURNS(InitializePackage, p, NULL, place, 0);
	NTSTATUS status;

	if (!originals_of_wrappers[p][WRAPPED_InitializePackage])
		return table && name ? stand_in(table, name, p) : STATUS_INVALID_PARAMETER;
	returns_begin(&r, NULL, 0);
	status = ORIGINAL(LSA_AP_INITIALIZE_PACKAGE, InitializePackage, p)(id, copy, database,
									   confidentiality, name);
	if (!NT_SUCCESS(status))
		packages_fail(p);
	else if (name)
		take_name(*name, p);
	return returns_end(&r, status);
}

/* One row for each entry point that returns memory: its type, its parameters, its arguments. There
 * is none for what is not declared. */
#define LOGON_PARAMETERS \
	PLSA_CLIENT_REQUEST a, SECURITY_LOGON_TYPE b, PVOID c, PVOID d, ULONG e, PVOID *f, \
		PULONG g, PLUID h, PNTSTATUS i, PLSA_TOKEN_INFORMATION_TYPE j, PVOID *k, \
		PLSA_UNICODE_STRING *l, PLSA_UNICODE_STRING *m
#define LOGON_ARGUMENTS a, b, c, d, e, f, g, h, i, j, k, l, m
#define OF_LogonUser LSA_AP_LOGON_USER, (LOGON_PARAMETERS), LOGON_ARGUMENTS
#define OF_LogonUserEx \
	LSA_AP_LOGON_USER_EX, (LOGON_PARAMETERS, PUNICODE_STRING * n), LOGON_ARGUMENTS, n
#define OF_LogonUserEx2 \
	LSA_AP_LOGON_USER_EX2, \
		(LOGON_PARAMETERS, PUNICODE_STRING * n, PSECPKG_PRIMARY_CRED o, \
		 PSECPKG_SUPPLEMENTAL_CRED_ARRAY * q), \
		LOGON_ARGUMENTS, n, o, q
#define OF_CallPackage \
	LSA_AP_CALL_PACKAGE, \
		(PLSA_CLIENT_REQUEST a, PVOID b, PVOID c, ULONG d, PVOID * e, PULONG f, \
		 PNTSTATUS g), \
		a, b, c, d, e, f, g
#define OF_CallPackageUntrusted OF_CallPackage
#define OF_CallPackagePassthrough OF_CallPackage
#define OF_InitLsaModeContext \
	SpInitLsaModeContextFn, \
		(LSA_SEC_HANDLE a, LSA_SEC_HANDLE b, PUNICODE_STRING c, ULONG d, ULONG e, \
		 PSecBufferDesc f, PLSA_SEC_HANDLE g, PSecBufferDesc h, PULONG i, PTimeStamp j, \
		 PBOOLEAN k, PSecBuffer l), \
		a, b, c, d, e, f, g, h, i, j, k, l
#define OF_AcceptLsaModeContext \
	SpAcceptLsaModeContextFn, \
		(LSA_SEC_HANDLE a, LSA_SEC_HANDLE b, PSecBufferDesc c, ULONG d, ULONG e, \
		 PLSA_SEC_HANDLE f, PSecBufferDesc g, PULONG h, PTimeStamp i, PBOOLEAN j, \
		 PSecBuffer k), \
		a, b, c, d, e, f, g, h, i, j, k
#define OF_GetUserInfo SpGetUserInfoFn, (PLUID a, ULONG b, PSecurityUserData * c), a, b, c
#define OF_QueryContextAttributes \
	SpQueryContextAttributesFn, (LSA_SEC_HANDLE a, ULONG b, PVOID c), a, b, c
#define OF_QueryCredentialsAttributes \
	SpQueryCredentialsAttributesFn, (LSA_SEC_HANDLE a, ULONG b, PVOID c), a, b, c
#define OF_GetExtendedInformation \
	SpGetExtendedInformationFn, \
		(SECPKG_EXTENDED_INFORMATION_CLASS a, PSECPKG_EXTENDED_INFORMATION * b), a, b
#define OF_GetCredentials SpGetCredentialsFn, (LSA_SEC_HANDLE a, PSecBuffer b), a, b
#define OF_ChangeAccountPassword \
	SpChangeAccountPasswordFn, \
		(PUNICODE_STRING a, PUNICODE_STRING b, PUNICODE_STRING c, PUNICODE_STRING d, \
		 BOOLEAN e, PSecBufferDesc f), \
		a, b, c, d, e, f
#define OF_QueryMetaData \
	SpQueryMetaDataFn, \
		(LSA_SEC_HANDLE a, PUNICODE_STRING b, ULONG c, PULONG d, PUCHAR * e, \
		 PLSA_SEC_HANDLE f), \
		a, b, c, d, e, f
#define OF_GetCredUIContext \
	SpGetCredUIContextFn, (LSA_SEC_HANDLE a, GUID * b, PULONG c, PUCHAR * d), a, b, c, d
#define REDIRECTED_LOGON \
	PHANDLE e, PLSA_REDIRECTED_LOGON_CALLBACKS *f, PLSA_REDIRECTED_LOGON_CALLBACKS *i
#define OF_GetRemoteCredGuardLogonBuffer \
	SpGetRemoteCredGuardLogonBufferFn, \
		(LSA_SEC_HANDLE a, LSA_SEC_HANDLE b, const UNICODE_STRING *c, REDIRECTED_LOGON, \
		 PULONG g, PVOID *h), \
		a, b, c, e, f, i, g, h
#define OF_GetRemoteCredGuardSupplementalCreds \
	SpGetRemoteCredGuardSupplementalCredsFn, \
		(LSA_SEC_HANDLE a, const UNICODE_STRING *b, REDIRECTED_LOGON, PULONG c, PVOID *g), \
		a, b, e, f, i, c, g
#define OF_AcceptCredentials \
	SpAcceptCredentialsFn, \
		(SECURITY_LOGON_TYPE a, PUNICODE_STRING b, PSECPKG_PRIMARY_CRED c, \
		 PSECPKG_SUPPLEMENTAL_CRED d), \
		a, b, c, d
#define OF_AcquireCredentialsHandle \
	SpAcquireCredentialsHandleFn, \
		(PUNICODE_STRING a, ULONG b, PLUID c, PVOID d, PVOID e, PVOID f, \
		 PLSA_SEC_HANDLE g, PTimeStamp h), \
		a, b, c, d, e, f, g, h
#define OF_FreeCredentialsHandle SpFreeCredentialsHandleFn, (LSA_SEC_HANDLE a), a
#define OF_SaveCredentials SpSaveCredentialsFn, (LSA_SEC_HANDLE a, PSecBuffer b), a, b
#define OF_DeleteCredentials SpDeleteCredentialsFn, (LSA_SEC_HANDLE a, PSecBuffer b), a, b
#define OF_DeleteContext SpDeleteContextFn, (LSA_SEC_HANDLE a), a
#define OF_ApplyControlToken SpApplyControlTokenFn, (LSA_SEC_HANDLE a, PSecBufferDesc b), a, b
#define OF_AddCredentials \
	SpAddCredentialsFn, \
		(LSA_SEC_HANDLE a, PUNICODE_STRING b, PUNICODE_STRING c, ULONG d, PVOID e, \
		 PVOID f, PVOID g, PTimeStamp h), \
		a, b, c, d, e, f, g, h
#define OF_SetExtendedInformation \
	SpSetExtendedInformationFn, \
		(SECPKG_EXTENDED_INFORMATION_CLASS a, PSECPKG_EXTENDED_INFORMATION b), a, b
#define OF_SetContextAttributes \
	SpSetContextAttributesFn, (LSA_SEC_HANDLE a, ULONG b, PVOID c, ULONG d), a, b, c, d
#define OF_SetCredentialsAttributes \
	SpSetCredentialsAttributesFn, (LSA_SEC_HANDLE a, ULONG b, PVOID c, ULONG d), a, b, c, d
#define OF_ExchangeMetaData \
	SpExchangeMetaDataFn, \
		(LSA_SEC_HANDLE a, PUNICODE_STRING b, ULONG c, ULONG d, PUCHAR e, \
		 PLSA_SEC_HANDLE f), \
		a, b, c, d, e, f
#define OF_UpdateCredentials \
	SpUpdateCredentialsFn, (LSA_SEC_HANDLE a, GUID * b, ULONG c, PUCHAR d), a, b, c, d
#define OF_ValidateTargetInfo \
	SpValidateTargetInfoFn, \
		(PLSA_CLIENT_REQUEST a, PVOID b, PVOID c, ULONG d, PSECPKG_TARGETINFO e), a, b, c, \
		d, e
#define OF_PostLogonUser LSA_AP_POST_LOGON_USER, (PSECPKG_POST_LOGON_USER_INFO a), a
#define OF_UserQueryContextAttributes OF_QueryContextAttributes
#define OF_UserFormatCredentials SpFormatCredentialsFn, (PSecBuffer a, PSecBuffer b), a, b
#define OF_UserMarshallSupplementalCreds \
	SpMarshallSupplementalCredsFn, (ULONG a, PUCHAR b, PULONG c, PVOID * d), a, b, c, d
#define OF_UserExportContext \
	SpExportSecurityContextFn, (LSA_SEC_HANDLE a, ULONG b, PSecBuffer c, PHANDLE d), a, b, c, d
#define OF_UserInitContext SpInitUserModeContextFn, (LSA_SEC_HANDLE a, PSecBuffer b), a, b
#define OF_UserImportContext \
	SpImportSecurityContextFn, (PSecBuffer a, HANDLE b, PLSA_SEC_HANDLE c), a, b, c
#define OF_UserMarshalAttributeData \
	SpMarshalAttributeDataFn, (ULONG a, ULONG b, ULONG c, PUCHAR d, PULONG e, PUCHAR * f), a, \
		b, c, d, e, f

/* The bodies of these: they do what returns.h says. InitializePackage has its own, above. */
#define AND_NUMBER(...) (__VA_ARGS__, uint32_t p)
#define BODY(name, request, submitted, bytes, flags, prototype) \
	BODY_OF(name, request, submitted, bytes, flags, prototype)
#define BODY_OF(name, request, submitted, bytes, flags, type, parameters, ...) \
	static NTSTATUS SECPKG_CALL return_from_##name AND_NUMBER parameters \
	{ \
		void *const place[] = { OWNED_##name(OWNED_PLACE) }; \
		struct returns r = RETURNS(name, p, request, place, flags); \
\
		returns_begin(&r, submitted, bytes); \
		return returns_end(&r, ORIGINAL(type, name, p)(__VA_ARGS__)); \
	}
#define NO_PLAIN(name, member)
#define RETURN_BODY(name, member, text, request, submitted, bytes, flags) \
	BODY(name, request, submitted, bytes, flags, OF_##name)

/* One row for each wrapper: its body, its parameters, its arguments. */
#define AS_Initialize \
	initialize, (ULONG_PTR a, PSECPKG_PARAMETERS b, PLSA_SECPKG_FUNCTION_TABLE c), a, b, c
#define AS_InstanceInit instance_init, (ULONG a, PSECPKG_DLL_FUNCTIONS b, PVOID * c), a, b, c
#define AS_UnloadPackage unload_package, (ULONG_PTR a), a
#define AS_GetInfo get_info, (PSecPkgInfoW a), a
#define AS_InitializePackage \
	initialize_package, \
		(ULONG a, PLSA_DISPATCH_TABLE b, PLSA_STRING c, PLSA_STRING d, PLSA_STRING * e), \
		a, b, c, d, e
/* A wrapper: one function for each row and package. It only adds which package it is. wrappers_amd64.S
 * has a table of them. */
#define WRAPPER(p, name, ...) WRAPPER_FUNCTION(p, name, __VA_ARGS__)
#define WRAPPER_FUNCTION(p, name, body, parameters, ...) \
	NTSTATUS SECPKG_CALL CONVENTION_OF(wrap_##name##_##p) parameters; \
	NTSTATUS SECPKG_CALL CONVENTION_OF(wrap_##name##_##p) parameters \
	{ \
		return body(__VA_ARGS__, p); \
	}

#define PLAIN_WRAPPERS(name, ...) EACH_WRAPPED_PACKAGE(WRAPPER, name, AS_##name)
#define RETURN_WRAPPER(p, name, ...) RETURN_WRAPPER_FUNCTION(p, name, __VA_ARGS__)
#define RETURN_WRAPPER_FUNCTION(p, name, type, parameters, ...) \
	WRAPPER_FUNCTION(p, name, return_from_##name, parameters, __VA_ARGS__)
#define RETURN_WRAPPERS(name, ...) EACH_WRAPPED_PACKAGE(RETURN_WRAPPER, name, OF_##name)

WRAPPED_LSA_SLOTS(NO_PLAIN, RETURN_BODY)
WRAPPED_USER_SLOTS(NO_PLAIN, RETURN_BODY)

WRAPPED_LSA_SLOTS(PLAIN_WRAPPERS, RETURN_WRAPPERS)
WRAPPED_USER_SLOTS(PLAIN_WRAPPERS, RETURN_WRAPPERS)
WRAPPED_HOST_SLOTS(PLAIN_WRAPPERS)
