/* SPDX-License-Identifier: MIT */
/*
 * What was let go, in the order in which it was, within a budget. What is above the budget is the
 * caller's to take out. One thread at a time.
 */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_QUARANTINE_H
#define LSATRACE_PRELOAD_GUARDPAGE_QUARANTINE_H

#include <stdint.h>

struct quarantined {
	struct quarantined *older, *newer;
	uint64_t bytes; /* 0: it is in no quarantine */
	uint32_t what;  /* the caller's */
};

struct quarantine {
	struct quarantined *oldest, *newest;
	uint64_t bytes;
};

/* `bytes` are what it costs: more than 0. */
void quarantine_add(struct quarantine *q, struct quarantined *item, uint64_t bytes);

/* Does nothing with what is in none. */
void quarantine_remove(struct quarantine *q, struct quarantined *item);

#endif
