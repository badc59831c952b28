/* SPDX-License-Identifier: MIT */
/*
 * Function tables: a package's copy of the host's, with our shims in the slots that we trace and all
 * others as they were. The host's own table is only read.
 */
#ifndef LSATRACE_PRELOAD_PACKAGE_TABLE_H
#define LSATRACE_PRELOAD_PACKAGE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As long as the longest table known, and some: a package may copy it whole, by its own idea of how
 * long it is. */
enum { TABLE_SLOTS = 64 };

/* What a host hands to a package. A package may be given one of each kind. */
enum table_kind {
	TABLE_FULL,     /* LSA_SECPKG_FUNCTION_TABLE */
	TABLE_DISPATCH, /* LSA_DISPATCH_TABLE: its first slots */
	TABLE_DLL,      /* SECPKG_DLL_FUNCTIONS, in a client */
	TABLE_KINDS
};

/* What a table of a kind really is: hosts hand over the full table as the dispatch table that begins
 * it, and packages are known to count on that. Then the rest of it evidently lies behind. */
enum table_kind table_kind_of(const void *host_table, enum table_kind kind);

/* Does a package get a table of this kind from us whose host gives it none? */
bool table_stands_for_null(enum table_kind kind);

/*
 * Makes the copy of a host's table for the package of a number (packages.h) whose index in the trace
 * is `index`: with what lies behind its slots as far as that is mapped. Returns it. The copy for a
 * number lies at the same place each time. Slots of NULL, and what is no code, stay as they are, but
 * for those of which we have a function; and so do, for TRACE_PACKAGE_OTHER, slots in which the
 * packages that share it have different functions: such a table is counted. A host_table of NULL is
 * one of NULLs. NULL: no memory. Under the cold lock.
 */
void *table_substitute(const void *host_table, enum table_kind kind, uint32_t number,
		       uint32_t index);

/* Puts a package's shims into a copy of TABLE_SLOTS slots, of which `slots` are the table's, and notes
 * what was there. The same slots stay as they are. */
void table_put_shims(void **copy, size_t slots, uint32_t index);

/* Puts what we have for slots of NULL into such a copy, if it is that of a full table. */
void table_provide(void **copy, size_t slots, uint32_t index);

#endif
