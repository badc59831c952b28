/* SPDX-License-Identifier: MIT */
/*
 * Tells which occurrences are the same finding: those with equal kind, reason, family and
 * backtraces. Backtraces are compared by modules (build-id, or else path) and offsets, so
 * occurrences of several processes with different address spaces can be equal.
 *
 * For that, texts and backtraces get numbers, and equal ones get the same number:
 *
 *   family ──────────────▶ word ───┐
 *   module ─▶ word ─┐              ├─▶ identity ─▶ group
 *   offset ─────────┴▶ content ────┘
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_FINDINGS_GROUPS_H
#define LSATRACE_VIEWER_FINDINGS_GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/trace_format.h"

struct model;

/* Starts zeroed. */
struct groups {
	uint32_t models; /* number of models begun */
	struct word *words;
	struct content *contents;
	struct reference *references;
	struct group *groups;
};

/* What makes an occurrence equal to others. `refs` are references of the model at hand. */
struct groups_key {
	enum trace_kind kind;
	enum trace_reason reason;
	const char *family; /* NULL: unknown */
	uint32_t refs[TRACE_FINDING_STACKS];
};

/* The following keys are of another model. */
void groups_begin_model(struct groups *g);

/* Returns the index of the group. A new group gets the next index, and *is_new is set. */
size_t groups_find(struct groups *g, struct model *model, const struct groups_key *key,
		   bool *is_new);

void groups_release(struct groups *g);

#endif
