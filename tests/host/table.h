/* SPDX-License-Identifier: MIT */
#ifndef HOST_TABLE_H
#define HOST_TABLE_H

/*
 * The table that the host gives to packages. It is in read-only memory: a tracer that changes it,
 * instead of a copy, crashes.
 *
 * The slots of the traced families work, and some others too (ImpersonateClient, GetClientInfo,
 * GetCallInfo, LsaProtectMemory, ...). CrediWrite is NULL. The others return TABLE_UNSUPPORTED with
 * their number, whatever the arguments are, so that the caller knows which function it reached.
 *
 * errno: unchanged where a function succeeds, else ENOMEM (acquiring) or EINVAL (releasing).
 */

#include "include/secpkg.h"

/* A status from the range that Windows reserves for applications. */
#define TABLE_UNSUPPORTED(slot) ((NTSTATUS)(0xe0000000u | (slot)))

#define TABLE_UNSUPPORTED_SLOTS(SLOT) \
	SLOT(CreateLogonSession) \
	SLOT(DeleteLogonSession) \
	SLOT(AddCredential) \
	SLOT(DeleteCredential) \
	SLOT(UnloadPackage) \
	SLOT(DuplicateHandle) \
	SLOT(SaveSupplementalCredentials) \
	SLOT(CreateThread) \
	SLOT(RegisterNotification) \
	SLOT(CancelNotification) \
	SLOT(CreateToken) \
	SLOT(AuditLogon) \
	SLOT(UpdateCredentials) \
	SLOT(AuditAccountLogon) \
	SLOT(CrediFreeCredentials) \
	SLOT(OpenTokenByLogonId) \
	SLOT(CreateTokenEx)

extern const LSA_SECPKG_NEWEST_TABLE table;

/* The names of packages that CallPackage and similar functions find. All others are unknown. */
#define TABLE_ECHO_PACKAGE u"Echo"

#endif
