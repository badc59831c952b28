/* SPDX-License-Identifier: MIT */
/*
 * The findings of one or more traces. Leaks are computed from the ledgers; misuses are taken as
 * they were recorded. Occurrences with equal kind, reason, family and backtraces are one finding
 * (groups.h).
 *
 * Pure: reads no file, prints nothing. The names of addresses come from the caller.
 *
 * To add a finding: a row in TRACE_KINDS (include/trace_format.h), the code in preload/ledger/ that
 * judges it, and its sentence in message.c.
 */
#ifndef LSATRACE_VIEWER_FINDINGS_FINDINGS_H
#define LSATRACE_VIEWER_FINDINGS_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "viewer/findings/finding.h"

struct findings {
	struct finding *all; /* errors first, and the most costly first of each level */
	size_t count;
	uint64_t errors, warnings, notes;                      /* occurrences */
	uint64_t leaked_blocks, leaked_bytes, leaked_sections; /* bytes: of the blocks */
	bool is_exact; /* false: a lower bound; `lost` says what is missing */
	uint64_t lost[TRACE_LOST_COUNT];
};

/* Judges the models together. They must outlive the result. Never NULL. */
struct findings *findings_new(struct model *const *models, size_t count,
			      struct findings_namer namer);
/* Accepts NULL. */
void findings_free(struct findings *f);

#endif
