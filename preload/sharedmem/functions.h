/* SPDX-License-Identifier: MIT */
/*
 * The functions that take the place of a host's, by slot: behind the shims they are the host's, so
 * that their calls are traced and judged as any others. An implementation more is an array more, and
 * a row in table.c.
 */
#ifndef LSATRACE_PRELOAD_SHAREDMEM_FUNCTIONS_H
#define LSATRACE_PRELOAD_SHAREDMEM_FUNCTIONS_H

#include <stdbool.h>

#include "include/slots.h"

/* Shared memory, and what a package needs that is given no table by its host; NULL: none of ours. */
extern void *const sharedmem_functions[SLOT_COUNT];

/* Around a fork(), so that nothing is in the midst of a change in the child. */
void sharedmem_before_fork(void);
void sharedmem_after_fork(void);
void sharedmem_after_fork_in_child(void);

#endif
