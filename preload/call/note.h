/* SPDX-License-Identifier: MIT */
/*
 * Findings that a call makes. They are kept in the trace file and never overwritten (file/findings.h).
 * Between call_enter() and call_leave(), while the tracer runs.
 */
#ifndef LSATRACE_PRELOAD_CALL_NOTE_H
#define LSATRACE_PRELOAD_CALL_NOTE_H

#include <stdbool.h>

#include "preload/call/call.h"
#include "preload/ledger/judge.h"

/* Notes what a verdict says is wrong, if anything is; --on-error then stops the process before the call
 * goes on. */
void note_verdict(struct call *c, const struct verdict *v);

/* Notes that the host's function failed, or was made to fail, where nothing else is wrong. `v` NULL: there is no verdict. */
void note_failure(struct call *c, const struct verdict *v);

/* Notes a block that was live when this call deleted its section. Returns false if that is no finding. */
bool note_left_block(struct call *c, const struct ledger_view *section,
		     const struct ledger_view *block);

#endif
