/* SPDX-License-Identifier: MIT */
/*
 * A list of things that are gone, oldest first, and what they cost together. The caller removes the
 * oldest when that exceeds its budget. One thread at a time.
 */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_QUARANTINE_H
#define LSATRACE_PRELOAD_GUARDPAGE_QUARANTINE_H

#include <stdint.h>

struct quarantined {
	struct quarantined *older, *newer;
	uint64_t bytes; /* what it costs; 0: it is in no quarantine */
	uint32_t what;  /* of the caller: says what this is part of */
};

struct quarantine {
	struct quarantined *oldest, *newest;
	uint64_t bytes; /* the sum */
};

/* Adds an item that costs `bytes` bytes, more than 0. */
void quarantine_add(struct quarantine *q, struct quarantined *item, uint64_t bytes);

/* Removes an item; does nothing if it is in no quarantine. */
void quarantine_remove(struct quarantine *q, struct quarantined *item);

#endif
