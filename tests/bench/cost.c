/* SPDX-License-Identifier: MIT */
/*
 * Measures the cost of a call over a matrix of patterns, because it depends on the pattern. A cell
 * is a pattern: the first one is the centre; the others differ from it in one thing each, or in
 * several, where those are known to be bad together. What counts is the geometric mean of the
 * cells' ratios, and the worst cell.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "costs.h"

/* The options are those of calls.c; of two that contradict each other, the last one counts. */
#define CENTRE "family=1 depth=16 stacks=100 inner=5 "
#define LSA_HEAP CENTRE "family=0 "
#define PRIVATE_HEAP CENTRE "family=2 "
#define CLIENT_BUFFERS CENTRE "family=3 "
#define ALL "inner=64 outer=1 "

static const struct pattern cells[] = {
	{ "", 1, CENTRE },
	/* Frames that differ from stack to stack. */
	{ "", 1, CENTRE "stacks=1" },
	{ "", 1, CENTRE "inner=2" },
	{ "", 1, CENTRE "inner=10" },
	{ "", 1, CENTRE "inner=1 outer=1" },
	{ "", 1, CENTRE ALL },
	{ "", 1, CENTRE "uneven=1" },
	{ "", 1, CENTRE "uneven=1 inner=10" },
	/* Stacks. */
	{ "", 1, CENTRE "stacks=10000" },
	{ "", 1, CENTRE "stacks=100000" },
	/* Depth. */
	{ "", 1, CENTRE "depth=4" },
	{ "", 1, CENTRE "depth=8" },
	{ "", 1, CENTRE "depth=32" },
	{ "", 1, CENTRE "depth=64" },
	{ "", 1, CENTRE "depth=128" },
	/* Families. */
	{ "", 1, LSA_HEAP },
	{ "", 1, PRIVATE_HEAP },
	{ "", 1, CLIENT_BUFFERS },
	{ "", 1, CENTRE "sections=10" },
	{ "", 1, CENTRE "sections=1000" },
	/* Live blocks. */
	{ "", 1, CENTRE "live=1000" },
	{ "", 1, CENTRE "live=100000" },
	{ "", 1, CENTRE "live=1000000" },
	/* How the package is compiled. */
	{ "-O2-pointer", 1, CENTRE },
	{ "-virtual", 1, CENTRE },
	{ "-O0", 1, CENTRE },
	{ "-O1", 1, CENTRE },
	{ "-O3", 1, CENTRE },
	/* Threads. */
	{ "", 2, CENTRE },
	{ "", 2, CENTRE "stacks=1" },
	{ "", 2, CENTRE "stacks=10000" },
	{ "", 2, CENTRE "uneven=1 inner=10" },
	{ "", 2, CENTRE "depth=64" },
	{ "", 2, LSA_HEAP },
	{ "", 2, CLIENT_BUFFERS },
	{ "", 2, CENTRE "sections=1000" },
	{ "", 2, CENTRE "live=100000" },
	{ "-virtual", 2, CENTRE "uneven=1" },
	{ "", 8, CENTRE },
	{ "", 8, LSA_HEAP "stacks=10000" },
	/* Corners. */
	{ "", 1, LSA_HEAP "depth=4 stacks=1" },
	{ "", 1, CLIENT_BUFFERS "depth=8 stacks=10000 uneven=1" },
	{ "", 1, CENTRE "stacks=100000 sections=1000 live=1000000" },
	{ "-O2-pointer", 1, CENTRE "depth=64 uneven=1 inner=10" },
	{ "-O0", 1, CENTRE "depth=64 stacks=10000 inner=10" },
	{ "-virtual", 1, CENTRE "depth=128 uneven=1 " ALL },
	{ "-O2-pointer", 2, CENTRE "depth=64 stacks=10000 inner=10" },
	{ "", 2, CENTRE "depth=128 uneven=1 " ALL },
};
enum { CELLS = sizeof(cells) / sizeof(*cells) };

static const enum way compared[] = { WAY_LSATRACE, WAY_HEAPTRACK, WAY_LTTNG, WAY_LIBUNWIND };
enum { COMPARED = sizeof(compared) / sizeof(*compared), COMPARED_SHORT = 2 };

/* Of short runs, the calls and the whole process count, each net of what an untraced one takes. */
enum kind { LONG_RUN, SHORT_CALL, SHORT_PROCESS, KINDS };

struct cell {
	struct costs costs[KINDS];
};

/* With blocks that are live all the time, a run is not short. */
static bool has_short_runs(const struct pattern *p)
{
	return p->threads == 1 && !strstr(p->options, "live=");
}

static bool is_alone(const struct pattern *p)
{
	return p->threads == 1;
}

static bool is_threaded(const struct pattern *p)
{
	return p->threads > 1;
}

static bool is_any(const struct pattern *p)
{
	(void)p;
	return true;
}

/* The targets: how much of what another way costs lsatrace costs at most. */
static const struct target {
	const char *what;
	enum way other;
	enum kind kind;
	bool (*counts)(const struct pattern *p);
	double mean, worst;
} targets[] = {
	{ "call, 1 thread", WAY_HEAPTRACK, LONG_RUN, is_alone, 0.30, 0.45 },
	{ "call, 2 or 8 threads", WAY_HEAPTRACK, LONG_RUN, is_threaded, 0.12, 0.20 },
	{ "call", WAY_LTTNG, LONG_RUN, is_any, 0.50, 0.80 },
	{ "call", WAY_LIBUNWIND, LONG_RUN, is_any, 0.20, 0.35 },
	{ "call in a short run", WAY_HEAPTRACK, SHORT_CALL, has_short_runs, 0.40, 0.60 },
	{ "short run as a whole", WAY_HEAPTRACK, SHORT_PROCESS, has_short_runs, 0.40, 0.60 },
};
enum { TARGETS = sizeof(targets) / sizeof(*targets) };

