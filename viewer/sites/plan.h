/* SPDX-License-Identifier: MIT */
/*
 * Which calls fail in which run of a sweep. First each site alone, then, if that is asked for, pairs: a
 * call that fails, and then one that was made after it in that run. So the calls on an error path fail as
 * well.
 *
 * What has not been reached comes first: of sites at one place, one; of pairs, those with a second site that
 * the command never comes to without a failure. So a sweep that is cut short has seen most of what there is.
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_SITES_PLAN_H
#define LSATRACE_VIEWER_SITES_PLAN_H

#include "viewer/sites/results.h"

struct model;
struct symbols;
struct trouble;

/* A pair that may be tried. */
struct plan_pair {
	struct failing first, second;
	size_t rank;
};

struct plan_pairs {
	struct plan_pair *all;
	size_t count, room;
};

/* Learns the sites of the run as it is from one of its traces. */
bool plan_learn(struct results *r, const struct model *model, struct symbols *symbols,
		struct trouble *trouble);
/* Adds a run for each site of which the nth call may succeed, at most `most`. */
void plan_singles(struct results *r, uint32_t nth, size_t most);
/* Collects the calls that were made after the one that a run let fail, from the traces of that run. */
bool plan_learn_pairs(struct results *r, struct plan_pairs *pairs, const struct failing *first,
		      struct model *const *models, size_t count, struct symbols *symbols,
		      struct trouble *trouble);
/* Adds a run for each of the pairs, at most `most`. */
void plan_add_pairs(struct results *r, struct plan_pairs *pairs, size_t most);

#endif
