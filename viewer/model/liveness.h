/* SPDX-License-Identifier: MIT */
/*
 * Is the process that made a trace still there? Asks /proc of this machine, and keeps nothing.
 */
#ifndef LSATRACE_VIEWER_MODEL_LIVENESS_H
#define LSATRACE_VIEWER_MODEL_LIVENESS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Does a process run that has this id, was started at that time (field 22 of /proc/PID/stat, in
 * clock ticks since the machine was started) and since this start of the machine? One that has died
 * and was not waited for does not run. False if any of it cannot be found out.
 */
bool process_runs(int32_t pid, uint64_t start, const uint8_t boot_id[16]);

#endif
