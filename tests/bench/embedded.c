/* SPDX-License-Identifier: MIT */
/*
 * Measures the cost of a block of lsatrace's own shared memory, of malloc() and of mimalloc, with
 * the same sequence of blocks. Nothing is traced, because the cost of tracing does not depend on
 * the allocator.
 */
#include <stdio.h>

#include "bench.h"
#include "spawn.h"

enum { EMBEDDED, GLIBC, MIMALLOC, ALLOCATORS };

static const char *const column[ALLOCATORS] = { "embedded", "glibc", "mimalloc" };
static const char *const key[ALLOCATORS] = { "embedded_ns", "glibc_ns", "mimalloc_ns" };

static const struct sequence {
	unsigned threads, live, most;
} sequences[] = {
	{ 1, 10, 32 },      { 1, 1000, 256 },    { 1, 1000, 1024 }, { 1, 1000, 32768 },
	{ 1, 100000, 256 }, { 1, 100000, 1024 }, { 2, 1000, 1024 },
};
enum { SEQUENCES = sizeof(sequences) / sizeof(*sequences) };

static void measure_once(const struct sequence *s, struct samples *samples)
{
	char text[3][32];
	const char *const arguments[] = { BLOCKS_PROGRAM, text[0],    text[1],
					  text[2],        "rounds=3", NULL };
	struct command command = { .arguments = arguments };
	struct outcome o;

	snprintf(text[0], sizeof(text[0]), "threads=%u", s->threads);
	snprintf(text[1], sizeof(text[1]), "live=%u", s->live);
	snprintf(text[2], sizeof(text[2]), "most=%u", s->most);
	spawn_run(&command, &o);
	for (int i = 0; i < ALLOCATORS; i++)
		samples_add(&samples[i], outcome_number(&o, key[i]));
	outcome_release(&o);
}

static void print_row(const struct sequence *s, const struct samples *samples)
{
	printf("  %7u %7u %7u", s->threads, s->live, s->most);
	for (int i = 0; i < ALLOCATORS; i++)
		print_number(11, 1, samples_median(&samples[i]));
	for (int i = GLIBC; i < ALLOCATORS; i++)
		print_number(11, 2, samples_ratio(&samples[EMBEDDED], &samples[i]).median);
	putchar('\n');
	fflush(stdout);
}

static void judge(struct bench *b, const struct sequence *s, const struct ratio *ratio)
{
	char what[64];

	snprintf(what, sizeof(what), "block up to %u, %u live, %u thread%s", s->most, s->live,
		 s->threads, s->threads == 1 ? "" : "s");
	bars_add(b, what, column[GLIBC], ratio, AT_MOST, 2, NULL);
}

static json_t *measure(struct bench *b, const struct sequence *s)
{
	struct samples samples[ALLOCATORS] = { 0 };
	struct ratio glibc, mimalloc;

	for (unsigned round = 0; round < b->rounds && !spawn_is_stopped(); round++)
		measure_once(s, samples);
	print_row(s, samples);
	glibc = samples_ratio(&samples[EMBEDDED], &samples[GLIBC]);
	mimalloc = samples_ratio(&samples[EMBEDDED], &samples[MIMALLOC]);
	judge(b, s, &glibc);
	return json_pack("{s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o}", "threads", s->threads, "live",
			 s->live, "most", s->most, key[EMBEDDED], json_samples(&samples[EMBEDDED]),
			 key[GLIBC], json_samples(&samples[GLIBC]), key[MIMALLOC],
			 json_samples(&samples[MIMALLOC]), "against_glibc", json_ratio(&glibc),
			 "against_mimalloc", json_ratio(&mimalloc));
}

json_t *embedded_run(struct bench *b)
{
	json_t *all = json_array();

	printf("  ns to free a block and allocate another, and ratios to the others\n"
	       "  %7s %7s %7s %10s %10s %10s %10s %10s\n",
	       "threads", "live", "up to", column[EMBEDDED], column[GLIBC], column[MIMALLOC],
	       column[GLIBC], column[MIMALLOC]);
	for (int i = 0; i < SEQUENCES; i++)
		json_array_append_new(all, measure(b, &sequences[i]));
	return all;
}
