/* SPDX-License-Identifier: MIT */
/*
 * From a library's SpLsaModeInitialize to the packages' tables. The host gets, in place of the
 * library's entry point, one of ours that calls it; in place of the array of SECPKG_FUNCTION_TABLEs
 * that it returns, a copy in which some slots are ours (wrappers.h); and so the package gets, in
 * place of the host's table, its copy of it. The library's own tables are only read.
 */
#ifndef LSATRACE_PACKAGES_H
#define LSATRACE_PACKAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../include/secpkg.h"

/* How much of a host's table is slots: the rest is whatever lies behind it. */
enum {
	SECPKG_TABLE_SLOTS = sizeof(LSA_SECPKG_FUNCTION_TABLE) / sizeof(void *),
	SECPKG_DISPATCH_SLOTS = sizeof(LSA_DISPATCH_TABLE) / sizeof(void *),
};

/* The entry point that stands for `real`, a library's own. The same one for the same library; `real`
 * itself when there are too many libraries. */
SpLsaModeInitializeFn packages_entry_for(SpLsaModeInitializeFn real);

/* After a dlclose(): a library that comes to the place of one that is gone is a new one. */
void packages_unloaded(void);

/* The table that a package gets in place of the host's; makes the trace if it is the first. The
 * host's own when the process cannot be traced. Keeps errno, as the next two. */
void *packages_hand_out(uint32_t package, ULONG_PTR id, void *table, size_t slots);

/* A package that is known by its table only, in the module that holds it. Under the cold lock. False:
 * there are too many packages. */
bool packages_add_table(const void *table, const char *name, size_t name_bytes, uint32_t *package);

/* Copies the package's own table again: it may have been completed only now. */
void packages_refresh(uint32_t package);

/* Notes the name that a package gives to itself. */
void packages_name(uint32_t package, const WCHAR *name);

#endif
