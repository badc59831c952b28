/* SPDX-License-Identifier: MIT */
#include "samples.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void samples_add(struct samples *s, double value)
{
	if (s->count < SAMPLES_MOST)
		s->value[s->count++] = value;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct samples sorted(const struct samples *s)
{
	struct samples known = { 0 };

	for (unsigned i = 0; i < s->count; i++)
		if (!isnan(s->value[i]))
			samples_add(&known, s->value[i]);
	qsort(known.value, known.count, sizeof(known.value[0]), compare);
	return known;
}

static double middle(const struct samples *known)
{
	unsigned half = known->count / 2;

	if (known->count == 0)
		return NAN;
	if (known->count % 2)
		return known->value[half];
	return (known->value[half - 1] + known->value[half]) / 2;
}

double samples_median(const struct samples *s)
{
	struct samples known = sorted(s);

	return middle(&known);
}

struct samples samples_minus(const struct samples *a, const struct samples *b)
{
	struct samples difference = { 0 };

	for (unsigned i = 0; i < a->count && i < b->count; i++)
		samples_add(&difference, a->value[i] - b->value[i]);
	return difference;
}

struct ratio samples_ratio(const struct samples *a, const struct samples *b)
{
	struct samples ratios = { 0 }, known;

	for (unsigned i = 0; i < a->count && i < b->count; i++)
		samples_add(&ratios, b->value[i] > 0 ? a->value[i] / b->value[i] : NAN);
	known = sorted(&ratios);
	if (known.count == 0)
		return (struct ratio){ NAN, NAN, NAN, NAN };
	return (struct ratio){ middle(&known), known.value[0], known.value[known.count - 1],
			       samples_median(a) / samples_median(b) };
}
