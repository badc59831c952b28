/* SPDX-License-Identifier: MIT */
/*
 * Marks in time that a test of a package sets (lsatrace.h), by name. Each one begins an era, from
 * 1; what is made belongs to the era in which it is made. At most CHECKPOINTS are kept, the newest
 * ones. Any thread; those that look at names take the cold lock.
 */
#ifndef LSATRACE_PRELOAD_LEDGER_CHECKPOINTS_H
#define LSATRACE_PRELOAD_LEDGER_CHECKPOINTS_H

#include <stddef.h>
#include <stdint.h>

/* Only so many characters of a name are looked at. */
enum { CHECKPOINT_NAME_BYTES = 127, CHECKPOINTS = 256 };

/* Sets a checkpoint, anew if there is one of that name. */
void checkpoints_set(const char *name);

/* The era that a checkpoint began; 0, the beginning of the trace, if there is no such
 * checkpoint. */
uint32_t checkpoints_find(const char *name);

/* How many blocks and sections are live that this process has made in an era or after it, and that
 * were not freed wrongly. Looks at all entries. */
size_t checkpoints_count_since(uint32_t era);

/* Begins an era and returns its number. */
uint32_t checkpoints_begin_era(void);

extern uint32_t checkpoints_last_era;

static inline uint32_t checkpoints_era(void)
{
	return __atomic_load_n(&checkpoints_last_era, __ATOMIC_RELAXED);
}

#endif
