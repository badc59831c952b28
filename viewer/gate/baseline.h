/* SPDX-License-Identifier: MIT */
/*
 * Baselines: findings that are known, so that only new ones fail. The count of each is a ceiling: more
 * occurrences are grown. Notes have no part in it, because they never fail.
 *
 * A baseline is a text with a line for each finding, sorted, so that it merges well and a change of it
 * reads well; or a JSON report. The text:
 *
 *   lsatrace-baseline 1                    or "lsatrace-baseline 1 lower-bound"
 *   KIND[/REASON] FINGERPRINT WEAK COUNT WORDS
 *
 * WORDS are for people. Empty lines and lines that begin with '#' are left out. Of two lines with one
 * fingerprint, as a merge may leave them, the greater count is taken.
 *
 * How runs of a sweep ended badly is in it as well, as kinds that begin with "sweep/". In a report of no sweep, they are
 * not gone.
 *
 * A finding is looked for by its fingerprint, and of several with one fingerprint, the greatest count is
 * compared with the greatest ceiling; then what is left on both sides by kind and weak
 * fingerprint, if there is one of them on each side.
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_GATE_BASELINE_H
#define LSATRACE_VIEWER_GATE_BASELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct baseline;
struct buffer;
struct finding;
struct findings;
struct findings_namer;
struct symbols;

struct baseline_entry {
	char *kind, *fingerprint, *weak, *words; /* valid UTF-8 */
	uint64_t ceiling;
	bool has_offsets; /* the fingerprint is made from offsets; of a text, its words tell */
	uint64_t found;   /* by baseline_apply(): how many occurrences there are; 0: it is gone */
};

/* How a run of a sweep ended. */
struct baseline_ending {
	const char *kind; /* "sweep/crash" and so on */
	char *fingerprint, *weak, *words;
	bool is_known; /* by baseline_apply_endings() */
};

/* Never NULL. */
struct baseline *baseline_new(void);
/* Accepts NULL. */
void baseline_free(struct baseline *b);

/* Reads a file. Returns NULL, or "FILE: REASON" or "FILE:LINE: REASON", to be freed. */
char *baseline_read(struct baseline *b, const char *path);
/* Adds a finding, unless it is a note. */
void baseline_add(struct baseline *b, const struct finding *f, uint64_t count,
		  const struct findings_namer *namer);
void baseline_add_ending(struct baseline *b, const struct baseline_ending *ending);
/* Says that what was added is a lower bound. */
void baseline_set_inexact(struct baseline *b);

/* Says that modules without names are of the same builds as those of the findings that are compared: fingerprints
 * that are made from offsets tell as much as others. */
void baseline_set_same_builds(struct baseline *b);

/* Marks the findings as new, grown or known, and says whether that is doubtful. */
void baseline_apply(struct baseline *b, struct findings *f);

/* Says which endings are known: all those of a sweep. To be called before baseline_apply(), which counts what is gone. */
void baseline_apply_endings(struct baseline *b, struct baseline_ending *all, size_t count);
/* Says that not all was tried: what was not found is not gone. For the next baseline_apply(). */
void baseline_set_partial(struct baseline *b);

/* False: it was made from a result that is a lower bound. */
bool baseline_is_exact(const struct baseline *b);
/*
 * Appends "fingerprints of a.so are by offset: ..." with a newline, if some of the findings have such ones and
 * these modules have no names; else nothing. `symbols` have named the findings, and nothing else yet.
 * Returns whether it did.
 */
bool baseline_warn(struct findings *f, const struct symbols *symbols, struct buffer *text);
/* Was it read from a JSON report? */
bool baseline_is_report(const struct baseline *b);
/* The i-th entry; NULL after the last. */
const struct baseline_entry *baseline_get(const struct baseline *b, size_t i);

/* Appends the text. */
void baseline_write(const struct baseline *b, struct buffer *text);
/* Copies the text of a baseline, so that no more is in it than was found. All other lines stay as they are. Returns
 * 0 or an errno. */
int baseline_prune(const struct baseline *b, FILE *in, FILE *out);

#endif
