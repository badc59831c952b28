/* SPDX-License-Identifier: MIT */
/*
 * Tells which occurrences are the same finding: those with equal kind, reason, family and
 * backtraces. Backtraces are compared by modules (build-id, or else path) and offsets, so
 * occurrences of several processes with different address spaces can be equal.
 *
 * For that, texts and backtraces get numbers, and equal ones get the same number:
 *
 *   family ──────────────▶ word ───┐
 *   module ─▶ word ─┐              ├─▶ identity
 *   offset ─────────┴▶ content ────┘
 *
 * A backtrace is not copied for that: its number leads to where it lies in its trace.
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_FINDINGS_GROUPS_H
#define LSATRACE_VIEWER_FINDINGS_GROUPS_H

#include <stddef.h>
#include <stdint.h>

#include "include/trace_format.h"

struct groups;
struct model;

/* What makes an occurrence equal to others. `refs` are references of one model. */
struct groups_key {
	enum trace_kind kind;
	enum trace_reason reason;
	uint8_t family;
	uint32_t refs[TRACE_FINDING_STACKS];
};

/* Two of them are equal if their bytes are: there is no padding. */
struct groups_identity {
	uint32_t kind : 6, reason : 6, family : 20;
	uint32_t stack[TRACE_FINDING_STACKS]; /* 0: unknown, or does not apply */
};

/* The models must outlive the result. Never NULL. */
struct groups *groups_new(struct model *const *models, size_t count);
/* Accepts NULL. */
void groups_free(struct groups *g);

/* `model` is the number of a model, below `count`. */
struct groups_identity groups_identify(struct groups *g, size_t model, const struct groups_key *key);

#endif
