/* SPDX-License-Identifier: MIT */
/* What include/slots.h says of each slot, to be looked up. Constant. */
#ifndef LSATRACE_PRELOAD_BASE_SLOTS_H
#define LSATRACE_PRELOAD_BASE_SLOTS_H

#include "include/slots.h"
#include "include/trace_format.h"

extern const enum family slot_family[SLOT_COUNT];
extern const enum trace_role slot_role[SLOT_COUNT];

/* As users know it; of FAMILY_NONE, none. */
extern const char *const family_name[FAMILY_COUNT];

#endif
