/* SPDX-License-Identifier: MIT */
/*
 * The guarded implementation: functions that allocate blocks beside inaccessible pages, for
 * --allocator=guard. They stand between the shims and the host's functions (or the embedded ones),
 * and pass on to these what is not guarded. So calls of them are traced and judged like any others.
 */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_FUNCTIONS_H
#define LSATRACE_PRELOAD_GUARDPAGE_FUNCTIONS_H

#include "include/slots.h"
#include "preload/call/convention.h"

/*
 * Returns the function that is to stand behind the shim of a slot, where the host's table has
 * `host`, of that calling convention: the guarded one, or `host` itself if the user did not ask for it, if
 * another host's function is behind the guarded one of that convention already, or if there is no memory. The first call prepares the
 * guard; if that fails, one line on standard error says so. The caller holds LOCK_COLD.
 */
void *guardpage_function(enum slot slot, enum convention convention, void *host);

#endif
