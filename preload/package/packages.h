/* SPDX-License-Identifier: MIT */
/*
 * The packages, from the table that each is handed until it goes.
 *
 * A package has two names here. Its *number* says which static functions stand for it (wrapped.h):
 * from the moment that its library shows it until that is unloaded, when another package is given the
 * number. Its *index* is what the trace knows it by: given with its first table, never given again,
 * and at last the one that all packages beyond the 64th share.
 *
 * A package *ends* when its host unloads it, when it fails to initialise, or with its library. Handed
 * a table after that, it is a new package, with a new index.
 */
#ifndef LSATRACE_PRELOAD_PACKAGE_PACKAGES_H
#define LSATRACE_PRELOAD_PACKAGE_PACKAGES_H

#include <stdint.h>

#include "include/secpkg.h"
#include "preload/package/table.h"
#include "preload/package/wrapped.h"

enum { PACKAGE_NONE = WRAPPED_PACKAGES }; /* no number */

/* A number for a package of the library that holds `code`, the one at a position in its array of
 * tables. PACKAGE_NONE: there are too many at a time, which is counted. Under the cold lock. */
uint32_t packages_add(const void *code, uint32_t position);

/* That code; NULL: the number is free. */
const void *packages_code(uint32_t number);

/* The number of the image that holds that code (images.h); 0: none. */
uint32_t packages_image(uint32_t number);

/* Its library is gone: the package ends, and its number is free. Under the cold lock. */
void packages_remove(uint32_t number);

/* The table that a package gets in place of the host's, which may be NULL; makes the trace if it is
 * the first. The host's own when the process cannot be traced. Keeps errno, as all that follow. */
void *packages_hand_out(uint32_t number, ULONG_PTR id, void *table, enum table_kind kind);

/* The index of a package that is known by its table only, in the module that holds it. Under the cold
 * lock. */
uint32_t packages_define_table(const void *table, const char *name, size_t name_bytes);

/* How the trace knows a package: by the index that it was given last. */
uint32_t packages_index(uint32_t number);

/* The package has been unloaded, or has failed to initialise. */
void packages_end(uint32_t number);

/* Notes the name that a package gives to itself; the first one counts. */
void packages_name(uint32_t number, const WCHAR *name);
void packages_name_narrow(uint32_t number, const LSA_STRING *name);

#endif
