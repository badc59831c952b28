/* SPDX-License-Identifier: MIT */
/*
 * Measures the cost of a call: the same calls untraced and in each way. The cost of the untraced
 * calls of the same round is subtracted.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "tracers.h"

/* A pattern of calls: options of the program `calls`. */
struct pattern {
	unsigned depth, threads, stacks, live;
	bool outer;
};

struct cost {
	struct samples acquire, release, mean;
};

struct costs {
	struct cost way[WAY_COUNT];
	struct cost net[WAY_COUNT];
};

static const enum way compared[] = { WAY_LSATRACE, WAY_GROWING, WAY_LIBUNWIND, WAY_HEAPTRACK,
				     WAY_LTTNG };
enum { COMPARED = sizeof(compared) / sizeof(*compared), OTHERS_FROM = 2 };

enum {
	ROUNDS_WARM = 20,
	ROUNDS_OF_RING = 550, /* of 2000 calls: more than a ring of 64 MiB holds */
};

/* Hosts run for days, so what counts is the cost of a call after the ring has wrapped. */
static unsigned warm_rounds(const struct pattern *p, enum way way)
{
	return ROUNDS_WARM + (way_has_ring(way) ? ROUNDS_OF_RING / p->threads : 0);
}

static void measure_once(struct bench *b, const struct pattern *p, enum way way, struct cost *c)
{
	char text[6][32];
	const char *const arguments[] = { CALLS_PROGRAM, "cost",  text[0],      text[1], text[2],
					  text[3],       text[4], "rounds=150", text[5], NULL };
	struct outcome o;

	snprintf(text[0], sizeof(text[0]), "depth=%u", p->depth);
	snprintf(text[1], sizeof(text[1]), "threads=%u", p->threads);
	snprintf(text[2], sizeof(text[2]), "stacks=%u", p->stacks);
	snprintf(text[3], sizeof(text[3]), "live=%u", p->live);
	snprintf(text[4], sizeof(text[4]), "outer=%u", p->outer);
	snprintf(text[5], sizeof(text[5]), "warm=%u", warm_rounds(p, way));
	way_run(b, way, arguments, &o);
	samples_add(&c->acquire, outcome_number(&o, "acquire_ns"));
	samples_add(&c->release, outcome_number(&o, "release_ns"));
	samples_add(&c->mean, outcome_number(&o, "mean_ns"));
	outcome_release(&o);
}

/* Sets `costs` for the ways and for the untraced run. */
static void measure(struct bench *b, const struct pattern *p, const enum way *ways, size_t count,
		    struct costs *costs)
{
	*costs = (struct costs){ 0 };
	for (unsigned round = 0; round < b->rounds; round++) {
		measure_once(b, p, WAY_BARE, &costs->way[WAY_BARE]);
		for (size_t i = 0; i < count; i++)
			if (!way_missing(b, ways[i]))
				measure_once(b, p, ways[i], &costs->way[ways[i]]);
	}
	for (size_t i = 0; i < count; i++) {
		const struct cost *bare = &costs->way[WAY_BARE], *way = &costs->way[ways[i]];
		struct cost *net = &costs->net[ways[i]];

		net->acquire = samples_minus(&way->acquire, &bare->acquire);
		net->release = samples_minus(&way->release, &bare->release);
		net->mean = samples_minus(&way->mean, &bare->mean);
	}
}

static json_t *json_cost(const struct cost *c)
{
	return json_pack("{s:o, s:o, s:o}", "acquire_ns", json_samples(&c->acquire), "release_ns",
			 json_samples(&c->release), "mean_ns", json_samples(&c->mean));
}

static struct ratio ratio_of(const struct costs *c, enum way ours, enum way other)
{
	return samples_ratio(&c->net[ours].mean, &c->net[other].mean);
}

static json_t *json_costs(const struct pattern *p, const struct costs *c, const enum way *ways,
			  size_t count)
{
	json_t *json = json_pack("{s:i, s:i, s:i, s:i, s:b, s:o}", "depth", p->depth, "threads",
				 p->threads, "stacks", p->stacks, "live", p->live, "outer",
				 p->outer, "bare", json_cost(&c->way[WAY_BARE]));
	json_t *net = json_object(), *ratios = json_object();

	for (size_t i = 0; i < count; i++) {
		struct ratio ratio = ratio_of(c, WAY_LSATRACE, ways[i]);

		json_object_set_new(net, way_key[ways[i]], json_cost(&c->net[ways[i]]));
		json_object_set_new(ratios, way_key[ways[i]], json_ratio(&ratio));
	}
	json_object_set_new(json, "net", net);
	json_object_set_new(json, "lsatrace_against", ratios);
	return json;
}

static void print_head(void)
{
	printf("  ns a call, medians of the mean of an allocation and a free; all but bare net of "
	       "it\n"
	       "  %5s %7s %6s %11s",
	       "depth", "threads", "stacks", way_column[WAY_BARE]);
	for (size_t i = 0; i < COMPARED; i++)
		printf(" %10s", way_column[compared[i]]);
	printf("   lsatrace is as much as\n  %*s", 5 + 8 + 7 + 12 + COMPARED * 11, "");
	for (size_t i = OTHERS_FROM; i < COMPARED; i++)
		printf(" %10s", way_column[compared[i]]);
	putchar('\n');
}

