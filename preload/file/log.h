/* SPDX-License-Identifier: MIT */
/*
 * The log: records that are written once and never changed, such as stacks, modules, packages and
 * texts (trace_format.h, enum trace_record_type). It is only appended to.
 *
 * A place for a record is taken by one compare-and-swap. So any number of threads write records side by
 * side, and whoever stops in between leaves one that never becomes valid. Only to begin a chunk takes
 * the cold lock. Functions are under it where nothing else is said.
 */
#ifndef LSATRACE_PRELOAD_FILE_LOG_H
#define LSATRACE_PRELOAD_FILE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "include/trace_format.h"

/* For a new file: the log is empty. */
void log_reset(void);

/* How far the log has been written: `chunks` chunks, the last of them up to `next`. */
struct log_mark {
	uint64_t chunks;
	const char *next;
};

void log_mark(struct log_mark *mark);

/*
 * Returns a record of `bytes` bytes, head included, with the head filled in and the rest zeroed;
 * NULL: there is no room. The caller fills it, then log_commit() makes it valid.
 */
void *log_begin(enum trace_record_type type, size_t bytes);

/* The same, for any thread, without a lock. NULL: it does not fit into the chunk, and log_begin() is to
 * be called. */
void *log_begin_here(enum trace_record_type type, size_t bytes);

/* Any thread. */
void log_commit(void *record);

/* Writes a record of the type struct trace_text. Texts longer than TRACE_TEXT_MAX are cut off. If
 * there is no room, that is counted in the trace. */
void log_text(enum trace_record_type type, uint32_t number, const char *text, size_t bytes);

#endif
