/* SPDX-License-Identifier: MIT */
#include "preload/base/slots.h"

#include "preload/base/poison.h"

#define SLOT_FAMILY(table, name, family, role, shim) FAMILY_##family,
#define SLOT_ROLE(table, name, family, role, shim) TRACE_ROLE_##role,
#define FAMILY_NAME(constant, text) text,

const enum family slot_family[TRACE_FUNCTIONS] = { TRACED_SLOTS(SLOT_FAMILY) };
const enum trace_role slot_role[TRACE_FUNCTIONS] = { TRACED_SLOTS(SLOT_ROLE) };
const char *const family_name[] = { "", TRACED_FAMILIES(FAMILY_NAME) };
