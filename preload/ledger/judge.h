/* SPDX-License-Identifier: MIT */
/*
 * Is this call right? Judged at the moment of the call, from the ledger, by the rules that README
 * promises. A judgement changes nothing but that it makes wrongly freed blocks suspect.
 */
#ifndef LSATRACE_PRELOAD_LEDGER_JUDGE_H
#define LSATRACE_PRELOAD_LEDGER_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "include/slots.h"
#include "preload/ledger/ledger.h"

struct verdict {
	enum trace_kind kind; /* NONE: the call is right, or cannot be judged */
	enum trace_reason reason;
	struct ledger_view block;   /* the block concerned */
	struct ledger_view section; /* the section named in the call, or the one that was meant */
	struct ledger_view owner;   /* wrong-section: the section that the block belongs to */
	bool release; /* the block (in a deletion: the section) was live and this call ends it */
};

/* What a section handle is. For sections that are live, `view` holds them; for deleted ones as well. */
enum handle { HANDLE_LIVE, HANDLE_NULL, HANDLE_DELETED, HANDLE_BLOCK, HANDLE_UNKNOWN };
enum handle judge_handle(uint64_t handle, struct ledger_view *view);

/* A handle that Allocate named, once the host has answered. `view` as judge_handle() left it. */
void judge_allocate_in_section(enum handle handle, const struct ledger_view *view, bool failed,
			       struct verdict *v);

/* The kinds of free: before the host's function is called. */
void judge_free_in_section(enum family family, uint64_t handle, uint64_t memory, struct verdict *v);
void judge_free(enum family family, uint64_t memory, struct verdict *v);
/* By FreeReturnBuffer, which is documented for what CallPackage and its like returned. */
void judge_free_returned(uint64_t memory, struct verdict *v);
void judge_free_for_client(uint64_t request, uint64_t memory, struct verdict *v);

/* A deletion: before the host's function is called; what is said of an unknown handle holds only if
 * the host then refuses it. */
void judge_delete(uint64_t handle, struct verdict *v);

#endif
