/* SPDX-License-Identifier: MIT */
/* What lies where an access faulted, and what that makes of it. */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_LOCATE_H
#define LSATRACE_PRELOAD_GUARDPAGE_LOCATE_H

#include <stdint.h>

#include "include/slots.h"
#include "include/trace_format.h"
#include "preload/guardpage/records.h"

struct location {
	enum trace_kind kind; /* NONE: the guard has nothing to do with it */
	enum family family;
	uint64_t block;   /* the one meant, as it is or was; 0: none is known */
	uint64_t size;    /* asked for */
	uint64_t section; /* handle; 0: it is no section's */
};

/* Of an access to an address. From a signal handler, at any moment. */
struct location locate_address(uint64_t address);

/* Of a block to which something of that kind happened. */
struct location locate_block(const struct block *b, enum trace_kind kind);

#endif
