/* SPDX-License-Identifier: MIT */
/*
 * What is written once and stays: stacks, modules, texts (trace_format.h, "The log"). Append only,
 * under the cold lock.
 */
#ifndef LSATRACE_PRELOAD_FILE_LOG_H
#define LSATRACE_PRELOAD_FILE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "include/trace_format.h"

/* Forgets the position: for a new file. */
void log_reset(void);

/* How far the log has been written: so many chunks, the last one up to `next`. */
struct log_mark {
	uint64_t chunks;
	const char *next;
};

void log_mark(struct log_mark *mark);

/* Room for a record of `bytes` bytes, its head filled in; NULL: none. Fill it, then commit it. */
void *log_begin(enum trace_record_type type, size_t bytes);
void log_commit(void *record);

/* A whole TEXT record; longer texts are cut off. What does not fit is counted. */
void log_text(enum trace_record_type type, uint32_t number, const char *text, size_t bytes);

#endif
