/* SPDX-License-Identifier: MIT */
/*
 * Runs of a sweep that ended as none may: as entries of a baseline. They are told apart as findings are, by the
 * functions that led to the calls that failed, so that a baseline is good for the next build as well.
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_SITES_ENDINGS_H
#define LSATRACE_VIEWER_SITES_ENDINGS_H

struct baseline;
struct results;

/* Gives each of these runs its fingerprints, and says which ones the baseline knows. */
void endings_compare(struct results *r, struct baseline *b);
/* Adds these runs. */
void endings_add(const struct results *r, struct baseline *b);

#endif
