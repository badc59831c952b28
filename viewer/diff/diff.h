/* SPDX-License-Identifier: MIT */
/* What `diff` has found, and the two ways to write it. */
#ifndef LSATRACE_VIEWER_DIFF_DIFF_H
#define LSATRACE_VIEWER_DIFF_DIFF_H

#include <stdbool.h>
#include <stdint.h>

#include "viewer/base/buffer.h"
#include "viewer/profile/live.h"

struct baseline;
struct findings;
struct model;
struct progress;
struct symbols;

/* One of the two traces. */
struct diff_side {
	struct model *model; /* NULL: it is a baseline, or a JSON report */
	struct symbols *symbols;
	struct findings *findings;
	uint64_t calls;        /* of the function `per` */
	struct buffer offsets; /* what baseline_warn() says */
};

struct diff {
	struct diff_side side[LIVE_SIDES];
	/* The findings of the older one; those of the newer one are marked by it. With `per`, and of two
	 * processes, its counts are what they would be with as many calls as the newer one has. */
	struct baseline *baseline;
	struct live live; /* empty if there is a baseline */
	const char *per;  /* the function by whose calls changes are divided; NULL: none */
	struct progress *progress;
};

/* Is there a change in this row: in what is live; with `per`, of two processes, in that by call? */
bool diff_has_changed(const struct diff *d, const struct live_row *row);
/* The change from `before` to `after` in each call of `per`, which is not NULL. */
double diff_per_call(const struct diff *d, uint64_t before, uint64_t after);

void diff_write_text(const struct diff *d, struct buffer *out);
/* Appends, of both traces, which modules have no names, and what follows from that. */
void diff_write_missing(const struct diff *d, struct buffer *out);
void diff_write_json(const struct diff *d, struct buffer *out);

#endif
