/* SPDX-License-Identifier: MIT */
/*
 * Allocates blocks that end at an inaccessible page, or begin after one (--guard-side=before), so
 * that the instruction that goes past them faults. A block that is freed becomes inaccessible, and
 * so does a section that is deleted, until the budget of the quarantine lets their pages be used
 * again.
 *
 *	--guard-side=after:    | canary bytes | block      ■ inaccessible ■      (the default)
 *	--guard-side=before:   ■ inaccessible ■ block      | canary bytes |
 *
 * Blocks are aligned to 16 bytes, or not at all (--guard-align=1), and zeroed. Canary bytes fill what remains of their pages on
 * either side. They are checked when the block is freed, when its section is deleted, and at the
 * end of the process. The handle of a section is the address of its first page, which is
 * inaccessible. A request counts against the MaxSize of its section as a multiple of 16 bytes;
 * pages do not count. Wrong frees are refused. All bookkeeping lies elsewhere.
 *
 * When the kernel's limit of mappings is reached, further blocks are not guarded, and counted in
 * the header of the trace.
 *
 * Any number of threads and signal handlers: all functions take LOCK_GUARDPAGE, except where it is
 * said, and fail if they do not get it. errno stays as it is. A forked child goes on with a copy of
 * all bookkeeping: what it allocates in a section of its parent is its own, and what it frees there
 * stays with the parent.
 */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_GUARDED_H
#define LSATRACE_PRELOAD_GUARDPAGE_GUARDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/slots.h"
#include "include/trace_format.h"

enum { GUARDED_ALIGNMENT = 16 };

/* Called once. Returns false if there is no memory. Takes no lock. */
bool guarded_init(void);

/* Makes a section that has room for `max_size` bytes. Returns its handle; NULL if there is no
 * room. */
void *guarded_create(uint32_t max_size);

/* Allocate a block of `size` bytes in a section, or in the heap of a family. Return NULL if
 * there is no room, no such section, or no such heap. */
void *guarded_allocate(const void *section, uint32_t size);
void *guarded_allocate_heap(enum family family, uint64_t size);

/* Free a block that is live in that section, or in the heap of that family. Otherwise do
 * nothing. */
void guarded_free(const void *section, void *block);
void guarded_free_heap(enum family family, void *block);

/* Deletes a section. Returns false if it is no live section. */
bool guarded_delete(const void *section);

/* Checks the canary bytes of all live blocks that this process has allocated. */
void guarded_check(void);

/* Whether an address lies in guarded memory, in use or not. Takes no lock. */
bool guarded_owns(const void *address);

/* Whether a live block of the heap of a family begins at an address. Stores its size, as
 * requested, in `*size`. Takes no lock: the caller has the block, and does not free it meanwhile.
 * */
bool guarded_is_block(enum family family, const void *block, uint64_t *size);

/*
 * Notes that such a block has a copy elsewhere. guarded_copy_of() then returns, for an address in
 * the block (its end included), the same place in the copy, also after the block was freed; NULL
 * for any other address. Take no lock.
 */
void guarded_note_copy(const void *block, void *copy);
void *guarded_copy_of(const void *address);

/* Counts a block or section that was to be guarded and could not be; in the header of the trace,
 * if there is one. */
void guarded_count_unguarded(void);

/* Around a fork(), in the thread that forks: hold the lock, so that nothing is half changed in
 * the child. The second one is for the parent and for the child. */
void guarded_before_fork(void);
void guarded_after_fork(void);

#endif
