/* SPDX-License-Identifier: MIT */
/*
 * Function tables: a package's copy of the host's, with our shims in the slots that we trace and all
 * others as they were. The host's own table is only read.
 *
 * Behind the shims are the host's functions, or our own (embedded/): those of shared memory where the
 * host lacks any of them, or at the user's wish; and those that a package cannot do without, where the
 * host gives it no table at all. Who does not want shared memory traced gets none of ours.
 */
#ifndef LSATRACE_TABLE_H
#define LSATRACE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../include/slots.h"
#include "../include/trace_format.h"

/* As long as the longest table known, and some: a package may copy it whole, by its own idea of how
 * long it is. */
enum { TABLE_SLOTS = 64 };

/* The host's functions behind each package's shims. Written before the package sees its table. */
extern void *table_original[TRACE_PACKAGES][SLOT_COUNT];

/* Does a package get a table whose host gives it none? */
bool table_stands_for_null(size_t slots);

/*
 * Makes the package's copy of a host's table of `slots` slots, with what lies behind them as far as
 * that is mapped. Returns it. The copy of a package lies at the same place each time. Slots of NULL,
 * and what is no code, stay as they are, but for those of which we have a function. A host_table of
 * NULL is one of NULLs.
 */
void *table_substitute(const void *host_table, size_t slots, uint32_t package);

#endif
