/* SPDX-License-Identifier: MIT */
/*
 * Shared memory for hosts that have none: the four functions of the family, as secpkg.h declares
 * them.
 *
 * A section is a memory file whose size nobody can change. It is mapped in whole: MaxSize bytes,
 * and one granule that belongs to no block. Its handle is the address of the mapping. InitialSize
 * bytes are committed at once, and more as blocks are handed out, so that a lack of memory is a
 * NULL and no SIGBUS.
 *
 * Other processes may map the same memory by /proc/PID/fd/N, where the trace says what N is, and
 * may write to any byte of it. So the tracer neither trusts nor reads anything in it. Blocks are
 * aligned to 16 bytes, and zeroed when they are handed out.
 *
 * A creation fails with NULL if MaxSize is 0 or smaller than InitialSize, or if anything is
 * lacking; an allocation if the section has no room. A block of 0 bytes has an address of its own.
 * A free of anything but a block of that section, and a deletion of anything but a section, change
 * nothing. A handle is looked up before anything at its address is touched, so that any value may
 * be passed.
 *
 * Any number of threads; those in different sections do not wait for each other. errno stays as it
 * is. After a fork() parent and child share the memory, but each has its own bookkeeping: if both
 * go on to allocate from the same section, they hand out the same blocks.
 */
#ifndef LSATRACE_PRELOAD_SHAREDMEM_SECTIONS_H
#define LSATRACE_PRELOAD_SHAREDMEM_SECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "include/secpkg.h"

PVOID sections_create(ULONG max_size, ULONG initial_size);
PVOID sections_allocate(PVOID section, ULONG size);
void sections_free(PVOID section, PVOID memory);
BOOLEAN sections_delete(PVOID section);

/* The descriptor of a live section's file; -1 if it has none, or if this is no section. */
int sections_descriptor(uint64_t handle);

/* Around a fork(), in the thread that forks: takes the locks of all sections, and releases them.
 * The first one returns false if it has taken none; then the other one must not be called. */
bool sections_before_fork(void);
void sections_after_fork(bool is_child);

#endif
