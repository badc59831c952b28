/* SPDX-License-Identifier: MIT */
/*
 * Guarded blocks that change hands. What a package returns to the LSA is freed by the LSA with its own
 * heap, which knows no guarded block: so each goes over as a copy on the host's heap, with what it
 * points to, and every pointer into what was copied is made to lead into the copy: the place in which
 * the block was returned, and the words of the copies. The guarded blocks are freed, so that a package
 * that goes on using them is found out.
 *
 * Called beside transfer.h's functions, which say what changes hands, and which walk the same words. A
 * block for which the host has no room stays as it is, and is counted in the trace's header. Keeps
 * errno. Does nothing where the LSA's heap is not guarded.
 */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_COPY_OUT_H
#define LSATRACE_PRELOAD_GUARDPAGE_COPY_OUT_H

#include <stddef.h>

/* The block that `*place` names; a NULL place, or one that holds NULL, is fine. */
void copy_out_block(void **place);

/* What a structure of the caller's, so many bytes of which may be read, points to. */
void copy_out_contents(void *structure, size_t bytes);

#endif
