/* SPDX-License-Identifier: MIT */
/*
 * Finds out whether the process that made a trace is still running. Asks /proc of this machine;
 * keeps no state.
 */
#ifndef LSATRACE_VIEWER_MODEL_LIVENESS_H
#define LSATRACE_VIEWER_MODEL_LIVENESS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Does a process run that has this pid, start time (field 22 of /proc/PID/stat, in clock ticks
 * since boot) and boot id? A pid alone is not enough: it may have been given to another process. A
 * zombie does not run. False if any of this cannot be found out.
 */
bool liveness_check(int32_t pid, uint64_t start, const uint8_t boot_id[16]);

/* Was a trace with this boot id made on this machine, since it was booted? */
bool liveness_is_here(const uint8_t boot_id[16]);

#endif
