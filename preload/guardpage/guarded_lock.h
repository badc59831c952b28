/* SPDX-License-Identifier: MIT */
/*
 * The guard's own lock, under which signals wait, so that its functions may be called from a handler.
 * It is bounded, and free in a forked child however that was made, as reentry.h's is; but fork() itself
 * waits for it, so that the child finds all in order.
 */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_GUARDED_LOCK_H
#define LSATRACE_PRELOAD_GUARDPAGE_GUARDED_LOCK_H

#include <stdbool.h>
#include <stdint.h>

struct guarded_hold {
	uint64_t signals;
	int error;
};

/* Counts the processes from the first one to this one: read under the lock. */
extern uint32_t guarded_epoch;

/* False: no memory. Once. */
bool guarded_lock_init(void);

/* False: not to be had within a second, or there is none. */
bool guarded_lock(struct guarded_hold *hold);
/* Gives it back, with errno as it was. */
void guarded_unlock(const struct guarded_hold *hold);

#endif
