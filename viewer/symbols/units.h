/* SPDX-License-Identifier: MIT */
/*
 * The compilation units of a binary's DWARF debug information: from an address to functions, files
 * and lines.
 *
 * libdw offers the same, but walks through all of a unit for each address; 10,000 addresses take
 * seconds. Here each unit is walked once, and only as far as it is needed:
 *
 *   1. The first address in a unit collects the unit's functions.
 *   2. The first address in a function collects the calls that are inlined into it, and so on
 *      inward.
 *   3. An address in no known function collects functions inside of functions, such as lambdas.
 *
 * What is collected together is a *level*: the code of scopes beside each other, sorted by start.
 * Code of one level may still lie in other code of it. `around` then leads from the inner to the
 * outer one, so the innermost code that holds an address is found by a binary search, and a walk
 * outward:
 *
 *   a |--------------------------|     around of b and c: a; of d: c
 *   b   |-----|                        an address in c, behind d: the search finds d, which ends
 *   c            |------------|        before it; around of d is c, which holds it
 *   d              |---|
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_SYMBOLS_UNITS_H
#define LSATRACE_VIEWER_SYMBOLS_UNITS_H

#include <elfutils/libdw.h>

#include "viewer/symbols/place.h"

struct units;

/*
 * Lists the units. `dwarf`, and the path of the binary, must outlive the result. Never NULL.
 */
struct units *units_new(Dwarf *dwarf, const char *path);
/* Accepts NULL. */
void units_free(struct units *u);

/*
 * Fills in the places of an address, the innermost inlined function first, and returns how many; at
 * most `room`, which is at least 1. Returns 0 if no unit has the address.
 */
unsigned units_find(struct units *u, Dwarf_Addr address, struct place *places, unsigned room);

/* Returns what is missing of the units that were asked, in words for "its debug information %s"; NULL: nothing. */
const char *units_gap(const struct units *u);

#endif