static bool is_selected(const struct bench *b, size_t cell)
{
	return cell + 1 >= b->first_cell && cell + 1 <= b->last_cell;
}

static void print_head(void)
{
	printf("  ns a call, medians; all but bare net of it. A short run is a process of %d "
	       "calls\n"
	       "  the centre: %s\n"
	       "%104s %29s %26s %26s\n"
	       "   # built       threads, other options                  %7s",
	       SHORT_CALLS, CENTRE, "", "lsatrace is as much as", "calls of a short run",
	       "all of a short run", way_column[WAY_BARE]);
	for (size_t i = 0; i < COMPARED; i++)
		printf(" %9s", way_column[compared[i]]);
	for (size_t i = 1; i < COMPARED; i++)
		printf(" %9s", way_column[compared[i]]);
	for (int i = 0; i < 2; i++)
		printf(" %9s %9s %6s", way_column[WAY_LSATRACE], way_column[WAY_HEAPTRACK], "ratio");
	putchar('\n');
}

static void print_short(const struct costs *c)
{
	print_number(10, 1, samples_median(&c->ns[WAY_LSATRACE]));
	print_number(10, 1, samples_median(&c->ns[WAY_HEAPTRACK]));
	print_number(7, 2, costs_ratio(c, WAY_HEAPTRACK).median);
}

static void print_cell(size_t number, const struct cell *cell)
{
	const struct pattern *p = &cells[number];
	const struct costs *c = &cell->costs[LONG_RUN];

	printf("  %2zu %-11s %u %-39s", number + 1, p->program, p->threads,
	       p->options + strlen(CENTRE));
	print_number(8, 1, samples_median(&c->ns[WAY_BARE]));
	for (size_t i = 0; i < COMPARED; i++)
		print_number(10, 1, samples_median(&c->ns[compared[i]]));
	for (size_t i = 1; i < COMPARED; i++)
		print_number(10, 2, costs_ratio(c, compared[i]).median);
	if (has_short_runs(p)) {
		print_short(&cell->costs[SHORT_CALL]);
		print_short(&cell->costs[SHORT_PROCESS]);
	}
	putchar('\n');
	fflush(stdout);
}

static json_t *json_cell(size_t number, const struct cell *cell)
{
	const struct pattern *p = &cells[number];
	json_t *json = json_pack("{s:i, s:s, s:i, s:s, s:o}", "cell", (int)number + 1, "program",
				 p->program, "threads", (int)p->threads, "options", p->options,
				 "long", costs_json(&cell->costs[LONG_RUN], compared, COMPARED));

	if (!has_short_runs(p))
		return json;
	json_object_set_new(json, "short_call",
			    costs_json(&cell->costs[SHORT_CALL], compared, COMPARED_SHORT));
	json_object_set_new(json, "short_process",
			    costs_json(&cell->costs[SHORT_PROCESS], compared, COMPARED_SHORT));
	return json;
}

/* A cell that could not be measured spoils the mean. */
static void judge(struct bench *b, const struct target *t, const struct cell measured[])
{
	struct ratio mean = { 0, INFINITY, 0, NAN }, worst = { .median = 0 };
	size_t count = 0, worst_cell = 0;
	char what[64];

	for (size_t i = 0; i < CELLS; i++) {
		struct ratio ratio;

		if (!is_selected(b, i) || !t->counts(&cells[i]))
			continue;
		ratio = costs_ratio(&measured[i].costs[t->kind], t->other);
		count++;
		mean.median += log(ratio.median);
		mean.least = fmin(mean.least, ratio.median);
		mean.most = fmax(mean.most, ratio.median);
		if (!(ratio.median <= worst.median)) {
			worst = ratio;
			worst_cell = i + 1;
		}
	}
	if (count == 0)
		return;
	mean.median = exp(mean.median / (double)count);
	snprintf(what, sizeof(what), "%s: mean of %zu cells", t->what, count);
	bars_add(b, what, way_column[t->other], &mean, AT_MOST, t->mean, way_missing(b, t->other));
	snprintf(what, sizeof(what), "%s: worst, cell %zu", t->what, worst_cell);
	bars_add(b, what, way_column[t->other], &worst, AT_MOST, t->worst, way_missing(b, t->other));
}

json_t *cost_run(struct bench *b)
{
	struct cell *measured = calloc(CELLS, sizeof(*measured));
	json_t *all = json_array();

	if (!measured)
		abort();
	print_head();
	for (size_t i = 0; i < CELLS && !spawn_is_stopped(); i++) {
		struct costs *costs = measured[i].costs;

		if (!is_selected(b, i))
			continue;
		costs_measure(b, &cells[i], compared, COMPARED, &costs[LONG_RUN]);
		if (has_short_runs(&cells[i]))
			costs_measure_short(b, &cells[i], compared, COMPARED_SHORT,
					    &costs[SHORT_CALL], &costs[SHORT_PROCESS]);
		print_cell(i, &measured[i]);
		json_array_append_new(all, json_cell(i, &measured[i]));
	}
	for (size_t i = 0; i < TARGETS; i++)
		judge(b, &targets[i], measured);
	free(measured);
	return all;
}
