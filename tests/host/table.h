/* SPDX-License-Identifier: MIT */
#ifndef HOST_TABLE_H
#define HOST_TABLE_H

/*
 * The table that the host hands to packages. It is constant and lies in memory that cannot be
 * written: a tracer that changed it, rather than a copy, would crash.
 *
 * Slots of the traced families work, as do a few others (ImpersonateClient, GetClientInfo,
 * GetCallInfo, LsaProtectMemory, ...). CrediWrite is NULL. Every other slot returns
 * TABLE_UNSUPPORTED of its own number, so that it can be told which function was reached.
 *
 * errno: unchanged where a function succeeds, else ENOMEM (acquiring) or EINVAL (releasing).
 */

#include "include/secpkg.h"

/* A status of the kind that Windows leaves to applications. */
#define TABLE_UNSUPPORTED(slot) ((NTSTATUS)(0xe0000000u | (slot)))

extern const LSA_SECPKG_FUNCTION_TABLE table;

/* The names by which CallPackage and its like find somebody; any other is an unknown package. */
#define TABLE_ECHO_PACKAGE u"Echo"

#endif