static void print_row(const struct pattern *p, const struct costs *c)
{
	printf("  %5u %7u %6u", p->depth, p->threads, p->stacks);
	print_number(12, 1, samples_median(&c->way[WAY_BARE].mean));
	for (size_t i = 0; i < COMPARED; i++)
		print_number(11, 1, samples_median(&c->net[compared[i]].mean));
	for (size_t i = OTHERS_FROM; i < COMPARED; i++)
		print_number(11, 2, ratio_of(c, WAY_LSATRACE, compared[i]).median);
	printf("  %s%s\n", p->outer ? "the outermost frames differ, too" : "",
	       p->live ? "with a hundred thousand live blocks" : "");
	fflush(stdout);
}

/* The targets: the ratio of the cost to that of `way` is at most `target`. */
static const struct promise {
	struct pattern pattern;
	enum way way;
	double target;
} promises[] = {
	{ { 16, 1, 100, 0, false }, WAY_HEAPTRACK, 0.35 },
	{ { 64, 1, 100, 0, false }, WAY_HEAPTRACK, 0.25 },
	{ { 16, 2, 100, 0, false }, WAY_HEAPTRACK, 0.18 },
	{ { 64, 2, 100, 0, false }, WAY_HEAPTRACK, 0.10 },
	{ { 16, 1, 100, 0, false }, WAY_LTTNG, 0.60 },
	{ { 64, 1, 100, 0, false }, WAY_LTTNG, 0.60 },
	{ { 16, 2, 100, 0, false }, WAY_LTTNG, 0.60 },
	{ { 64, 2, 100, 0, false }, WAY_LTTNG, 0.60 },
	{ { 16, 1, 100, 0, false }, WAY_LIBUNWIND, 0.35 },
	{ { 16, 1, 10000, 0, false }, WAY_HEAPTRACK, 0.60 },
};

static bool is_same(const struct pattern *a, const struct pattern *b)
{
	return a->depth == b->depth && a->threads == b->threads && a->stacks == b->stacks &&
	       a->live == b->live && a->outer == b->outer;
}

static void judge(struct bench *b, const struct pattern *p, const struct costs *c)
{
	for (size_t i = 0; i < sizeof(promises) / sizeof(*promises); i++) {
		struct ratio ratio = ratio_of(c, WAY_LSATRACE, promises[i].way);
		char what[64];

		if (!is_same(p, &promises[i].pattern))
			continue;
		snprintf(what, sizeof(what), "call, depth %u, %u thread%s, %u stacks", p->depth,
			 p->threads, p->threads == 1 ? "" : "s", p->stacks);
		bars_add(b, what, way_column[promises[i].way], &ratio, AT_MOST, promises[i].target,
			 way_missing(b, promises[i].way));
	}
}

static void measure_pattern(struct bench *b, const struct pattern *p, json_t *all)
{
	struct costs *costs = calloc(1, sizeof(*costs));

	if (!costs)
		abort();
	if (spawn_is_stopped())
		goto out;
	measure(b, p, compared, COMPARED, costs);
	print_row(p, costs);
	judge(b, p, costs);
	json_array_append_new(all, json_costs(p, costs, compared, COMPARED));
out:
	free(costs);
}

json_t *cost_run(struct bench *b)
{
	static const unsigned depths[] = { 4, 16, 64 }, stacks[] = { 1, 100, 10000 };
	json_t *all = json_array();

	print_head();
	for (int d = 0; d < 3; d++)
		for (unsigned threads = 1; threads <= 2; threads++)
			for (int s = 0; s < 3; s++)
				measure_pattern(
					b, &(struct pattern){ depths[d], threads, stacks[s], 0, 0 },
					all);
	measure_pattern(b, &(struct pattern){ 16, 1, 100, 0, true }, all);
	measure_pattern(b, &(struct pattern){ 64, 1, 100, 0, true }, all);
	measure_pattern(b, &(struct pattern){ 16, 1, 100, 100000, false }, all);
	return all;
}

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

static void print_steps(const struct costs costs[], size_t count)
{
	for (size_t i = 0; i < STEPS; i++) {
		printf("  %-56s", steps[i].what);
		for (size_t j = 0; j < count; j++)
			print_number(12, 1, samples_median(&costs[j].net[steps[i].way].mean));
		putchar('\n');
	}
}

json_t *steps_run(struct bench *b)
{
	static const struct pattern patterns[] = { { 4, 1, 100, 0, false },
						   { 16, 1, 100, 0, false },
						   { 64, 1, 100, 0, false } };
	struct costs *costs = calloc(3, sizeof(*costs));
	json_t *all = json_array();
	enum way ways[STEPS];

	if (!costs)
		abort();
	printf("  ns a call, net of the bare run; 1 thread, 100 stacks %15s %11s %11s\n", "depth 4",
	       "depth 16", "depth 64");
	for (size_t i = 0; i < STEPS; i++)
		ways[i] = steps[i].way;
	for (size_t i = 0; i < 3; i++) {
		measure(b, &patterns[i], ways, STEPS, &costs[i]);
		json_array_append_new(all, json_costs(&patterns[i], &costs[i], ways, STEPS));
	}
	print_steps(costs, 3);
	free(costs);
	return all;
}
