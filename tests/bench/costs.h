/* SPDX-License-Identifier: MIT */
#ifndef BENCH_COSTS_H
#define BENCH_COSTS_H

/*
 * The cost of a call of the program `calls`: the same calls untraced and in some ways, in the same
 * rounds. The cost of the untraced calls of a round is subtracted from the others of that round.
 */

#include "bench.h"
#include "tracers.h"

/* What is called, and from where. */
struct pattern {
	const char *program; /* what the program's name has after "calls": how it was built */
	unsigned threads;
	const char *options; /* others of the program, divided by spaces */
};

/* Nanoseconds of a call, one for each round. WAY_BARE is not net. */
struct costs {
	struct samples ns[WAY_COUNT];
};

/* In a process that runs for long: after its ring has wrapped, as hosts run for days. */
void costs_measure(struct bench *b, const struct pattern *p, const enum way *ways, size_t count,
		   struct costs *costs);

/* In a process that makes SHORT_CALLS calls, all of which count: the time of its calls, and that of
 * the whole process from its start to its end. For patterns of one thread. */
enum { SHORT_CALLS = 10000 };
void costs_measure_short(struct bench *b, const struct pattern *p, const enum way *ways,
			 size_t count, struct costs *calls, struct costs *process);

/* The ratio of what lsatrace costs to what the other way costs. */
struct ratio costs_ratio(const struct costs *costs, enum way other);

/* Returns the medians of the ways, and the ratios against them. */
json_t *costs_json(const struct costs *costs, const enum way *ways, size_t count);

#endif
