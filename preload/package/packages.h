/* SPDX-License-Identifier: MIT */
/*
 * The packages, each from the moment that its library shows it until it goes. A package has two
 * numbers:
 *
 *	number   says which wrappers stand for it (wrapped.h). It is the package's from the
 *	         moment that its library shows it until the library is unloaded.
 *	index    says how the trace knows it, and which shims stand for it. Given when it is
 *	         handed its first table, and never again. All packages beyond the 64th share
 *	         TRACE_PACKAGE_OTHER.
 *
 *	no index ── handed a table ──▶ has an index ── unloaded, failed to initialise, ──▶ ended
 *	                                    ▲            or its library is gone              │
 *	                                    └───────── handed a table: a new index ──────────┘
 *
 * Where nothing else is said, any thread may call, the cold lock is taken, and errno stays as it is.
 */
#ifndef LSATRACE_PRELOAD_PACKAGE_PACKAGES_H
#define LSATRACE_PRELOAD_PACKAGE_PACKAGES_H

#include <stdint.h>

#include "include/secpkg.h"
#include "preload/call/convention.h"
#include "preload/call/originals.h"
#include "preload/package/table.h"

enum { PACKAGE_NONE = WRAPPED_PACKAGES }; /* no number */

/*
 * Returns a number for a package of the library that holds `code`: the package whose table is at
 * `position` in the library's array, and whose functions have that calling convention. Returns PACKAGE_NONE if there are too many at a time, which is
 * counted. Under the cold lock.
 */
uint32_t packages_add(const void *code, uint32_t position, enum convention convention);

/* Returns that code; NULL: nobody has the number. Under the cold lock, or in a wrapper of that package; as the
 * next one. */
const void *packages_code(uint32_t number);

/* Returns the number of the image that holds that code (images.h); 0: none does. */
uint32_t packages_image(uint32_t number);

/* The library of a package is gone: the package ends, and its number is free. Under the cold
 * lock. */
void packages_remove(uint32_t number);

/*
 * Returns the table that a package gets in place of the host's, which may be NULL. Begins the trace
 * if there is none. Returns `table` itself if the process cannot be traced.
 */
void *packages_hand_out(uint32_t number, ULONG_PTR id, void *table, enum table_kind kind);

/*
 * Returns an index for a package of which only the host's table is known (inplace.h). In the trace
 * its module is the one that holds the table. Under the cold lock.
 */
uint32_t packages_define_table(const void *table, const char *name, size_t name_bytes);

/* Returns the index that the package was given last. Takes no lock. */
uint32_t packages_index(uint32_t number);

/* The package was unloaded; or has failed to initialise. */
void packages_end(uint32_t number);
void packages_fail(uint32_t number);

/* Notes the name by which a package calls itself. The first one counts. The strings are read with
 * care: they may be anything. */
void packages_name(uint32_t number, const WCHAR *name);
void packages_name_narrow(uint32_t number, const LSA_STRING *name);

#endif
