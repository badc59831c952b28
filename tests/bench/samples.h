/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

/*
 * The results of a measurement, one for each round. Things that are compared are measured in the
 * same rounds, one after another, because the speed of the machine drifts by more than the
 * differences that matter. A missing value is NaN, and so are results that depend on it.
 */

#include <stdbool.h>

enum { SAMPLES_MOST = 32 };

struct samples {
	double value[SAMPLES_MOST];
	unsigned count;
};

/* The ratio of each round is computed from the values of that round. */
struct ratio {
	double median, least, most; /* of the ratios of the rounds */
	double of_medians;
};

void samples_add(struct samples *s, double value);
double samples_median(const struct samples *s);

/* Returns a - b for each round. */
struct samples samples_minus(const struct samples *a, const struct samples *b);

/* Returns the ratio a / b. Rounds in which b is not positive are left out. */
struct ratio samples_ratio(const struct samples *a, const struct samples *b);

#endif
