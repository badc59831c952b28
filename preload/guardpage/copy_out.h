/* SPDX-License-Identifier: MIT */
/*
 * Replaces guarded blocks that a package returns to the LSA by copies on the host's heap. The LSA
 * will free them with its own function, which does not know guarded blocks.
 *
 * A block is copied with all guarded blocks that it points to. Then each pointer into a block that
 * was copied is changed to point into the copy: in the place in which the block was returned, and
 * in the copies. The guarded blocks are freed, so that the tracer notices if the package goes on
 * using them.
 *
 * Called beside the functions of transfer.h, which record what changes hands and walk the same
 * words. A block for which the host has no room stays as it is, and is counted in the header of the
 * trace. errno stays as it is. Does nothing if the LSA's heap is not guarded. Any thread.
 */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_COPY_OUT_H
#define LSATRACE_PRELOAD_GUARDPAGE_COPY_OUT_H

#include <stddef.h>

#include "preload/call/convention.h"

/* Moves the block that `*place` points to. `place` and `*place` may be NULL. `convention` is that of
 * the package that returns it, as in the next one. */
void copy_out_block(void **place, enum convention convention);

/* Moves all blocks that a structure of `bytes` bytes points to. The structure is the caller's,
 * may be NULL, and is looked at as far as it is readable. */
void copy_out_contents(void *structure, size_t bytes, enum convention convention);

#endif
