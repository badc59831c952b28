/* SPDX-License-Identifier: MIT */
/* Measures the cost of a call with parts of the tracer switched off or replaced. */
#include <stdio.h>
#include <stdlib.h>

#include "costs.h"

/* In the order of how much a way does. */
static const struct step {
	enum way way;
	const char *what;
} steps[] = {
	{ WAY_OTHER_FAMILY, "loaded, but the family is not traced" },
	{ WAY_ONE_FRAME, "one frame (depth=1)" },
	{ WAY_ONE_FRAME_LIBUNWIND, "one frame, by libunwind" },
	{ WAY_LSATRACE, "the default" },
	{ WAY_GROWING, "the default, while the file still grows" },
	{ WAY_DEEP, "up to 256 frames (depth=256)" },
	{ WAY_FULL, "a file that grows (mode=full)" },
	{ WAY_LIBUNWIND, "every backtrace by libunwind (unwind=libunwind)" },
};
enum { STEPS = sizeof(steps) / sizeof(*steps) };

static const struct pattern patterns[] = {
	{ "", 1, "depth=4" },
	{ "", 1, "depth=16" },
	{ "", 1, "depth=64" },
};
enum { PATTERNS = sizeof(patterns) / sizeof(*patterns) };

static void print_steps(const struct costs costs[])
{
	for (size_t i = 0; i < STEPS; i++) {
		printf("  %-56s", steps[i].what);
		for (size_t j = 0; j < PATTERNS; j++)
			print_number(12, 1, samples_median(&costs[j].ns[steps[i].way]));
		putchar('\n');
	}
}

json_t *steps_run(struct bench *b)
{
	struct costs *costs = calloc(PATTERNS, sizeof(*costs));
	json_t *all = json_object();
	enum way ways[STEPS];

	if (!costs)
		abort();
	printf("  ns a call, net of the bare run; 1 thread, 100 stacks %15s %11s %11s\n", "depth 4",
	       "depth 16", "depth 64");
	for (size_t i = 0; i < STEPS; i++)
		ways[i] = steps[i].way;
	for (size_t i = 0; i < PATTERNS; i++) {
		costs_measure(b, &patterns[i], ways, STEPS, &costs[i]);
		json_object_set_new(all, patterns[i].options, costs_json(&costs[i], ways, STEPS));
	}
	print_steps(costs);
	free(costs);
	return all;
}
