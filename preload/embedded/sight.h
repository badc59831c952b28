/* SPDX-License-Identifier: MIT */
/* What lies where an access faulted, and what that makes of it. */
#ifndef LSATRACE_SIGHT_H
#define LSATRACE_SIGHT_H

#include <stdint.h>

#include "../../include/slots.h"
#include "../../include/trace_format.h"
#include "records.h"

struct sight {
	enum trace_kind kind; /* NONE: the guard has nothing to do with it */
	enum family family;
	uint64_t block;   /* the one meant, as it is or was; 0: none is known */
	uint64_t size;    /* asked for */
	uint64_t section; /* handle; 0: it is no section's */
};

/* Of an access to an address. From a signal handler, at any moment. */
struct sight sight_at(uint64_t address);

/* Of a block to which something of that kind happened. */
struct sight sight_of(const struct block *b, enum trace_kind kind);

#endif
