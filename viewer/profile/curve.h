/* SPDX-License-Identifier: MIT */
/*
 * What is live over time: replays the events that are still in the ring, and says after each one what
 * each package and section holds.
 *
 * At the end, that is what the ledger has. At the start, there are the blocks whose allocation was
 * overwritten. Of those that are freed later, the size is not known: they count as 0 bytes.
 *
 * For one thread at a time. The model must outlive the curve.
 */
#ifndef LSATRACE_VIEWER_PROFILE_CURVE_H
#define LSATRACE_VIEWER_PROFILE_CURVE_H

#include <stdbool.h>
#include <stdint.h>

struct curve;
struct model;
struct trace_event;
struct trouble;

struct curve_amount {
	uint64_t blocks, bytes;
};

/* Reads the ring once. Returns NULL with the trouble filled in if it cannot be read. */
struct curve *curve_new(const struct model *model, struct trouble *trouble);
/* Accepts NULL. */
void curve_free(struct curve *c);

/* What each package holds now, by its index. */
const struct curve_amount *curve_packages(const struct curve *c);

/*
 * Replays the next event, which is valid until the next call. If it concerns blocks of a section,
 * *section is its handle, and *held what it holds now; else *section is 0. Returns NULL after the last
 * event, or when the ring cannot be read, as timeline_next() does.
 */
const struct trace_event *curve_next(struct curve *c, uint64_t *section, struct curve_amount *held,
				     struct trouble *trouble);

#endif
