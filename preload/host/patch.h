/* SPDX-License-Identifier: MIT */
/* Changes the target's memory where it lies: the one place that does. */
#ifndef LSATRACE_PRELOAD_HOST_PATCH_H
#define LSATRACE_PRELOAD_HOST_PATCH_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Writes a pointer, at once, so that a thread that reads it sees the old or the new one. Memory
 * that is read-only is so again afterwards. False: it cannot be written. Cold: asks the kernel how
 * the memory is protected. Under LOCK_MEMORY, so that no thread makes a page read-only again while
 * another one writes to it.
 */
bool patch_pointer(void **place, void *value);

/* Writes 32 bits at any address, which need not be a multiple of 4. For memory that no other thread uses
 * yet: takes no lock. Else as patch_pointer(). */
bool patch_word(void *place, uint32_t value);

#endif
