/* SPDX-License-Identifier: MIT */
/* Private memory of the tracer: reserved in whole, used page by page, never moved. */
#ifndef LSATRACE_VM_H
#define LSATRACE_VM_H

#include <stddef.h>
#include <sys/mman.h>

/* Zeroed memory; NULL: none to be had. Costs nothing until it is touched. */
static inline void *vm_reserve(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

#endif
