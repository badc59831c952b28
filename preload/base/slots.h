/* SPDX-License-Identifier: MIT */
/* The columns of include/slots.h as arrays, by slot, or by number of a function: of those that are no
 * traced slots, the entries are 0. Constant: any thread, at any time. */
#ifndef LSATRACE_PRELOAD_BASE_SLOTS_H
#define LSATRACE_PRELOAD_BASE_SLOTS_H

#include "include/slots.h"
#include "include/trace_format.h"

extern const enum family slot_family[TRACE_FUNCTIONS];
extern const enum trace_role slot_role[TRACE_FUNCTIONS];

/* The names of families that users see; "" for FAMILY_NONE. */
extern const char *const family_name[FAMILY_COUNT];

#endif
