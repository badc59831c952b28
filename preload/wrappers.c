/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>

#include "../include/secpkg.h"
#include "embedded/move.h"
#include "packages.h"
#include "transfer.h"
#include "wrappers.h"

#include "poison.h"

/* LogonUserEx2's PrimaryCredentials, as the documentation has it: the caller's, filled with pointers. */
enum { PRIMARY_CREDENTIALS_BYTES = 200 };

void *wrapped_original[WRAPPED_PACKAGES][WRAPPED_COUNT];

#define ORIGINAL(type, slot, p) ((type *)wrapped_original[p][WRAPPED_##slot])

static NTSTATUS initialize(ULONG_PTR id, PSECPKG_PARAMETERS parameters,
			   PLSA_SECPKG_FUNCTION_TABLE table, uint32_t p)
{
	PLSA_SECPKG_FUNCTION_TABLE ours = packages_hand_out(p, id, table, SECPKG_TABLE_SLOTS);
	NTSTATUS status = ORIGINAL(SpInitializeFn, Initialize, p)(id, parameters, ours);

	packages_refresh(p);
	return status;
}

static NTSTATUS get_info(PSecPkgInfoW info, uint32_t p)
{
	NTSTATUS status = ORIGINAL(SpGetInfoFn, GetInfo, p)(info);

	if (NT_SUCCESS(status) && info && info->Name)
		packages_name(p, info->Name);
	return status;
}

static NTSTATUS initialize_package(ULONG id, PLSA_DISPATCH_TABLE table, PLSA_STRING database,
				   PLSA_STRING confidentiality, PLSA_STRING *name, uint32_t p)
{
	PLSA_DISPATCH_TABLE ours = packages_hand_out(p, id, table, SECPKG_DISPATCH_SLOTS);
	NTSTATUS status = ORIGINAL(LSA_AP_INITIALIZE_PACKAGE, InitializePackage,
				   p)(id, ours, database, confidentiality, name);

	if (NT_SUCCESS(status) && name) {
		transfer_to_lsa(*name);
		move_to_lsa((void **)name);
	}
	return status;
}

static const void *at(void *const *place)
{
	return place ? *place : NULL;
}

/* What every kind of logon returns, as places that hold pointers. */
struct logon_results {
	void *request;
	void **profile;
	void **given[4]; /* to the LSA: token, account, authority, machine; NULL: none */
};

static void transfer_logon(NTSTATUS status, const struct logon_results *r)
{
	int saved_errno = errno;

	if (!NT_SUCCESS(status))
		return;
	transfer_to_client(r->request, at(r->profile));
	for (int i = 0; i < 4; i++)
		transfer_to_lsa(at(r->given[i]));
	move_to_lsa(r->profile);
	for (int i = 0; i < 4; i++)
		move_to_lsa(r->given[i]);
	errno = saved_errno;
}

#define PLACE(pointer) ((void **)(pointer))

static NTSTATUS log_on(PLSA_CLIENT_REQUEST request, SECURITY_LOGON_TYPE type, PVOID information,
		       PVOID client_base, ULONG bytes, PVOID *profile, PULONG profile_bytes,
		       PLUID id, PNTSTATUS sub_status, PLSA_TOKEN_INFORMATION_TYPE token_type,
		       PVOID *token, PLSA_UNICODE_STRING *account, PLSA_UNICODE_STRING *authority,
		       uint32_t p)
{
	struct logon_results results = { request,
					 PLACE(profile),
					 { PLACE(token), PLACE(account), PLACE(authority) } };
	NTSTATUS status = ORIGINAL(LSA_AP_LOGON_USER, LogonUser, p)(
		request, type, information, client_base, bytes, profile, profile_bytes, id,
		sub_status, token_type, token, account, authority);

	transfer_logon(status, &results);
	return status;
}

