/* SPDX-License-Identifier: MIT */
/* What the guard finds, as findings of the trace: kind and block from the guard, stacks from the ledger. */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_DAMAGE_H
#define LSATRACE_PRELOAD_GUARDPAGE_DAMAGE_H

#include <stdbool.h>

#include "preload/guardpage/locate.h"

/* A canary was found written over at `address`: noted with the call that is in flight, if there is one. */
void damage_note_canary(const struct location *location, uint64_t address);

/* An access faulted; `stack` is where. Inside the tracer. */
void damage_note_access(const struct location *location, uint64_t address, bool is_write,
			uint32_t stack);

#endif
