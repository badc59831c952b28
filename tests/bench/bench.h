/* SPDX-License-Identifier: MIT */
#ifndef BENCH_H
#define BENCH_H

/*
 * What all parts of the benchmarks share. A part measures, prints its tables, and returns its
 * results, which the JSON document has under the part's name. It adds the targets of the project as
 * bars. If a peer is missing, its column says so, and its bars are not measured.
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
	char *folder;                 /* for temporary files */
	unsigned rounds;              /* of each interleaved measurement, up to SAMPLES_MOST */
	size_t first_cell, last_cell; /* of the part `cost`, from 1 on */
	struct peers peers;
	json_t *json;
};

struct part {
	const char *name, *title;
	json_t *(*run)(struct bench *b); /* returns the results */
};

json_t *cost_run(struct bench *b);
json_t *steps_run(struct bench *b);
json_t *process_run(struct bench *b);
json_t *host_run(struct bench *b);
json_t *viewer_run(struct bench *b);
json_t *symbols_run(struct bench *b);
json_t *embedded_run(struct bench *b);

/* Returns a path in the folder, valid for the next three calls. */
const char *bench_path(const struct bench *b, const char *name);

/* Returns a JSON number, or null for NaN. */
json_t *json_measured(double value);
/* Returns the median of the samples. */
json_t *json_samples(const struct samples *s);
json_t *json_ratio(const struct ratio *r);

/* Prints a number in a column of a table, or "-" for NaN. */
void print_number(int width, int decimals, double value);

/* Adds a target: `ratio` must be at most, or at least, `target`. `missing` is the reason why
 * there is no ratio, or NULL: if there is none, a run has failed. */
enum direction { AT_MOST, AT_LEAST };
void bars_add(struct bench *b, const char *what, const char *against, const struct ratio *ratio,
	      enum direction direction, double target, const char *missing);
void bars_print(const struct bench *b);

#endif
