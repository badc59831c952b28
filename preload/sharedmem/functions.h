/* SPDX-License-Identifier: MIT */
/*
 * The embedded implementation: shared memory for hosts that have none, and heaps for packages that
 * get no table at all. Its functions take the place of the host's behind the shims, so that calls
 * of them are traced and judged like any others. Another implementation is one more array and one
 * more row in table.c.
 */
#ifndef LSATRACE_PRELOAD_SHAREDMEM_FUNCTIONS_H
#define LSATRACE_PRELOAD_SHAREDMEM_FUNCTIONS_H

#include <stdbool.h>

#include "include/slots.h"
#include "preload/call/convention.h"

/* By calling convention and slot; NULL: this implementation has no function for it. */
extern void *const *const sharedmem_functions[CONVENTION_COUNT];

/* Around a fork(), in the thread that forks: hold all locks, so that nothing is half changed in
 * the child. */
void sharedmem_before_fork(void);
void sharedmem_after_fork(void);
void sharedmem_after_fork_in_child(void);

#endif
