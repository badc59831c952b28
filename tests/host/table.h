/* SPDX-License-Identifier: MIT */
#ifndef HOST_TABLE_H
#define HOST_TABLE_H

/*
 * The table that the host gives to packages. It is in read-only memory: a tracer that changes it,
 * instead of a copy, crashes.
 *
 * The slots of the traced families work, and some others too (ImpersonateClient, GetClientInfo,
 * GetCallInfo, LsaProtectMemory, ...). CrediWrite is NULL. Each other slot returns
 * TABLE_UNSUPPORTED with its number, so that the caller knows which function it reached.
 *
 * errno: unchanged where a function succeeds, else ENOMEM (acquiring) or EINVAL (releasing).
 */

#include "include/secpkg.h"

/* A status from the range that Windows reserves for applications. */
#define TABLE_UNSUPPORTED(slot) ((NTSTATUS)(0xe0000000u | (slot)))

extern const LSA_SECPKG_FUNCTION_TABLE table;

/* The names of packages that CallPackage and similar functions find. All others are unknown. */
#define TABLE_ECHO_PACKAGE u"Echo"

#endif
