/* SPDX-License-Identifier: MIT */
/*
 * The table of wrappers. A wrapper is a function that the host calls in place of one of a
 * package's: of those slots of the package's own table, or of those exports, by which the package
 * is given a table, tells its name, hands memory over, or fails. All others stay the package's. The one of
 * UnloadPackage is called by the package, in place of the host's. include/slots.h lists them.
 *
 * There is one wrapper for each of these slots, each number of a package (packages.h) and each calling convention, because
 * nothing that they are given tells the packages apart. wrappers.c defines them, on top of the
 * modules that put them into tables; so their addresses are declared here, below.
 */
#ifndef LSATRACE_PRELOAD_PACKAGE_WRAPPED_H
#define LSATRACE_PRELOAD_PACKAGE_WRAPPED_H

#include "preload/call/convention.h"
#include "preload/call/originals.h"

/* By function and package number: how far a wrapper lies behind the table, as in shims.h; one table for
 * each calling convention. wrappers_amd64.S defines them. */
typedef const int32_t wrappers_table[WRAPPED_COUNT][WRAPPED_PACKAGES];
extern wrappers_table wrappers_sysv, wrappers_ms;

static inline void *wrappers_at(enum convention convention, enum wrapped wrapped, uint32_t number)
{
	wrappers_table *wrappers = convention == CONVENTION_MS ? &wrappers_ms : &wrappers_sysv;

	return (char *)(uintptr_t)wrappers + (*wrappers)[wrapped][number];
}

/* The entry points that stand for those of libraries (lsa_mode.h): one for each library. entries.c defines
 * them. */
enum { LIBRARIES = WRAPPED_PACKAGES };
extern void *const entries_sysv[LIBRARIES];
extern void *const entries_ms[LIBRARIES];

static inline void *entries_at(enum convention convention, uint32_t index)
{
	return convention == CONVENTION_MS ? entries_ms[index] : entries_sysv[index];
}

#endif
