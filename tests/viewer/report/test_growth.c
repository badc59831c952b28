/* SPDX-License-Identifier: MIT */
/* `report --growth` and `report --since`: what they say of traces that are built here. */
#include <criterion/criterion.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/json.h"
#include "tests/support/trace_builder.h"
#include "viewer/report/report.h"

enum { ERAS = 1000 }; /* of a run */

static struct trace_builder *build_run(void)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_header *h = trace_builder_header(b);

	trace_builder_package(b, 0, "p", 1, 0);
	h->first_era = 7;
	h->last_era = 7 + ERAS - 1;
	h->clock_last[0] = (struct trace_clock){ 60000000000u, 60000000000u };
	h->returns[TRANSFER_LogonUserEx2] = 100000;
	trace_builder_counter(b, 0, SLOT_AllocateLsaHeap, 1000000, 0, 0);
	return b;
}

/* Adds a block that was made at a part of the run, from 0 to 1. `where` tells call sites apart. */
static uint32_t add_block(struct trace_builder *b, uint32_t stack, double part)
{
	static uint64_t address = 0x10000;
	uint32_t entry = trace_builder_entry(b, (struct trace_entry){ .address = address += 64,
								      .size = 10,
								      .stack = stack,
								      .state = TRACE_ENTRY_BLOCK,
								      .family = FAMILY_LSA_HEAP });

	trace_builder_era(b, entry, 7 + (uint32_t)(part * (ERAS - 1)));
	return entry;
}

static json_t *report(struct trace_builder *b, const char *since, int expected)
{
	struct report_options options = { .format = REPORT_FORMAT_json,
					  .has_growth = true,
					  .since = since };
	char *path = strdup(trace_builder_write(b)), *text = NULL;
	json_t *json;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	cr_expect_eq((int)report_traces(&options, &path, 1, out), expected);
	fclose(out);
	json = json_loads(text, 0, NULL);
	free(text);
	free(path);
	return json;
}

/* Expects that what `place` gives for 0..count-1 is growth, or not. */
static void expect(bool is_growing, const char *what, unsigned count, double (*place)(double i))
{
	struct trace_builder *b = build_run();
	uint32_t stack = trace_builder_place(b, 0, 0x1234);
	json_t *json;

	for (unsigned i = 0; i < count; i++)
		add_block(b, stack, place((i + 0.5) / count));
	json = report(b, NULL, 1);
	cr_expect(json_is_true(json_at(json, "growth.0.long_enough")));
	cr_expect_eq(json_array_size(json_at(json, "growth.0.growing")), is_growing, "%s of %u",
		     what, count);
	json_decref(json);
	trace_builder_free(b);
}

static double evenly(double i)
{
	return i;
}

static double at_first(double i)
{
	return 0.2 * i;
}

static double at_last(double i)
{
	return 1 - 0.2 * i;
}

static double at_first_and_last(double i)
{
	return i < 0.5 ? i / 4 : 1 - i / 8;
}

static double ever_fewer(double i)
{
	return i * i;
}

static double ever_more(double i)
{
	return 1 - i * i;
}

/* And a start that keeps a lot, and what has just been made. */
static double evenly_amid_others(double i)
{
	return i < 0.3 ? 0.05 * i : i < 0.6 ? 0.99 : (i - 0.6) * 2.5;
}

static double in_one_phase(double i)
{
	return 0.3 + 0.3 * i;
}

Test(growth, a_leak_grows_and_a_cache_does_not)
{
	for (unsigned count = 250; count <= 6250; count *= 5) {
		expect(true, "a leak", count, evenly);
		expect(true, "a leak amid others", count, evenly_amid_others);
		expect(false, "a cache that fills", count, at_first);
		expect(false, "what is in use", count, at_last);
		expect(false, "a cache that fills, and what is in use", count, at_first_and_last);
		expect(false, "a cache that is about to be full", count, ever_fewer);
		expect(false, "a cache that replaces any entry", count, ever_more);
		expect(false, "what one phase of the run left", count, in_one_phase);
	}
	expect(false, "too few to tell", 75, evenly);
}

