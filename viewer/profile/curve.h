/* SPDX-License-Identifier: MIT */
/*
 * What is live over time: replays the events that are still in the ring, and says after each one what
 * each package and section holds.
 *
 * At the end, that is what the ledger has. At the start, there are the blocks whose allocation was
 * overwritten; which these are is known when all events have been read. So amounts are differences to the
 * start, or all events are read twice. Of such blocks that are freed later, the size is not known: they count
 * as 0 bytes.
 *
 * For one thread at a time. The model must outlive the curve.
 */
#ifndef LSATRACE_VIEWER_PROFILE_CURVE_H
#define LSATRACE_VIEWER_PROFILE_CURVE_H

#include <stdbool.h>
#include <stdint.h>

struct curve;
struct model;
struct timeline_watch;
struct trace_event;
struct trouble;

/* Of a difference, each modulo 2^64. */
struct curve_amount {
	uint64_t blocks, bytes;
};

/* Of differences. Never NULL. The watch may be NULL. */
struct curve *curve_new(const struct model *model, const struct timeline_watch *watch);
/* Of whole amounts. Reads the ring once. Returns NULL with the trouble filled in if it cannot be read. */
struct curve *curve_new_whole(const struct model *model, struct trouble *trouble);
/* Accepts NULL. */
void curve_free(struct curve *c);

/* What each package holds now, by its index. */
const struct curve_amount *curve_packages(const struct curve *c);

/*
 * Returns the next event, which is valid until the next call, and has to be replayed before that. Returns NULL
 * after the last event, or when the ring cannot be read, as timeline_next() does.
 */
const struct trace_event *curve_next(struct curve *c, struct trouble *trouble);

/* What a section holds. */
struct curve_section {
	uint64_t handle;
	struct curve_amount held;
	bool is_whole; /* not a difference: the section was deleted before, or the curve is of whole amounts */
};

/* Replays the event. Returns the section whose amount may have changed, or NULL. */
const struct curve_section *curve_replay(struct curve *c, const struct trace_event *e);

/* Of a curve of differences, after the last event, once: finds what there was at the start. */
void curve_end(struct curve *c);
/* After that: what there was, by package, and in a section. */
const struct curve_amount *curve_start(const struct curve *c);
struct curve_amount curve_section_start(struct curve *c, uint64_t handle);

#endif
