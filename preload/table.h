/* SPDX-License-Identifier: MIT */
/*
 * Function tables: a package's copy of the host's, with our shims in the slots that we trace and all
 * others as they were. The host's own table is only read.
 */
#ifndef LSATRACE_TABLE_H
#define LSATRACE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "../include/slots.h"
#include "../include/trace_format.h"

/* As long as the longest table known, and some: a package may copy it whole, by its own idea of how
 * long it is. */
enum { TABLE_SLOTS = 64 };

/* The host's functions behind each package's shims, or ours that stand in for them. Written before the package sees its table. */
extern void *table_original[TRACE_PACKAGES][SLOT_COUNT];

/*
 * Makes the package's copy of a host's table of `slots` slots, with what lies behind them as far as
 * that is mapped. Returns it. The copy of a package lies at the same place each time. Slots of NULL,
 * and what is no code, stay as they are.
 */
void *table_substitute(const void *host_table, size_t slots, uint32_t package);

#endif
