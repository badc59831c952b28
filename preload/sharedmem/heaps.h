/* SPDX-License-Identifier: MIT */
/*
 * The two heaps of a package whose host gives it no function table at all. A table with nothing but
 * shared memory would not do: the package would take it for a whole one, and call NULL.
 *
 * The functions are those of secpkg.h. Blocks are aligned to 16 bytes and zeroed. A free of
 * anything but a live block of the same heap changes nothing. The memory is private: a forked child
 * has its own copy. It is the host's data: only what is in use is mapped, dumped, and locked where the
 * host locks its memory. Any number of threads; errno stays as it is.
 */
#ifndef LSATRACE_PRELOAD_SHAREDMEM_HEAPS_H
#define LSATRACE_PRELOAD_SHAREDMEM_HEAPS_H

#include <stdbool.h>

#include "include/secpkg.h"

/* Reserves the memory of both heaps, unless that is done. Returns false if there is none. Under
 * LOCK_COLD. */
bool heaps_init(void);

/* Gives both heaps room ahead: from now on no system call may be made. */
void heaps_prepare(void);

PVOID heaps_allocate_lsa(ULONG size);
void heaps_free_lsa(PVOID memory);
PVOID heaps_allocate_private(SIZE_T size);
void heaps_free_private(PVOID memory);

/* Between sections_before_fork() and sections_after_fork(): the locks of the heaps. */
void heaps_before_fork(void);
void heaps_after_fork(bool is_child);

#endif
