/* SPDX-License-Identifier: MIT */
/* Changes the target's memory where it lies: the one place that does. */
#ifndef LSATRACE_PRELOAD_HOST_PATCH_H
#define LSATRACE_PRELOAD_HOST_PATCH_H

#include <stdbool.h>

/*
 * Writes a pointer, at once, so that a thread that reads it sees the old or the new one. Memory
 * that is read-only is so again afterwards. False: it cannot be written. Cold: asks the kernel how
 * the memory is protected. Under LOCK_MEMORY, so that no thread makes a page read-only again while
 * another one writes to it.
 */
bool patch_pointer(void **place, void *value);

#endif
