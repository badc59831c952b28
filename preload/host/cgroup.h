/* SPDX-License-Identifier: MIT */
/* The limit of memory that the process has as a member of a control group. Beyond it the kernel kills
 * a process of the group. Cold: reads files of /proc and /sys. Any thread. */
#ifndef LSATRACE_PRELOAD_HOST_CGROUP_H
#define LSATRACE_PRELOAD_HOST_CGROUP_H

#include <stdint.h>

/* How many bytes the group of the process may still use. UINT64_MAX: as many as there are, or it is not
 * known. */
uint64_t cgroup_memory_left(void);

#endif
