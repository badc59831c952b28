/* SPDX-License-Identifier: MIT */
/* Classifies a faulting address: which guarded block or section was meant, and what was done to
 * it. */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_LOCATE_H
#define LSATRACE_PRELOAD_GUARDPAGE_LOCATE_H

#include <stdint.h>

#include "include/slots.h"
#include "include/trace_format.h"
#include "preload/guardpage/records.h"

struct location {
	enum trace_kind kind; /* NONE: not guarded memory, or a live block */
	enum family family;
	uint64_t block;   /* address of the block that was meant, live or gone; 0: unknown */
	uint64_t size;    /* of the block, as requested, in bytes */
	uint64_t section; /* its handle; 0: the memory is not a section's */
};

/* Classifies an access to an address. Without a lock, so that a signal handler may ask at any
 * moment: where another thread changes something, the answer may be wrong, but nothing faults. */
struct location locate_address(uint64_t address);

/* The location of a block to which something of that kind happened. */
struct location locate_block(const struct block *b, enum trace_kind kind);

#endif
