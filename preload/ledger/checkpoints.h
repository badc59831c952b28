/* SPDX-License-Identifier: MIT */
/*
 * Marks in time that a test of a package sets (lsatrace.h), by name. Each one begins an era
 * (file/trace.h); what is made belongs to the era in which it is made. At most CHECKPOINTS are kept, the newest
 * ones. Any thread; those that look at names take the cold lock.
 */
#ifndef LSATRACE_PRELOAD_LEDGER_CHECKPOINTS_H
#define LSATRACE_PRELOAD_LEDGER_CHECKPOINTS_H

#include <stddef.h>
#include <stdint.h>

#include "include/trace_format.h"

/* Only so many characters of a name are looked at. */
enum { CHECKPOINT_NAME_BYTES = 127, CHECKPOINTS = TRACE_CHECKPOINTS };

/* Sets a checkpoint, anew if there is one of that name. */
void checkpoints_set(const char *name);

/* The era that a checkpoint began; 0, the beginning of the trace, if there is no such
 * checkpoint. */
uint32_t checkpoints_find(const char *name);

/* Shows all of them in a new file. Under the cold lock. */
void checkpoints_show(void);

/* How many blocks and sections are live that this process has made in an era or after it, and that
 * were not freed wrongly, nor are meant to live for ever. Looks at all entries. */
size_t checkpoints_count_since(uint32_t era);

#endif