static NTSTATUS log_on_ex(PLSA_CLIENT_REQUEST request, SECURITY_LOGON_TYPE type, PVOID information,
			  PVOID client_base, ULONG bytes, PVOID *profile, PULONG profile_bytes,
			  PLUID id, PNTSTATUS sub_status, PLSA_TOKEN_INFORMATION_TYPE token_type,
			  PVOID *token, PUNICODE_STRING *account, PUNICODE_STRING *authority,
			  PUNICODE_STRING *machine, uint32_t p)
{
	struct logon_results results = { request,
					 PLACE(profile),
					 { PLACE(token), PLACE(account), PLACE(authority),
					   PLACE(machine) } };
	NTSTATUS status = ORIGINAL(LSA_AP_LOGON_USER_EX, LogonUserEx, p)(
		request, type, information, client_base, bytes, profile, profile_bytes, id,
		sub_status, token_type, token, account, authority, machine);

	transfer_logon(status, &results);
	return status;
}

static NTSTATUS log_on_ex2(PLSA_CLIENT_REQUEST request, SECURITY_LOGON_TYPE type, PVOID information,
			   PVOID client_base, ULONG bytes, PVOID *profile, PULONG profile_bytes,
			   PLUID id, PNTSTATUS sub_status, PLSA_TOKEN_INFORMATION_TYPE token_type,
			   PVOID *token, PUNICODE_STRING *account, PUNICODE_STRING *authority,
			   PUNICODE_STRING *machine, PSECPKG_PRIMARY_CRED primary,
			   PSECPKG_SUPPLEMENTAL_CRED_ARRAY *cached, uint32_t p)
{
	struct logon_results results = { request,
					 PLACE(profile),
					 { PLACE(token), PLACE(account), PLACE(authority),
					   PLACE(machine) } };
	NTSTATUS status = ORIGINAL(LSA_AP_LOGON_USER_EX2, LogonUserEx2, p)(
		request, type, information, client_base, bytes, profile, profile_bytes, id,
		sub_status, token_type, token, account, authority, machine, primary, cached);

	int saved_errno = errno;

	transfer_logon(status, &results);
	if (NT_SUCCESS(status)) {
		transfer_to_lsa(at(PLACE(cached)));
		transfer_contents_to_lsa(primary, PRIMARY_CREDENTIALS_BYTES);
		move_to_lsa(PLACE(cached));
		move_contents_to_lsa(primary, PRIMARY_CREDENTIALS_BYTES);
	}
	errno = saved_errno;
	return status;
}

static NTSTATUS call(LSA_AP_CALL_PACKAGE *original, PLSA_CLIENT_REQUEST request, PVOID submit,
		     PVOID client_base, ULONG bytes, PVOID *answer, PULONG answer_bytes,
		     PNTSTATUS protocol_status)
{
	NTSTATUS status = original(request, submit, client_base, bytes, answer, answer_bytes,
				   protocol_status);
	int saved_errno = errno;

	if (NT_SUCCESS(status)) {
		transfer_to_client(request, at(answer));
		move_to_lsa(answer);
	}
	errno = saved_errno;
	return status;
}

#define WRAP_CALL(slot, p) \
	static NTSTATUS wrap_##slot##_##p(PLSA_CLIENT_REQUEST a, PVOID b, PVOID c, ULONG d, \
					  PVOID *e, PULONG f, PNTSTATUS g) \
	{ \
		return call(ORIGINAL(LSA_AP_CALL_PACKAGE, slot, p), a, b, c, d, e, f, g); \
	}

