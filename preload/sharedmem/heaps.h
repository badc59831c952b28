/* SPDX-License-Identifier: MIT */
/*
 * The heaps of a host that gives a package no table at all: such a package would take one that holds
 * nothing but shared memory for a whole one, and call NULL. The functions are those of secpkg.h. A
 * free of what is no block of the same heap changes nothing. Otherwise as sections.h has it, but that
 * the memory is private: a forked child has its own.
 */
#ifndef LSATRACE_PRELOAD_SHAREDMEM_HEAPS_H
#define LSATRACE_PRELOAD_SHAREDMEM_HEAPS_H

#include <stdbool.h>

#include "include/secpkg.h"

/* Reserves their memory, unless it is there. Under the cold lock. False: none is to be had. */
bool heaps_init(void);

LSA_ALLOCATE_LSA_HEAP heaps_allocate_lsa;
LSA_FREE_LSA_HEAP heaps_free_lsa;
LSA_ALLOCATE_PRIVATE_HEAP heaps_allocate_private;
LSA_FREE_PRIVATE_HEAP heaps_free_private;

/* As sections_before_fork(), and after it. */
void heaps_before_fork(void);
void heaps_after_fork(bool is_child);

#endif
