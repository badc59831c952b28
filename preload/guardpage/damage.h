/* SPDX-License-Identifier: MIT */
/*
 * Notes damage to guarded memory as findings of the trace. What was damaged comes from the records
 * of guarded memory, the stacks that led to it from the ledger.
 */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_DAMAGE_H
#define LSATRACE_PRELOAD_GUARDPAGE_DAMAGE_H

#include <stdbool.h>

#include "preload/guardpage/locate.h"

/* Canary bytes were overwritten, so many from the first to the last. The one next to the block is at
 * `address`. Names the call that is in flight, if it is one
 * that releases memory. Any thread; does nothing inside the tracer. */
void damage_note_canary(const struct location *location, uint64_t address, uint64_t bytes);

/* An access faulted, at the stack with reference `stack`. The caller is inside the tracer. */
void damage_note_access(const struct location *location, uint64_t address, bool is_write,
			uint32_t stack);

#endif
