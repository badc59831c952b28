/* SPDX-License-Identifier: MIT */
/*
 * The functions that stand between the shims and the host's (functions.h), one table for each calling
 * convention. They do what is guarded, and pass on what is not. Any thread; errno stays as it is.
 */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_CALLS_H
#define LSATRACE_PRELOAD_GUARDPAGE_CALLS_H

#include "include/secpkg.h"
#include "include/slots.h"
#include "preload/call/convention.h"

/* By slot; NULL: no block of it can be guarded. */
extern void *const calls_sysv[SLOT_COUNT];
extern void *const calls_ms[SLOT_COUNT];

static inline void *calls_at(enum convention convention, enum slot slot)
{
	return convention == CONVENTION_MS ? calls_ms[slot] : calls_sysv[slot];
}

/* What they stand in front of. NULL: nothing stands there. Set under LOCK_COLD, before a package has the
 * function. */
extern void *calls_host[CONVENTION_COUNT][SLOT_COUNT];

/* Calls the host's AllocateLsaHeap, which must be there. */
PVOID calls_allocate_lsa_sysv(ULONG length);
PVOID calls_allocate_lsa_ms(ULONG length);

#endif
