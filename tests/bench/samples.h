/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

/*
 * What one thing measured, round by round. What is compared is measured in the same rounds, one
 * after another: the machine's speed drifts by more than what is to be told. A value that is not
 * there is NaN, and so is what is made of it.
 */

#include <stdbool.h>

enum { SAMPLES_MOST = 32 };

struct samples {
	double value[SAMPLES_MOST];
	unsigned count;
};

/* One round's ratio is taken within the round. */
struct ratio {
	double median, least, most; /* of the rounds' ratios */
	double of_medians;
};

void samples_add(struct samples *s, double value);
double samples_median(const struct samples *s);

/* By round: a - b. */
struct samples samples_minus(const struct samples *a, const struct samples *b);

/* a / b. A round where b is not positive is left out. */
struct ratio samples_ratio(const struct samples *a, const struct samples *b);

#endif
