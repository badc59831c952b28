/* SPDX-License-Identifier: MIT */
/*
 * Sections and heaps whose blocks end at an inaccessible page, or begin after one (guard_side), so
 * that the instruction that goes past them faults. A freed block becomes inaccessible and stays so
 * until the quarantine's budget lets its pages be used again; so does all that a deleted section was.
 *
 * Blocks are aligned to 16 bytes and zeroed. What remains of a block's pages holds canary bytes, which
 * are looked at when it is freed, when its section is deleted, and at the end. A section's handle is
 * the address of its first page, in which no block lies and which is inaccessible. What is asked for
 * counts against a section's MaxSize in units of 16 bytes: page and guard do not.
 *
 * Blocks beyond what the kernel has mappings for are not guarded, and counted in the trace's header.
 * Wrong frees are refused. All bookkeeping lies elsewhere.
 *
 * Any number of threads at once: a lock of its own, under which signals wait. A forked child goes on
 * with a copy of it all: what it allocates in a section that it shares with its parent is its own,
 * and what it frees there stays with the parent.
 */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_GUARDED_H
#define LSATRACE_PRELOAD_GUARDPAGE_GUARDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/slots.h"
#include "include/trace_format.h"

enum { GUARDED_ALIGNMENT = 16 };

/* False: no memory. Once. */
bool guarded_init(void);

/* A section's handle; NULL: there is none to be had. */
void *guarded_create(uint32_t max_size);

/* A block of a section, or of the heap of a family; NULL: there is none to be had. */
void *guarded_allocate(const void *section, uint32_t size);
void *guarded_allocate_heap(enum family family, uint64_t size);

/* Frees a block that is live in that section, or in that family's heap, and nothing else. */
void guarded_free(const void *section, void *block);
void guarded_free_heap(enum family family, void *block);

/* False: it is no live section. */
bool guarded_delete(const void *section);

/* Looks at the canaries of all live blocks that this process has made. */
void guarded_check(void);

/* Does an address lie in what is the guard's? */
bool guarded_owns(const void *address);

/* Does a live block of the family's heap begin at an address? `*size` becomes what was asked for. */
bool guarded_is_block(enum family family, const void *block, uint64_t *size);

/*
 * Notes that such a block has a copy elsewhere. What points into the block, its end included, is then
 * answered with where that lies in the copy, also when the block has been freed since; NULL: it points
 * into none such.
 */
void guarded_note_copy(const void *block, void *copy);
void *guarded_copy_of(const void *address);

/* Counts what was to be guarded and could not be; in the header of the trace, if there is one. */
void guarded_count_unguarded(void);

/* Around a fork(), in the thread that forks: hold the lock, so that nothing is half changed in the child.
 * The second one is for the parent and for the child. */
void guarded_before_fork(void);
void guarded_after_fork(void);

#endif
