/* SPDX-License-Identifier: MIT */
#include "costs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CALLS_OF_ROUND = 2000,
	ROUNDS_WARM = 120,     /* each of 100,000 stacks is known then */
	ROUNDS_OF_RING = 1100, /* more than a ring of 64 MiB holds, for events of 32 bytes or more */
	ROUNDS_MEASURED = 150,
	ROUNDS_SLOW = 20,
	PROCESSORS = 2, /* more threads than these take turns */
	WORDS_MOST = 16,
};

/* The command of a pattern. */
struct command_line {
	char program[sizeof(CALLS_PROGRAM) + 16], options[256], threads[32], warm[32], rounds[32];
	const char *word[WORDS_MOST + 1];
};

static void write_command(struct command_line *c, const struct pattern *p, unsigned warm,
			  unsigned rounds)
{
	char *rest = c->options;
	size_t words = 0;

	snprintf(c->program, sizeof(c->program), "%s%s", CALLS_PROGRAM, p->program);
	snprintf(c->options, sizeof(c->options), "%s", p->options);
	snprintf(c->threads, sizeof(c->threads), "threads=%u", p->threads);
	snprintf(c->warm, sizeof(c->warm), "warm=%u", warm);
	snprintf(c->rounds, sizeof(c->rounds), "rounds=%u", rounds);
	c->word[words++] = c->program;
	c->word[words++] = "cost";
	c->word[words++] = c->threads;
	c->word[words++] = c->warm;
	c->word[words++] = c->rounds;
	while (words < WORDS_MOST && (c->word[words] = strsep(&rest, " ")) != NULL)
		words += *c->word[words] != '\0';
	c->word[words] = NULL;
}

/* libunwind takes microseconds, so that the warmth of the rest does not matter. */
static bool is_slow(enum way way)
{
	return way == WAY_LIBUNWIND || way == WAY_ONE_FRAME_LIBUNWIND;
}

static void add_long(struct bench *b, const struct pattern *p, enum way way, struct costs *costs)
{
	struct command_line c;
	struct outcome o;

	if (is_slow(way))
		write_command(&c, p, ROUNDS_SLOW / p->threads, ROUNDS_SLOW / p->threads);
	else
		write_command(&c, p,
			      ROUNDS_WARM + (way_has_ring(way) ? ROUNDS_OF_RING / p->threads : 0),
			      ROUNDS_MEASURED);
	way_run(b, way, c.word, &o);
	samples_add(&costs->ns[way],
		    outcome_number(&o, p->threads > PROCESSORS ? "elapsed_ns" : "mean_ns"));
	outcome_release(&o);
}

static void add_short(struct bench *b, const struct pattern *p, enum way way, struct costs *calls,
		      struct costs *process)
{
	struct command_line c;
	struct outcome o;
	bool good;

	write_command(&c, p, 0, SHORT_CALLS / CALLS_OF_ROUND);
	good = way_run(b, way, c.word, &o);
	samples_add(&calls->ns[way], outcome_number(&o, "elapsed_ns"));
	samples_add(&process->ns[way], good ? o.seconds * 1e9 / SHORT_CALLS : NAN);
	outcome_release(&o);
}

static void subtract_bare(struct costs *costs, const enum way *ways, size_t count)
{
	for (size_t i = 0; i < count; i++)
		costs->ns[ways[i]] = samples_minus(&costs->ns[ways[i]], &costs->ns[WAY_BARE]);
}

void costs_measure(struct bench *b, const struct pattern *p, const enum way *ways, size_t count,
		   struct costs *costs)
{
	*costs = (struct costs){ 0 };
	for (unsigned round = 0; round < b->rounds; round++) {
		add_long(b, p, WAY_BARE, costs);
		for (size_t i = 0; i < count; i++)
			if (!way_missing(b, ways[i]))
				add_long(b, p, ways[i], costs);
	}
	subtract_bare(costs, ways, count);
}

void costs_measure_short(struct bench *b, const struct pattern *p, const enum way *ways,
			 size_t count, struct costs *calls, struct costs *process)
{
	*calls = *process = (struct costs){ 0 };
	for (unsigned round = 0; round < b->rounds; round++) {
		add_short(b, p, WAY_BARE, calls, process);
		for (size_t i = 0; i < count; i++)
			if (!way_missing(b, ways[i]))
				add_short(b, p, ways[i], calls, process);
	}
	subtract_bare(calls, ways, count);
	subtract_bare(process, ways, count);
}

struct ratio costs_ratio(const struct costs *costs, enum way other)
{
	return samples_ratio(&costs->ns[WAY_LSATRACE], &costs->ns[other]);
}

json_t *costs_json(const struct costs *costs, const enum way *ways, size_t count)
{
	json_t *net = json_object(), *ratios = json_object();

	for (size_t i = 0; i < count; i++) {
		struct ratio ratio = costs_ratio(costs, ways[i]);

		json_object_set_new(net, way_key[ways[i]], json_samples(&costs->ns[ways[i]]));
		json_object_set_new(ratios, way_key[ways[i]], json_ratio(&ratio));
	}
	return json_pack("{s:o, s:o, s:o}", "bare_ns", json_samples(&costs->ns[WAY_BARE]), "net_ns",
			 net, "lsatrace_against", ratios);
}
