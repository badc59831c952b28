/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "include/secpkg.h"
#include "preload/call/each_package.h"
#include "preload/guardpage/copy_out.h"
#include "preload/package/own_tables.h"
#include "preload/package/packages.h"
#include "preload/package/transfer.h"
#include "preload/package/wrapped.h"

#include "preload/base/poison.h"

/* Bytes of LogonUserEx2's PrimaryCredentials, by its documentation. The structure is the caller's;
 * the package fills it with pointers to blocks. */
enum { PRIMARY_CREDENTIALS_BYTES = 200 };

/* Bits of ContextRequirements, from sspi.h. */
enum { ISC_REQ_EXTENDED_ERROR = 0x4000, ASC_REQ_EXTENDED_ERROR = 0x8000 };

/*
 * The bodies. Each calls the function that the wrapper stands for, with the same arguments, and
 * returns its result. `p` is the number of the package. errno is what that function has left
 * behind.
 */

#define ORIGINAL(type, slot, p) ((type *)originals_of_wrappers[p][WRAPPED_##slot])
#define RETURN_OF(slot, p, request) \
	((struct transfer){ TRANSFER_##slot, packages_index(p), request })

static NTSTATUS initialize(ULONG_PTR id, PSECPKG_PARAMETERS parameters,
			   PLSA_SECPKG_FUNCTION_TABLE table, uint32_t p)
{
	PLSA_SECPKG_FUNCTION_TABLE copy = packages_hand_out(p, id, table, TABLE_FULL);
	NTSTATUS status = ORIGINAL(SpInitializeFn, Initialize, p)(id, parameters, copy);

	if (!NT_SUCCESS(status))
		packages_end(p);
	own_tables_refresh(p);
	return status;
}

static NTSTATUS instance_init(ULONG version, PSECPKG_DLL_FUNCTIONS table, PVOID *functions,
			      uint32_t p)
{
	PSECPKG_DLL_FUNCTIONS copy = packages_hand_out(p, 0, table, TABLE_DLL);
	NTSTATUS status = ORIGINAL(SpInstanceInitFn, InstanceInit, p)(version, copy, functions);

	if (!NT_SUCCESS(status))
		packages_end(p);
	return status;
}

/* The documentation knows no argument: the function unloads its caller. One that is given all the
 * same is passed on. */
typedef NTSTATUS unload_function(ULONG_PTR);

static NTSTATUS unload_package(ULONG_PTR argument, uint32_t p)
{
	NTSTATUS status = ORIGINAL(unload_function, UnloadPackage, p)(argument);

	if (NT_SUCCESS(status))
		packages_end(p);
	return status;
}

static NTSTATUS get_info(PSecPkgInfoW info, uint32_t p)
{
	NTSTATUS status = ORIGINAL(SpGetInfoFn, GetInfo, p)(info);

	if (NT_SUCCESS(status) && info && info->Name)
		packages_name(p, info->Name);
	return status;
}

/* The block that `*place` points to changes its owner; `place` may be NULL. A guarded block of the
 * LSA's heap is replaced by a copy from the host's own heap, because the host will free it. */
static void give_to_lsa(const struct transfer *t, void **place)
{
	if (!place)
		return;
	transfer_to_lsa(t, *place);
	copy_out_block(place);
}

static void give_to_client(const struct transfer *t, void **place)
{
	if (!place)
		return;
	transfer_to_client(t, *place);
	copy_out_block(place);
}

/* The host knows the package by this name. The one that GetInfo tells is preferred: everybody else
 * knows it by that. */
static void take_name(PLSA_STRING *name, uint32_t p)
{
	int saved_errno = errno;

	if (*name && !originals_of_wrappers[p][WRAPPED_GetInfo])
		packages_name_narrow(p, *name);
	give_to_lsa(&RETURN_OF(InitializePackage, p, NULL), (void **)name);
	errno = saved_errno;
}

static NTSTATUS initialize_package(ULONG id, PLSA_DISPATCH_TABLE table, PLSA_STRING database,
				   PLSA_STRING confidentiality, PLSA_STRING *name, uint32_t p)
{
	PLSA_DISPATCH_TABLE copy = packages_hand_out(p, id, table, TABLE_DISPATCH);
	NTSTATUS status = ORIGINAL(LSA_AP_INITIALIZE_PACKAGE, InitializePackage,
				   p)(id, copy, database, confidentiality, name);

	if (!NT_SUCCESS(status))
		packages_end(p);
	else if (name)
		take_name(name, p);
	return status;
}

/* What all kinds of logon return: where the pointers are. */
struct logon_results {
	void **profile; /* to the client */
	void **token;   /* this and the names to the LSA */
	void **name[3]; /* account, authority, machine; NULL: none */
};

/* The documentation has the names returned, and freed by the LSA, whether the logon succeeds or
 * not: they are for the audit record. */
static void transfer_logon(NTSTATUS status, const struct transfer *t, const struct logon_results *r)
{
	int saved_errno = errno;

	if (NT_SUCCESS(status)) {
		give_to_client(t, r->profile);
		give_to_lsa(t, r->token);
	}
	for (int i = 0; i < 3; i++)
		give_to_lsa(t, r->name[i]);
	errno = saved_errno;
}

#define PLACE(pointer) ((void **)(pointer))

static NTSTATUS log_on(PLSA_CLIENT_REQUEST request, SECURITY_LOGON_TYPE type, PVOID information,
		       PVOID client_base, ULONG bytes, PVOID *profile, PULONG profile_bytes,
		       PLUID id, PNTSTATUS sub_status, PLSA_TOKEN_INFORMATION_TYPE token_type,
		       PVOID *token, PLSA_UNICODE_STRING *account, PLSA_UNICODE_STRING *authority,
		       uint32_t p)
{
	const struct transfer transfer = RETURN_OF(LogonUser, p, request);
	struct logon_results results = { PLACE(profile),
					 PLACE(token),
					 { PLACE(account), PLACE(authority) } };
	NTSTATUS status = ORIGINAL(LSA_AP_LOGON_USER, LogonUser, p)(
		request, type, information, client_base, bytes, profile, profile_bytes, id,
		sub_status, token_type, token, account, authority);

	transfer_logon(status, &transfer, &results);
	return status;
}

static NTSTATUS log_on_ex(PLSA_CLIENT_REQUEST request, SECURITY_LOGON_TYPE type, PVOID information,
			  PVOID client_base, ULONG bytes, PVOID *profile, PULONG profile_bytes,
			  PLUID id, PNTSTATUS sub_status, PLSA_TOKEN_INFORMATION_TYPE token_type,
			  PVOID *token, PUNICODE_STRING *account, PUNICODE_STRING *authority,
			  PUNICODE_STRING *machine, uint32_t p)
{
	const struct transfer transfer = RETURN_OF(LogonUserEx, p, request);
	struct logon_results results = { PLACE(profile),
					 PLACE(token),
					 { PLACE(account), PLACE(authority), PLACE(machine) } };
	NTSTATUS status = ORIGINAL(LSA_AP_LOGON_USER_EX, LogonUserEx, p)(
		request, type, information, client_base, bytes, profile, profile_bytes, id,
		sub_status, token_type, token, account, authority, machine);

	transfer_logon(status, &transfer, &results);
	return status;
}

static NTSTATUS log_on_ex2(PLSA_CLIENT_REQUEST request, SECURITY_LOGON_TYPE type, PVOID information,
			   PVOID client_base, ULONG bytes, PVOID *profile, PULONG profile_bytes,
			   PLUID id, PNTSTATUS sub_status, PLSA_TOKEN_INFORMATION_TYPE token_type,
			   PVOID *token, PUNICODE_STRING *account, PUNICODE_STRING *authority,
			   PUNICODE_STRING *machine, PSECPKG_PRIMARY_CRED primary,
			   PSECPKG_SUPPLEMENTAL_CRED_ARRAY *cached, uint32_t p)
{
	const struct transfer transfer = RETURN_OF(LogonUserEx2, p, request);
	struct logon_results results = { PLACE(profile),
					 PLACE(token),
					 { PLACE(account), PLACE(authority), PLACE(machine) } };
	NTSTATUS status = ORIGINAL(LSA_AP_LOGON_USER_EX2, LogonUserEx2, p)(
		request, type, information, client_base, bytes, profile, profile_bytes, id,
		sub_status, token_type, token, account, authority, machine, primary, cached);

	int saved_errno = errno;

	transfer_logon(status, &transfer, &results);
	if (NT_SUCCESS(status)) {
		give_to_lsa(&transfer, PLACE(cached));
		transfer_contents_to_lsa(&transfer, primary, PRIMARY_CREDENTIALS_BYTES);
		copy_out_contents(primary, PRIMARY_CREDENTIALS_BYTES);
	}
	errno = saved_errno;
	return status;
}

/* The three kinds of CallPackage. */
static NTSTATUS call_package(PLSA_CLIENT_REQUEST request, PVOID submit, PVOID client_base,
			     ULONG bytes, PVOID *answer, PULONG answer_bytes,
			     PNTSTATUS protocol_status, enum wrapped wrapped,
			     enum transfer_function function, uint32_t p)
{
	const struct transfer transfer = { function, packages_index(p), request };
	LSA_AP_CALL_PACKAGE *original = (LSA_AP_CALL_PACKAGE *)originals_of_wrappers[p][wrapped];
	NTSTATUS status = original(request, submit, client_base, bytes, answer, answer_bytes,
				   protocol_status);
	int saved_errno = errno;

	if (NT_SUCCESS(status))
		give_to_client(&transfer, answer);
	errno = saved_errno;
	return status;
}

/* These functions are told no client request. AllocateClientBuffer takes NULL in place of one. */
static void transfer_buffers(const struct transfer *t, const SecBufferDesc *buffers)
{
	for (ULONG i = 0; buffers && buffers->pBuffers && i < buffers->cBuffers; i++)
		give_to_client(t, &buffers->pBuffers[i].pvBuffer);
}

/* By the documentation of SpInitLsaModeContext and SpAcceptLsaModeContext, ContextData is on the
 * LSA's heap, and the LSA frees it; output that the package was asked to allocate is freed by the
 * caller. A caller that asked for an error message gets output even if the context failed. */
static void transfer_context(NTSTATUS status, const struct transfer *t, bool wants_error,
			     const SecBufferDesc *output, SecBuffer *data)
{
	int saved_errno = errno;

	if (NT_SUCCESS(status) || wants_error)
		transfer_buffers(t, output);
	if (NT_SUCCESS(status) && data)
		give_to_lsa(t, &data->pvBuffer);
	errno = saved_errno;
}

static NTSTATUS init_context(LSA_SEC_HANDLE credential, LSA_SEC_HANDLE context,
			     PUNICODE_STRING target, ULONG requirements, ULONG representation,
			     PSecBufferDesc input, PLSA_SEC_HANDLE new_context,
			     PSecBufferDesc output, PULONG attributes, PTimeStamp expiration,
			     PBOOLEAN mapped, PSecBuffer data, uint32_t p)
{
	NTSTATUS status = ORIGINAL(SpInitLsaModeContextFn, InitLsaModeContext, p)(
		credential, context, target, requirements, representation, input, new_context,
		output, attributes, expiration, mapped, data);

	transfer_context(status, &RETURN_OF(InitLsaModeContext, p, NULL),
			 requirements & ISC_REQ_EXTENDED_ERROR, output, data);
	return status;
}

static NTSTATUS accept_context(LSA_SEC_HANDLE credential, LSA_SEC_HANDLE context,
			       PSecBufferDesc input, ULONG requirements, ULONG representation,
			       PLSA_SEC_HANDLE new_context, PSecBufferDesc output, PULONG attributes,
			       PTimeStamp expiration, PBOOLEAN mapped, PSecBuffer data, uint32_t p)
{
	NTSTATUS status = ORIGINAL(SpAcceptLsaModeContextFn, AcceptLsaModeContext,
				   p)(credential, context, input, requirements, representation,
				      new_context, output, attributes, expiration, mapped, data);

	transfer_context(status, &RETURN_OF(AcceptLsaModeContext, p, NULL),
			 requirements & ASC_REQ_EXTENDED_ERROR, output, data);
	return status;
}

/* By the documentation of SpGetUserInfo, what it returns is in the caller's address space, and
 * freed by the caller. */
static NTSTATUS get_user_info(PLUID logon, ULONG flags, PSecurityUserData *data, uint32_t p)
{
	NTSTATUS status = ORIGINAL(SpGetUserInfoFn, GetUserInfo, p)(logon, flags, data);
	int saved_errno = errno;

	if (NT_SUCCESS(status))
		give_to_client(&RETURN_OF(GetUserInfo, p, NULL), PLACE(data));
	errno = saved_errno;
	return status;
}

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
#define AS_LogonUser \
	log_on, \
		(PLSA_CLIENT_REQUEST a, SECURITY_LOGON_TYPE b, PVOID c, PVOID d, ULONG e, \
		 PVOID * f, PULONG g, PLUID h, PNTSTATUS i, PLSA_TOKEN_INFORMATION_TYPE j, \
		 PVOID * k, PLSA_UNICODE_STRING * l, PLSA_UNICODE_STRING * m), \
		a, b, c, d, e, f, g, h, i, j, k, l, m
#define AS_LogonUserEx \
	log_on_ex, \
		(PLSA_CLIENT_REQUEST a, SECURITY_LOGON_TYPE b, PVOID c, PVOID d, ULONG e, \
		 PVOID * f, PULONG g, PLUID h, PNTSTATUS i, PLSA_TOKEN_INFORMATION_TYPE j, \
		 PVOID * k, PUNICODE_STRING * l, PUNICODE_STRING * m, PUNICODE_STRING * n), \
		a, b, c, d, e, f, g, h, i, j, k, l, m, n
#define AS_LogonUserEx2 \
	log_on_ex2, \
		(PLSA_CLIENT_REQUEST a, SECURITY_LOGON_TYPE b, PVOID c, PVOID d, ULONG e, \
		 PVOID * f, PULONG g, PLUID h, PNTSTATUS i, PLSA_TOKEN_INFORMATION_TYPE j, \
		 PVOID * k, PUNICODE_STRING * l, PUNICODE_STRING * m, PUNICODE_STRING * n, \
		 PSECPKG_PRIMARY_CRED o, PSECPKG_SUPPLEMENTAL_CRED_ARRAY * q), \
		a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, q
#define CALL_PARAMETERS \
	(PLSA_CLIENT_REQUEST a, PVOID b, PVOID c, ULONG d, PVOID * e, PULONG f, PNTSTATUS g)
#define AS_CALL(slot) \
	call_package, CALL_PARAMETERS, a, b, c, d, e, f, g, WRAPPED_##slot, TRANSFER_##slot
#define AS_CallPackage AS_CALL(CallPackage)
#define AS_CallPackageUntrusted AS_CALL(CallPackageUntrusted)
#define AS_CallPackagePassthrough AS_CALL(CallPackagePassthrough)
#define AS_InitLsaModeContext \
	init_context, \
		(LSA_SEC_HANDLE a, LSA_SEC_HANDLE b, PUNICODE_STRING c, ULONG d, ULONG e, \
		 PSecBufferDesc f, PLSA_SEC_HANDLE g, PSecBufferDesc h, PULONG i, PTimeStamp j, \
		 PBOOLEAN k, PSecBuffer l), \
		a, b, c, d, e, f, g, h, i, j, k, l
#define AS_AcceptLsaModeContext \
	accept_context, \
		(LSA_SEC_HANDLE a, LSA_SEC_HANDLE b, PSecBufferDesc c, ULONG d, ULONG e, \
		 PLSA_SEC_HANDLE f, PSecBufferDesc g, PULONG h, PTimeStamp i, PBOOLEAN j, \
		 PSecBuffer k), \
		a, b, c, d, e, f, g, h, i, j, k
#define AS_GetUserInfo get_user_info, (PLUID a, ULONG b, PSecurityUserData * c), a, b, c

/* A wrapper: one function for each row and package. It only adds which package it is. */
#define WRAPPER(p, name, ...) WRAPPER_FUNCTION(p, name, __VA_ARGS__)
#define WRAPPER_FUNCTION(p, name, body, parameters, ...) \
	static NTSTATUS wrap_##name##_##p parameters \
	{ \
		return body(__VA_ARGS__, p); \
	}

#define EACH_PACKAGE(M, ...) \
	SIXTY_FOUR_PACKAGES(M, 0, __VA_ARGS__) SIXTY_FOUR_PACKAGES(M, 01, __VA_ARGS__)
#define SLOT_WRAPPERS(name, ...) EACH_PACKAGE(WRAPPER, name, AS_##name)
#define WRAPPER_ADDRESS(p, name) (void *)wrap_##name##_##p,
#define SLOT_ADDRESSES(name, ...) [WRAPPED_##name] = { EACH_PACKAGE(WRAPPER_ADDRESS, name) },

WRAPPED_SLOTS(SLOT_WRAPPERS)

void *const wrappers[WRAPPED_COUNT][WRAPPED_PACKAGES] = { WRAPPED_SLOTS(SLOT_ADDRESSES) };
