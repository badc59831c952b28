/* SPDX-License-Identifier: MIT */
/*
 * Shims: the functions that replace the host's in a package's table, so that its calls are traced.
 *
 * A function of the table is not told through which table it was called. So there is a shim for each slot
 * and package, and calling convention: by the shim that is called, lsatrace knows the package. A shim jumps to the body for its
 * prototype, which takes the call through the steps of call.h. Bodies and rows of prototypes are in
 * shims.c; rows of slots are in include/slots.h.
 */
#ifndef LSATRACE_PRELOAD_CALL_SHIMS_H
#define LSATRACE_PRELOAD_CALL_SHIMS_H

#include <stdint.h>

#include "include/slots.h"
#include "include/trace_format.h"
#include "preload/call/convention.h"

/* By slot and package index: how far a shim lies behind the table; one table for each calling convention.
 * The loader would have to fill in addresses, thousands in each process. shims_amd64.S defines them. */
typedef const int32_t shims_table[SLOT_COUNT][TRACE_PACKAGES];
extern shims_table shims_sysv, shims_ms;

static inline void *shims_at(enum convention convention, enum slot slot, uint32_t index)
{
	shims_table *shims = convention == CONVENTION_MS ? &shims_ms : &shims_sysv;

	return (char *)(uintptr_t)shims + (*shims)[slot][index];
}

#endif