Test(growth, says_how_fast_it_is)
{
	struct trace_builder *b = build_run();
	uint32_t stack = trace_builder_place(b, 0, 0x1234), ignored;
	const json_t *row;
	json_t *json;

	for (unsigned i = 0; i < 200; i++)
		add_block(b, stack, i / 200.);
	for (unsigned i = 0; i < 100; i++) {
		ignored = add_block(b, trace_builder_place(b, 0, 0x5678), i / 100.);
		((struct trace_entry *)(trace_builder_bytes(b, &(size_t){ 0 }) +
					(size_t)ignored * TRACE_GRANULE))
			->state = TRACE_ENTRY_IGNORED;
	}
	json = report(b, NULL, 1);
	row = json_at(json, "growth.0.growing.0");
	cr_expect_eq(json_number_at(json, "summary.ignored"), 100);
	cr_expect_eq(json_array_size(json_at(json, "growth.0.growing")), 1);
	cr_expect_eq(json_number_at(row, "live"), 200);
	cr_expect_eq(json_number_at(row, "bytes"), 2000);
	cr_expect_eq(json_number_at(row, "made.4"), 20);
	cr_expect_float_eq(json_number_value(json_at(row, "per_minute")), 200, 1);
	cr_expect_float_eq(json_number_value(json_at(row, "per_call")), 2e-4, 1e-6);
	cr_expect_float_eq(json_number_value(json_at(row, "entry_points.0.per_call")), 2e-3, 1e-5);
	cr_expect(
		json_same_text(json_text_at(row, "entry_points.0.function"), "LsaApLogonUserEx2"));
	cr_expect(json_same_text(json_text_at(row, "confidence"), "high"));
	cr_expect_gt(json_number_value(json_at(row, "r_squared")), 0.99);
	json_decref(json);
	trace_builder_free(b);
}

Test(growth, a_short_run_or_an_old_trace_shows_nothing)
{
	for (int is_old = 0; is_old < 2; is_old++) {
		struct trace_builder *b = build_run();
		uint32_t stack = trace_builder_place(b, 0, 0x1234);
		json_t *json;

		for (unsigned i = 0; i < 100; i++)
			trace_builder_era(b, add_block(b, stack, 0), is_old ? 0 : 7 + i / 10);
		trace_builder_header(b)->last_era = is_old ? 0 : 17;
		trace_builder_header(b)->first_era = is_old ? 0 : 7;
		if (is_old)
			trace_builder_header(b)->version = 3;
		json = report(b, NULL, 1);
		cr_expect(json_is_false(json_at(json, "growth.0.long_enough")));
		cr_expect_eq(json_array_size(json_at(json, "growth.0.growing")), 0);
		json_decref(json);
		trace_builder_free(b);
	}
}

Test(since, only_what_is_newer_counts)
{
	struct trace_builder *b = build_run();
	uint32_t stack = trace_builder_place(b, 0, 0x1234);
	struct trace_finding misuse = { .first_time = 99,
					.kind = TRACE_KIND_DOUBLE_FREE,
					.family = FAMILY_LSA_HEAP,
					.function = SLOT_FreeLsaHeap,
					.stack = { stack } };
	json_t *json;

	trace_builder_checkpoint(b, 7 + 100, 100, "here");
	trace_builder_checkpoint(b, 7 + 999, 200, "there");
	add_block(b, stack, 99. / 999);
	add_block(b, stack, 100.5 / 999);
	add_block(b, stack, 0.5);
	trace_builder_finding(b, misuse);
	misuse.first_time = 100;
	misuse.stack[0] = trace_builder_place(b, 0, 0x5678);
	trace_builder_finding(b, misuse);
	json = report(b, "here", 1);
	cr_expect_eq(json_number_at(json, "summary.leaked_blocks"), 2);
	cr_expect_eq(json_number_at(json, "summary.errors"), 3);
	cr_expect(json_same_text(json_text_at(json, "since"), "here"));
	json_decref(json);
	json = report(b, "there", 0);
	cr_expect_eq(json_number_at(json, "summary.errors"), 0);
	json_decref(json);
	cr_assert(freopen("/dev/null", "w", stderr));
	cr_expect_null(report(b, "nowhere", 2));
	trace_builder_free(b);
}
