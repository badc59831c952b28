/* SPDX-License-Identifier: MIT */
/*
 * What is live in two traces, side by side: by package and family, by the backtrace that allocated it, and
 * by the section that holds it.
 *
 * Backtraces are the same if their fingerprints are, so also those of two builds of a package. A section is
 * named by the backtrace that created it; of two copies of one process's trace also by its handle. What was
 * inherited from a parent process is left out.
 *
 * For one thread at a time. A zeroed struct can be released.
 */
#ifndef LSATRACE_VIEWER_PROFILE_LIVE_H
#define LSATRACE_VIEWER_PROFILE_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct findings_namer;
struct model;

enum live_by { LIVE_BY_PACKAGE, LIVE_BY_STACK, LIVE_BY_SECTION };

/* The two traces. */
enum { LIVE_OLD, LIVE_NEW, LIVE_SIDES };

struct live_sum {
	uint64_t sections, blocks, bytes; /* bytes: of blocks */
};

struct live_row {
	enum live_by by;
	struct live_sum sum[LIVE_SIDES];
	/* Where names are found: in the newer trace, if it has the row. */
	const struct model *model;
	uint8_t package, family;
	uint32_t stack;       /* a reference, for model_stack(); not by package */
	uint64_t fingerprint; /* of that stack; not by package */
	uint64_t handle;      /* by section; 0: all that the stack created */
};

struct live {
	bool is_one_process; /* both are traces of one process, at different times */
	struct live_row *row;
	size_t rows, room;
};

/* Compares two models, each with what names its addresses. They must outlive the result. Rows are in the
 * order of `by`; then those that differ most in bytes come first. */
void live_compare(struct live *l, const struct model *const models[LIVE_SIDES],
		  const struct findings_namer *const namers[LIVE_SIDES]);
void live_release(struct live *l);

#endif
