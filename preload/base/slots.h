/* SPDX-License-Identifier: MIT */
/* The columns of include/slots.h as arrays, by slot. Constant: any thread, at any time. */
#ifndef LSATRACE_PRELOAD_BASE_SLOTS_H
#define LSATRACE_PRELOAD_BASE_SLOTS_H

#include "include/slots.h"
#include "include/trace_format.h"

extern const enum family slot_family[SLOT_COUNT];
extern const enum trace_role slot_role[SLOT_COUNT];

/* The names of families that users see; "" for FAMILY_NONE. */
extern const char *const family_name[FAMILY_COUNT];

#endif