#define WRAP_ALL(p) \
	static NTSTATUS wrap_Initialize_##p(ULONG_PTR a, PSECPKG_PARAMETERS b, \
					    PLSA_SECPKG_FUNCTION_TABLE c) \
	{ \
		return initialize(a, b, c, p); \
	} \
	static NTSTATUS wrap_GetInfo_##p(PSecPkgInfoW a) \
	{ \
		return get_info(a, p); \
	} \
	static NTSTATUS wrap_InitializePackage_##p(ULONG a, PLSA_DISPATCH_TABLE b, PLSA_STRING c, \
						   PLSA_STRING d, PLSA_STRING *e) \
	{ \
		return initialize_package(a, b, c, d, e, p); \
	} \
	static NTSTATUS wrap_LogonUser_##p(PLSA_CLIENT_REQUEST a, SECURITY_LOGON_TYPE b, PVOID c, \
					   PVOID d, ULONG e, PVOID *f, PULONG g, PLUID h, \
					   PNTSTATUS i, PLSA_TOKEN_INFORMATION_TYPE j, PVOID *k, \
					   PLSA_UNICODE_STRING *l, PLSA_UNICODE_STRING *m) \
	{ \
		return log_on(a, b, c, d, e, f, g, h, i, j, k, l, m, p); \
	} \
	static NTSTATUS wrap_LogonUserEx_##p( \
		PLSA_CLIENT_REQUEST a, SECURITY_LOGON_TYPE b, PVOID c, PVOID d, ULONG e, PVOID *f, \
		PULONG g, PLUID h, PNTSTATUS i, PLSA_TOKEN_INFORMATION_TYPE j, PVOID *k, \
		PUNICODE_STRING *l, PUNICODE_STRING *m, PUNICODE_STRING *n) \
	{ \
		return log_on_ex(a, b, c, d, e, f, g, h, i, j, k, l, m, n, p); \
	} \
	static NTSTATUS wrap_LogonUserEx2_##p( \
		PLSA_CLIENT_REQUEST a, SECURITY_LOGON_TYPE b, PVOID c, PVOID d, ULONG e, PVOID *f, \
		PULONG g, PLUID h, PNTSTATUS i, PLSA_TOKEN_INFORMATION_TYPE j, PVOID *k, \
		PUNICODE_STRING *l, PUNICODE_STRING *m, PUNICODE_STRING *n, \
		PSECPKG_PRIMARY_CRED o, PSECPKG_SUPPLEMENTAL_CRED_ARRAY *q) \
	{ \
		return log_on_ex2(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, q, p); \
	} \
	WRAP_CALL(CallPackage, p) \
	WRAP_CALL(CallPackageUntrusted, p) WRAP_CALL(CallPackagePassthrough, p)

#define EIGHT(m, p) m(p##0) m(p##1) m(p##2) m(p##3) m(p##4) m(p##5) m(p##6) m(p##7)
/* Numbered in octal. */
#define EACH_PACKAGE(m) \
	EIGHT(m, 00) \
	EIGHT(m, 01) EIGHT(m, 02) EIGHT(m, 03) EIGHT(m, 04) EIGHT(m, 05) EIGHT(m, 06) EIGHT(m, 07)

EACH_PACKAGE(WRAP_ALL)

#define ROW(slot, m) [WRAPPED_##slot] = { EACH_PACKAGE(m) }
#define INITIALIZE(p) (void *)wrap_Initialize_##p,
#define GET_INFO(p) (void *)wrap_GetInfo_##p,
#define INITIALIZE_PACKAGE(p) (void *)wrap_InitializePackage_##p,
#define LOGON_USER(p) (void *)wrap_LogonUser_##p,
#define LOGON_USER_EX(p) (void *)wrap_LogonUserEx_##p,
#define LOGON_USER_EX2(p) (void *)wrap_LogonUserEx2_##p,
#define CALL_PACKAGE(p) (void *)wrap_CallPackage_##p,
#define CALL_PACKAGE_UNTRUSTED(p) (void *)wrap_CallPackageUntrusted_##p,
#define CALL_PACKAGE_PASSTHROUGH(p) (void *)wrap_CallPackagePassthrough_##p,

void *const wrappers[WRAPPED_COUNT][WRAPPED_PACKAGES] = {
	ROW(Initialize, INITIALIZE),
	ROW(GetInfo, GET_INFO),
	ROW(InitializePackage, INITIALIZE_PACKAGE),
	ROW(LogonUser, LOGON_USER),
	ROW(LogonUserEx, LOGON_USER_EX),
	ROW(LogonUserEx2, LOGON_USER_EX2),
	ROW(CallPackage, CALL_PACKAGE),
	ROW(CallPackageUntrusted, CALL_PACKAGE_UNTRUSTED),
	ROW(CallPackagePassthrough, CALL_PACKAGE_PASSTHROUGH),
};
