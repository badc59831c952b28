/* SPDX-License-Identifier: MIT */
/*
 * Finds the backtraces whose live memory grows without an end, by the ages of what is live.
 *
 * Each entry of the ledger has the era in which it was made, and eras follow the calls of the
 * process. So the run is divided into GROWTH_PARTS parts of equally many calls, and for each
 * backtrace the blocks that are still live are counted by the part in which they were made:
 *
 *	a leak                          20 20 21 19 20 20 20 20 20 20    a part of each part stays
 *	a cache that fills              90  9  1  0  0  0  0  0  0  0    all is old
 *	a cache that replaces its
 *	oldest, or what is in use        0  0  0  0  0  0  0  0  0 99    all is young
 *	... or any of its entries        0  0  0  1  2  5 12 31 70 99    the older, the fewer
 *
 * Only the first is growth. The first and the last part say nothing: what is made at the start stays
 * for good reasons, and what has just been made is in use. Of the others, none may be empty, none may
 * be far from their mean, and there may be no trend.
 *
 * A cache that has not levelled off when the trace ends looks like a leak, and is called growing.
 *
 * Blocks and sections of a backtrace are looked at separately. A trace before version 4 has no eras, and
 * in a run that is too short nothing grows.
 *
 * Pure; for one thread at a time. A zeroed struct can be released.
 */
#ifndef LSATRACE_VIEWER_MODEL_GROWTH_H
#define LSATRACE_VIEWER_MODEL_GROWTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model;

enum {
	GROWTH_PARTS = 10,
	GROWTH_ERAS_LEAST = 2 * GROWTH_PARTS, /* of a run that is long enough */
	GROWTH_LEAST = 64, /* blocks of the parts that count, for any confidence */
	GROWTH_MANY = 128, /* the same, for high confidence */
};

struct growth_row {
	uint32_t stack; /* a reference, for model_stack() */
	uint8_t family, package;
	bool is_section;
	uint64_t live, bytes;        /* of all parts */
	uint64_t part[GROWTH_PARTS]; /* live ones, by the part in which they were made */
	double moment;               /* sum of the places of the blocks that count, from -1 to 1 */
};

struct growth {
	bool is_long_enough;
	size_t stacks;          /* backtraces that have live memory */
	struct growth_row *row; /* those that grow, the fastest first */
	size_t rows;
};

void growth_find(struct growth *g, const struct model *m);
void growth_release(struct growth *g);

/* Against what growth is measured: all recorded calls, the minutes of the trace, and the entry points
 * that have returned (model_returns()) more often than the run has parts: one that is called once has
 * no rate. */
uint64_t growth_calls(const struct model *m);
double growth_minutes(const struct model *m);
bool growth_is_entry_point(const struct model *m, uint32_t function);

/* How many of a row come to each part of the run, on average; and the least and the most. */
double growth_mean(const struct growth_row *row);
void growth_range(const struct growth_row *row, uint64_t *least, uint64_t *most);

/* How many of a row come to `count` of something that happened evenly during the run; 0: unknown. */
double growth_per(const struct growth_row *row, double count);

/* How straight the line is along which the row grows: 1 is quite straight (r squared). */
double growth_straightness(const struct growth_row *row);
bool growth_is_certain(const struct growth_row *row);

#endif
