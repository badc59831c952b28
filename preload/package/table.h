/* SPDX-License-Identifier: MIT */
/*
 * Function tables: a package's copy of the host's, with shims in the traced slots, the package's
 * wrapper in that of UnloadPackage (wrapped.h), and all others as they were. The host's own table is
 * only read.
 *
 * What stands in a traced slot of the copy, and what is called behind its shim:
 *
 *	the host's slot                         in the copy    behind the shim
 *	code                                    shim           the host's, or a guarded one before it
 *	code, --allocator=embedded              shim           lsatrace's own
 *	empty, and its family can be provided   shim           lsatrace's own
 *	empty, or no code                       as it was
 *	of a family that --families leaves out  as it was, or lsatrace's own without a shim
 *
 * Under the cold lock, where nothing else is said.
 */
#ifndef LSATRACE_PRELOAD_PACKAGE_TABLE_H
#define LSATRACE_PRELOAD_PACKAGE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/slots.h"
#include "include/trace_format.h"
#include "preload/call/convention.h"

/* Slots of a copy. More than the longest table known has, the 66 of the newest SDK: a package may copy
 * its table whole, by its own idea of how long it is. */
enum { TABLE_SLOTS = 80 };

/* What a host hands to a package. A package may be given one of each kind. */
enum table_kind {
	TABLE_FULL,     /* LSA_SECPKG_FUNCTION_TABLE */
	TABLE_DISPATCH, /* LSA_DISPATCH_TABLE: the first slots of that */
	TABLE_DLL,      /* SECPKG_DLL_FUNCTIONS, in a client */
	TABLE_KINDS
};

/*
 * Returns what a table really is that was handed over as one of a kind. Hosts hand over the full
 * table where a dispatch table is expected, and packages rely on that. A full table is known by
 * this: all slots up to the end of the oldest one hold a function or nothing, and some behind the
 * dispatch table a function. A host without shared memory has nothing in those slots.
 *
 * `*doubt` is 0, or the first slot that breaks this, if so few do that it may be a full table all the
 * same, and has functions that would be traced. Any thread.
 */
enum table_kind table_kind_of(const void *host_table, enum table_kind handed, unsigned *doubt);

/* Does a package get a table of this kind from lsatrace if its host gives it none? Any thread. */
bool table_stands_for_null(enum table_kind kind);

/*
 * Makes the copy of a host's table for the package with that number and index (packages.h), and
 * returns it. `kind` is what the table really is, `convention` that of its functions. The copy for a number always lies at the same
 * place, one for each kind of which a table is handed over. It holds what lies behind the table's
 * slots as well, as far as that can be read. Returns NULL if there is no memory.
 *
 * A host_table of NULL stands for one that has what the package was handed as a dispatch table. The
 * host's heap is not mixed with lsatrace's: that is provided only if the package was handed none.
 *
 * Packages that share TRACE_PACKAGE_OTHER share its shims. Where they have different functions in a
 * slot, the later ones keep the host's, and such a table is counted in the trace.
 */
void *table_substitute(const void *host_table, enum table_kind handed, enum table_kind kind,
		       enum convention convention, uint32_t number, uint32_t index);

/* Forgets the tables of a number, whose package has gone. */
void table_forget(uint32_t number);

/* Puts the shims of an index into a copy of a table that has that many slots,
 * and notes what was there. */
void table_put_shims(void **copy, size_t slots, enum convention convention, uint32_t index);

/* Returns the functions of a family, by slot: those of an implementation, or those of sharedmem/, of that
 * calling convention, if it has none of that family. Any thread. */
void *const *table_functions_of(void *const *functions, enum convention convention,
				enum family family);

/* Puts lsatrace's own functions for shared memory into such a copy where they are needed, if it is
 * that of a full table. */
void table_provide(void **copy, size_t slots, enum convention convention, uint32_t index);

#endif
