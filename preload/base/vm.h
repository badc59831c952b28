/* SPDX-License-Identifier: MIT */
/* Private memory of the tracer: reserved in whole, used page by page, never moved. */
#ifndef LSATRACE_PRELOAD_BASE_VM_H
#define LSATRACE_PRELOAD_BASE_VM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "preload/host/maps.h"

/* Zeroed memory; NULL: none to be had. Costs nothing until it is touched. */
static inline void *vm_reserve(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

/* Where address space is limited, it is the host's before it is ours: `bytes`, halved until they are no
 * more than that part of what is left of it. */
static inline uint64_t vm_share(uint64_t bytes, unsigned part)
{
	struct rlimit limit;
	uint64_t used, left;

	if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return bytes;
	used = maps_bytes();
	left = limit.rlim_cur > used ? limit.rlim_cur - used : 0;
	while (bytes > left / part)
		bytes /= 2;
	return bytes;
}

#endif
