/* SPDX-License-Identifier: MIT */
#ifndef BENCH_H
#define BENCH_H

/*
 * What all parts of the benchmarks share. A part measures, prints its tables, and puts all that it
 * found into the JSON document under its own name; what the project promises of it, it adds to the
 * bars. Where a peer is missing, its column says so and its bars are not measured.
 */

#include <jansson.h>

#include "peers.h"
#include "samples.h"

#define CALLS_PROGRAM BUILD_DIR "/tests/bench/calls"
#define BLOCKS_PROGRAM BUILD_DIR "/tests/bench/blocks"
#define HOST_PROGRAM BUILD_DIR "/tests/lsahost"
#define LOAD_PACKAGE BUILD_DIR "/tests/packages/load.so"
#define LSATRACE BUILD_DIR "/lsatrace"
#define PRELOAD BUILD_DIR "/liblsatrace.so"

struct bench {
	char *folder;    /* for what is there for a while */
	unsigned rounds; /* of every interleaved run, up to SAMPLES_MOST */
	struct peers peers;
	json_t *json;
};

struct part {
	const char *name, *title;
	json_t *(*run)(struct bench *b); /* returns what is to stand under the name */
};

json_t *cost_run(struct bench *b);
json_t *steps_run(struct bench *b);
json_t *process_run(struct bench *b);
json_t *host_run(struct bench *b);
json_t *viewer_run(struct bench *b);
json_t *symbols_run(struct bench *b);
json_t *embedded_run(struct bench *b);

/* A path in the folder; it lives until the next call but three. */
const char *bench_path(const struct bench *b, const char *name);

/* A number, or null where it is NaN. */
json_t *json_measured(double value);
/* The median of samples. */
json_t *json_samples(const struct samples *s);
json_t *json_ratio(const struct ratio *r);

/* A number in a column of a table, "-" where it is NaN. */
void print_number(int width, int decimals, double value);

/* A promise: `ratio` is to be at most, or at least, `target`. `missing` says why there is no ratio;
 * NULL: there is one. */
enum direction { AT_MOST, AT_LEAST };
void bars_add(struct bench *b, const char *what, const char *against, const struct ratio *ratio,
	      enum direction direction, double target, const char *missing);
void bars_print(const struct bench *b);

#endif
