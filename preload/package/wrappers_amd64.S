/* SPDX-License-Identifier: MIT */
/* The tables of wrapped.h. */
#include "include/slots.h"
#include "preload/call/each_package.h"
#include "preload/host/registers.h"

#define DISTANCE(p, name, convention) .long wrap_##name##_##p##_##convention - 0b;
#define SYSV(name, ...) EACH_WRAPPED_PACKAGE(DISTANCE, name, sysv)
#define MS(name, ...) EACH_WRAPPED_PACKAGE(DISTANCE, name, ms)

	begin_table wrappers_sysv
	WRAPPED_SLOTS(SYSV)
	.size wrappers_sysv, . - wrappers_sysv
	begin_table wrappers_ms
	WRAPPED_SLOTS(MS)
	.size wrappers_ms, . - wrappers_ms

	notes
