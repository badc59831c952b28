/* SPDX-License-Identifier: MIT */
/*
 * What the functions of the table share. Each begins with slot_enter() and returns by slot_leave(), so that faults name it.
 * Any thread.
 *
 * What a package hands in may be NULL where a stand-in needs no value: names, sources of tokens, handles of users. What it
 * wants to be told must not be NULL.
 */
#ifndef LSATRACE_HOST_LSA_SLOT_H
#define LSATRACE_HOST_LSA_SLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "include/secpkg.h"
#include "viewer/host/memory/heaps.h"

/* Of those that secpkg.h does not have. */
#define STATUS_NO_SUCH_LOGON_SESSION ((NTSTATUS)0xc000005f)
#define STATUS_LOGON_SESSION_EXISTS ((NTSTATUS)0xc00000ee)
#define STATUS_OBJECT_NAME_NOT_FOUND ((NTSTATUS)0xc0000034)
#define STATUS_NO_MORE_ENTRIES ((NTSTATUS)0x8000001a)
#define STATUS_ACCESS_VIOLATION ((NTSTATUS)0xc0000005)

void slot_enter(const char *name);
NTSTATUS slot_leave(NTSTATUS status);

/* Returns whether an output parameter is there; otherwise it is told. */
bool slot_has_output(const char *parameter, const void *address);

/* Returns whether a string is NULL or right; otherwise it is told. */
bool slot_check_name(const char *parameter, const UNICODE_STRING *name);
bool slot_check_text(const char *parameter, const LSA_STRING *text);

/* Returns a copy, zeroed if there is nothing to copy; or NULL. */
void *slot_copy(enum heap heap, const void *from, size_t bytes);

/* Makes a string, which every function frees. Returns whether there was memory. */
bool slot_make_name(UNICODE_STRING *name, const char *text);

#endif
