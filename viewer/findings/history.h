/* SPDX-License-Identifier: MIT */
/*
 * What the history tells of findings, as far as the ring still holds it. Nothing else depends on it.
 *   - When a block or a section that leaks was made.
 *   - Error paths: which call of an entry point made it, if that call failed. The thread of the allocation
 *     was in the innermost call whose time holds that of the allocation.
 *   - When a misuse that happened several times happened last.
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_FINDINGS_HISTORY_H
#define LSATRACE_VIEWER_FINDINGS_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

struct history;
struct model;
struct trace_entry;
struct trace_finding;

/* A call of an entry point that failed. */
struct path {
	uint8_t function; /* number of the entry point */
	int32_t status;
	uint64_t end; /* in ticks */
	int32_t tid;
};

/* Reads the history of a trace. Returns NULL if there is nothing to ask it. */
struct history *history_new(const struct model *model);
/* The following accept NULL. */
void history_free(struct history *h);

/* Returns the failed call in which the entry's block or section was made, or NULL. */
const struct path *history_path(struct history *h, const struct trace_entry *entry);
/* When it was made, in ticks; 0: unknown. */
uint64_t history_time(struct history *h, const struct trace_entry *entry);
/* When the misuse happened last, in ticks; 0: unknown. */
uint64_t history_last(const struct history *h, const struct trace_finding *finding);

#endif
