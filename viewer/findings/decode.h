/* SPDX-License-Identifier: MIT */
/*
 * Makes a finding of its row: what the trace says of the first occurrence.
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_FINDINGS_DECODE_H
#define LSATRACE_VIEWER_FINDINGS_DECODE_H

#include "viewer/findings/finding.h"
#include "viewer/model/types.h"

struct neighbours;
struct row;
struct rows;

/* A finding, and the stacks that it points to. */
struct decoded {
	struct finding finding;
	struct model_stack stack[TRACE_FINDING_STACKS];
	struct model_stack before, after;
};

/* Fills in what the row and its first occurrence say; the rest of the finding is zeroed. */
void decode_row(struct decoded *d, const struct rows *r, const struct row *row);

/* Then, of a wrong access: the blocks beside it. `n` is that of its model. */
void decode_neighbours(struct decoded *d, const struct row *row, struct neighbours *n);

#endif
