/* SPDX-License-Identifier: MIT */
/*
 * Shared memory for hosts that have none: the four functions of the family, as secpkg.h has them.
 *
 * A section is a memory file that nobody can make smaller or larger, mapped as large as it may become
 * (MaxSize, and a granule that is no block's). Its handle is its address. InitialSize is committed at
 * once and the rest as blocks are handed out, so that want of memory is a NULL and no SIGBUS. Whoever
 * opens /proc/PID/fd/N, where the trace says what N is, maps the same memory and may write to any
 * byte of it: nothing in it is ever trusted, or even read. Blocks are aligned to 16 bytes, and are
 * zero when they are handed out, whatever was written there before.
 *
 * MaxSize 0, an InitialSize larger than that, and want of anything are NULL; so is a block for which
 * there is no room. A block of 0 bytes is one of its own. A free of what is no block of the section
 * that was named, and the deletion of what is no section, change nothing. No handle is followed
 * before it is known, whatever its value.
 *
 * Any number of threads; those in different sections do not meet. Errno is left alone. What is known
 * of a section belongs to the process: after a fork() parent and child have the memory in common, and
 * one of them may go on to hand out blocks of it; if both do, they hand out the same ones.
 */
#ifndef LSATRACE_PRELOAD_SHAREDMEM_SECTIONS_H
#define LSATRACE_PRELOAD_SHAREDMEM_SECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "include/secpkg.h"

LSA_CREATE_SHARED_MEMORY sections_create;
LSA_ALLOCATE_SHARED_MEMORY sections_allocate;
LSA_FREE_SHARED_MEMORY sections_free;
LSA_DELETE_SHARED_MEMORY sections_delete;

/* The descriptor of a live section's file; -1: it is none of ours. */
int sections_descriptor(uint64_t handle);

/* Takes every lock, in this thread, and gives them back. False: it has taken none. */
bool sections_before_fork(void);
void sections_after_fork(bool is_child);

#endif
