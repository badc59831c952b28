/* SPDX-License-Identifier: MIT */
/*
 * Is a call right? It is judged at the moment of the call, by what the ledger knows then.
 *
 * A call that frees is judged by these rules, in this order: the first one that matches decides. In
 * judge.c each is one function. The rules are a promise to users.
 *
 *  1. The address is NULL.
 *         null-free; but FreeClientBuffer and FreeReturnBuffer may be given NULL
 *  2. It is the address of a live block of the function's family.
 *         The block's own section is named, or the family has none: the call is right.
 *             FreeLsaHeap for a block that was returned by CallPackage, or FreeReturnBuffer for
 *             another one: exchanged-free, a note
 *         Another section is named, or one that is not known: mismatched-free/wrong-section
 *         What is named is no live section: invalid-section
 *  3. It is the address of a live block of another family, or of another client request.
 *         mismatched-free/wrong-deallocator, or /wrong-client
 *  4. It is the handle of a live section.
 *         invalid-free/section-handle
 *  5. It lies inside a live block.
 *         invalid-free/interior-pointer
 *  6. It is the last known address of a block that has gone.
 *         Freed: double-free. Deleted with its section: free-after-delete.
 *         It changed its owner, or an untraced call has been there: not judged
 *  7. What is named as its section is no live one: invalid-section
 *     The section is not known, or existed before tracing began: not judged
 *  8. Nothing is known of the address.
 *         invalid-free/unknown-address; not judged once there is a gap, or if the address was
 *         handed in (gaps.h), or may be older than the shims in its table
 *
 * Between 2 and 3: if another thread is just changing what is at the address, the call is not
 * judged, which is counted.
 *
 * A block that was freed wrongly by rule 2 or 3 is *suspect* from then on: it is no leak, and a
 * later correct free of it is right. One mistake is one finding.
 *
 * A judgement changes nothing else. Any thread, without a lock. Another thread may change a block
 * at any moment: a caller that releases what was judged does so by the view of the verdict, and if
 * that fails, judges again.
 */
#ifndef LSATRACE_PRELOAD_LEDGER_JUDGE_H
#define LSATRACE_PRELOAD_LEDGER_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "include/slots.h"
#include "preload/file/lanes.h"
#include "preload/ledger/entries.h"

/* A call that frees. */
struct free_call {
	uint64_t memory;
	uint64_t section; /* FAMILY_SHARED_MEMORY: the handle named; CLIENT_BUFFER: the request; else 0 */
	enum family family; /* of the function called */
	uint8_t returned;   /* FreeReturnBuffer: LEDGER_RETURNED; else 0 */
	bool is_late;       /* what was made before shims stood in the table is not known */
};

struct verdict {
	enum trace_kind kind; /* NONE: the call is right, or cannot be judged */
	enum trace_reason reason;
	/* Views; number 0: none. */
	struct ledger_view block;   /* the block concerned */
	struct ledger_view section; /* the section named in the call, or the one meant */
	struct ledger_view owner;   /* wrong-section: the section that the block belongs to */
	bool release; /* the block (for a deletion: the section) is live, and this call ends it */
};

/* Judges a free, before the host's function is called. */
void judge_free(const struct free_call *call, struct verdict *v);

/* The same in short, for the case that nearly all calls are: releases the block if the call is
 * right by rule 2 and there is nothing to note. `expected` is as lookup_expect() returned it.
 * Returns false if nothing has changed: use judge_free(). */
bool judge_release_if_right(struct lane *lane, const struct free_call *call,
			    struct ledger_entry *expected, uint32_t stack);

/* The same for FreeClientBuffer, which the host may refuse: begins the release (release.h), and sets the verdict.
 * Returns false if nothing has changed; the verdict is not set. */
bool judge_begin_if_right(const struct free_call *call, struct ledger_entry *expected,
			  struct verdict *v);

/* What a section's handle is. `view` becomes the section if it is live or deleted, else the
 * block. */
enum handle { HANDLE_LIVE, HANDLE_NULL, HANDLE_DELETED, HANDLE_BLOCK, HANDLE_UNKNOWN };
enum handle judge_handle(uint64_t handle, struct ledger_view *view);

/* Judges the handle that AllocateSharedMemory named, once the host has answered: a handle that is
 * not known is right if the host took it. `handle` and `view` are what judge_handle() found
 * before. */
void judge_allocate_in_section(enum handle handle, const struct ledger_view *view, bool has_failed,
			       struct verdict *v);

/* Judges a deletion, before the host's function is called. A verdict that the handle is not known
 * holds only if the host then refuses it. */
void judge_delete(uint64_t handle, struct verdict *v);

#endif
