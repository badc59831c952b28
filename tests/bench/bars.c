/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "bench.h"
#include "spawn.h"

static bool is_reached(double measured, enum direction direction, double target)
{
	return direction == AT_MOST ? measured <= target : measured >= target;
}

void bars_add(struct bench *b, const char *what, const char *against, const struct ratio *ratio,
	      enum direction direction, double target, const char *missing)
{
	bool is_measured = !missing && ratio->median == ratio->median;
	json_t *reached = is_measured ? json_boolean(is_reached(ratio->median, direction, target))
				      : json_null();
	const char *reason = missing ? missing : spawn_last_failure();

	json_array_append_new(json_object_get(b->json, "bars"),
			      json_pack("{s:s, s:s, s:o, s:s, s:f, s:o, s:s?}", "what", what,
					"against", against, "ratio", json_ratio(ratio), "target_is",
					direction == AT_MOST ? "at most" : "at least", "target",
					target, "reached", reached, "not_measured",
					is_measured ? NULL : reason));
}

static void print_bar(const json_t *bar)
{
	const json_t *reached = json_object_get(bar, "reached");
	const json_t *ratio = json_object_get(bar, "ratio");
	const char *missing = json_string_value(json_object_get(bar, "not_measured"));

	printf("  %-42s %-16s", json_string_value(json_object_get(bar, "what")),
	       json_string_value(json_object_get(bar, "against")));
	if (missing) {
		printf(" not measured: %s\n", missing);
		return;
	}
	printf(" %8.2f  %8.2f..%-8.2f  %-8s %5.2f  %s\n",
	       json_real_value(json_object_get(ratio, "median")),
	       json_real_value(json_object_get(ratio, "least")),
	       json_real_value(json_object_get(ratio, "most")),
	       json_string_value(json_object_get(bar, "target_is")),
	       json_real_value(json_object_get(bar, "target")),
	       json_is_true(reached) ? "reached" : "MISSED");
}

void bars_print(const struct bench *b)
{
	const json_t *bars = json_object_get(b->json, "bars");
	const json_t *bar;
	size_t i;

	printf("\nbars: medians of the rounds' ratios, or means over cells; least and most\n"
	       "  %-42s %-16s %8s  %18s  %s\n",
	       "what", "against", "ratio", "", "target");
	json_array_foreach(bars, i, bar) print_bar(bar);
}
