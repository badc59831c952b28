/* SPDX-License-Identifier: MIT */
/*
 * From the models to the rows of the findings: what is kept of each. Leaks come from the ledgers, misuses
 * as they were recorded. Equal occurrences (groups.h) are one row.
 *
 * A ledger of n bytes can hold n / 32 distinct leaks, so a row is short. All else is made from its first
 * occurrence when the finding is asked for (decode.h).
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_FINDINGS_ROWS_H
#define LSATRACE_VIEWER_FINDINGS_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/trace_format.h"
#include "viewer/findings/groups.h"

struct findings_shares;
struct history;
struct model;
struct model_entry;
struct path;

struct row {
	struct groups_identity identity;
	uint32_t model : 24;   /* of the first occurrence */
	uint32_t reach : 3;    /* enum trace_reach, of the worst occurrence */
	uint32_t is_mixed : 1; /* not of all occurrences the same */
	uint32_t is_older : 1; /* the history no longer has the time of all occurrences */
	uint32_t at_unload : 1;
	uint32_t is_direct : 1;     /* block leak: the section of an occurrence did not leak */
	uint32_t is_on_no_path : 1; /* leak: not all occurrences are on the same error path */
	uint64_t count, bytes;
	const void *first; /* the first occurrence: a struct trace_entry of a leak, or trace_finding */
	uint32_t lead;     /* the row under which it is shown; itself: none */
	int32_t status;    /* of the error path */
	/* Times of the first and last occurrence, since 1970, as far as they are known; 0: none is. */
	uint64_t first_ns, last_ns;
};

/* That a call was made to fail, in one of the traces. */
struct rows_failed {
	uint32_t trace;
	const struct trace_finding *what;
};

struct rows {
	struct model **model;
	size_t models;
	struct row *row;
	size_t count;
	struct findings_shares *shares; /* NULL: there is one model */
	struct history **history;       /* of each model; NULL: there is nothing to ask */
	struct rows_failed *failed;     /* in the order of the traces */
	size_t faileds, failed_room;
	uint64_t other_kinds, other_bytes; /* as in struct findings */
	uint64_t ignored; /* live blocks and sections that are meant to live for ever */
	uint64_t lost[TRACE_LOST_COUNT];
	bool is_exact; /* false: a lower bound */
};

/* The models must outlive the rows. A block leak whose section has leaked, too, follows that one: it has
 * the row of the section as its lead. Never NULL. */
struct rows *rows_new(struct model *const *models, size_t count);
/* Accepts NULL. */
void rows_free(struct rows *r);

bool rows_is_leak(const struct row *row);
enum trace_level rows_level(const struct rows *r, const struct row *row);
enum trace_level rows_level_of_misuse(const struct model *model, const struct trace_finding *misuse);
/* What the first occurrence is grouped by. That of a leak is decoded into *entry. */
struct groups_key rows_key(const struct rows *r, const struct row *row, struct model_entry *entry);
/* The calls that were made to fail in a trace, and their number. */
const struct rows_failed *rows_failed(const struct rows *r, uint32_t trace, size_t *count);
/* The error path of the first occurrence, if all occurrences are on such a one; else NULL. */
const struct path *rows_path(const struct rows *r, const struct row *row);

#endif
