/* SPDX-License-Identifier: MIT */
/* The tables of shims.h. */
#include "include/slots.h"
#include "preload/call/each_package.h"
#include "preload/host/registers.h"

#define DISTANCE(p, name, convention) .long shim_##name##_##p##_##convention - 0b;
#define DISTANCES(name, convention) EACH_TRACED_PACKAGE(DISTANCE, name, convention)
#define SYSV(table, name, family, role, prototype) DISTANCES(name, sysv)
#define MS(table, name, family, role, prototype) DISTANCES(name, ms)

	begin_table shims_sysv
	TRACED_SLOTS(SYSV)
	.size shims_sysv, . - shims_sysv
	begin_table shims_ms
	TRACED_SLOTS(MS)
	.size shims_ms, . - shims_ms

	notes
