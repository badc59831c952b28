/* SPDX-License-Identifier: MIT */
/*
 * Finds the trace that a process writes, by what it has mapped: /proc/PID/maps. The process does not
 * notice. Keeps no state.
 */
#ifndef LSATRACE_VIEWER_TOP_TARGET_H
#define LSATRACE_VIEWER_TOP_TARGET_H

struct buffer;

/* Returns the path of the trace, to be freed; or NULL, and appends in words why there is none. Of `lsatrace record`,
 * it is that of a process that it started. */
char *target_find(unsigned pid, struct buffer *why);

#endif
