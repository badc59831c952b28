/* SPDX-License-Identifier: MIT */
/*
 * Error paths: for the blocks and sections that leak, which call of an entry point made them, if that
 * call failed. The history tells: the thread of an allocation was in the innermost call whose time
 * holds that of the allocation. What the ring no longer holds is not explained, and nothing else
 * depends on it.
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_FINDINGS_PATHS_H
#define LSATRACE_VIEWER_FINDINGS_PATHS_H

#include <stdbool.h>
#include <stdint.h>

struct model;
struct paths;
struct trace_entry;

/* A call of an entry point that failed. */
struct path {
	uint8_t function; /* number of the entry point */
	int32_t status;
	uint64_t end; /* in ticks */
	int32_t tid;
};

/* Reads the history of a trace. `is_leak` tells which entries leak. Returns NULL if no call failed. */
struct paths *paths_new(const struct model *model,
			bool (*is_leak)(const struct trace_entry *entry, const struct model *model));
/* Accepts NULL. */
void paths_free(struct paths *p);

/* Returns the failed call in which the entry's block or section was made, or NULL. */
const struct path *paths_find(const struct paths *p, const struct trace_entry *entry);

#endif
