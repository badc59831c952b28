/* SPDX-License-Identifier: MIT */
/* Private memory of the tracer: address space is reserved once and never moved; memory is used
 * page by page. */
#ifndef LSATRACE_PRELOAD_BASE_VM_H
#define LSATRACE_PRELOAD_BASE_VM_H

#include <stddef.h>
#include <sys/mman.h>

/* Returns `bytes` bytes, all zero, which cost memory only once they are touched; NULL if there
 * is no address space. munmap() gives them back. */
static inline void *vm_reserve(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

#endif
