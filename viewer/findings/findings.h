/* SPDX-License-Identifier: MIT */
/*
 * The findings of one or more traces. Leaks are computed from the ledgers; misuses are taken as
 * they were recorded. Occurrences with equal kind, reason, family and backtraces are one finding
 * (groups.h).
 *
 * A trace may hold millions of findings. So findings_get() makes a finding when it is asked for it,
 * and only the last one that it made is valid.
 *
 * For one thread at a time. Reads no file, prints nothing. The names of addresses come from the caller.
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

struct argument_list;
struct decoded;
struct findings_mark;
struct findings_print;
struct neighbours;
struct rows;
struct symbols;
struct wrappers;

struct findings {
	size_t count;
	size_t shown; /* of these are not suppressed, and come first */
	/* Occurrences, without those of suppressed findings. */
	uint64_t errors, warnings, notes;
	uint64_t leaked_blocks, leaked_bytes, leaked_sections; /* bytes: of the blocks */
	uint64_t other_kinds,
		other_bytes; /* leaks that model_set_leak_kinds() leaves out; their blocks */
	uint64_t ignored;    /* live blocks and sections that are meant to live for ever */
	uint64_t suppressed; /* occurrences */
	size_t by_baseline[FINDING_KNOWN + 1]; /* findings */
	size_t gone; /* entries of the baseline for which there is no finding */
	/* The baseline is a lower bound, or what is new may be what is gone: their fingerprints are
	 * made from offsets. */
	bool has_doubt;
	/* Of the findings that may change the exit status, how many are of each level. */
	size_t failing[TRACE_LEVEL_ERROR + 1];
	/* Occurrences of findings that findings_select() has left out. */
	bool is_selected;
	uint64_t hidden_errors, hidden_warnings, hidden_notes;
	bool is_exact; /* false: a lower bound; `lost` says what is missing */
	uint64_t lost[TRACE_LOST_COUNT];
	/* The following is for findings.c only. */
	struct rows *rows;
	struct findings_namer namer;
	uint32_t *order;  /* numbers of rows */
	uint32_t *number; /* of each finding; NULL: the i-th has number i + 1 */
	struct findings_print *print;
	struct neighbours *neighbours; /* of each model, as the next one */
	struct wrappers **wrappers;    /* NULL: not asked for yet */
	const struct argument_list *globs;
	struct findings_mark *mark; /* of each row; NULL: there are none */
	bool has_baseline;
	struct decoded *decoded;       /* the finding that was made last */
	struct finding_failed *failed; /* its own */
	size_t failed_room;
};

/* The namer that asks `symbols`, which must outlive it. */
struct findings_namer findings_name_by(struct symbols *symbols);

/* Finds what is wrong in all models together. What is given must outlive the result. `globs` NULL: no function is
 * named as a wrapper. Never NULL. */
struct findings *findings_new(struct model *const *models, size_t count,
			      struct findings_namer namer, const struct argument_list *globs);
/*
 * Returns the i-th finding, below `count`. Wrong accesses come first, then other misuses, leaks, warnings
 * and notes; and of each of these, the most costly first.
 * It is valid until the next call.
 */
const struct finding *findings_get(struct findings *f, size_t i);
/* Returns it without the message, which takes the most time, and what only that needs. */
const struct finding *findings_look(struct findings *f, size_t i);
/* Is a fingerprint made from offsets, of an error or warning? */
bool findings_have_offsets(struct findings *f);

/*
 * Mark the i-th finding. findings_suppress(): as suppressed; the name `by` outlives the findings.
 * findings_compare(): with the number of occurrences that a baseline has, 0 for a new finding, and whether
 * it was found there by its weak fingerprint only. With a baseline, each finding is marked that is no
 * note. Afterwards, findings_count() sums up again, and puts the suppressed findings last.
 */
void findings_suppress(struct findings *f, size_t i, const char *by);
void findings_compare(struct findings *f, size_t i, uint64_t ceiling, bool by_weak);
void findings_count(struct findings *f);
/* Leaves out, without a trace, that calls were made to fail. Before findings_select(). */
void findings_drop_injected(struct findings *f);
/*
 * Keeps only these findings, in this order: index[i] becomes the i-th. Sums up again; what is no longer
 * there is in `hidden`.
 */
void findings_select(struct findings *f, const uint32_t *index, size_t count);
/* Accepts NULL. */
void findings_free(struct findings *f);

#endif
