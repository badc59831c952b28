/* SPDX-License-Identifier: MIT */
/*
 * What happens to a host many times: 5 to 300 times in `make check`, some thousand times in `make
 * torture`. The host counts itself what it does, and the trace must agree with it: exactly, or where
 * calls are taken out of the middle of the tracer, as a lower bound that says so. There must be no
 * misuse, and no call in flight.
 */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/json.h"
#include "tests/support/traced.h"

struct counts {
	long long made, live;
};

/* The sum of the lines that the processes printed. */
static struct counts counts_of_host(const char *out)
{
	struct counts sum = { 0, 0 }, one;

	for (; (out = strstr(out, "made ")) != NULL; out++)
		if (sscanf(out, "made %lld, live %lld", &one.made, &one.live) == 2) {
			sum.made += one.made;
			sum.live += one.live;
		}
	return sum;
}

static struct counts counts_of_traces(const json_t *report)
{
	const json_t *traces = json_at(report, "traces"), *trace;
	struct counts sum = { 0, json_number_at(report, "summary.leaked_blocks") };
	size_t i;

	json_array_foreach(traces, i, trace)
	{
		long long calls = json_number_at(trace, "calls.AllocatePrivateHeap");

		sum.made += calls > 0 ? calls : 0;
		cr_expect_eq(json_array_size(json_at(trace, "in_flight")), 0u);
	}
	return sum;
}

static void expect_only_leaks(const json_t *report)
{
	const json_t *findings = json_at(report, "findings"), *finding;
	bool has_last = false;
	size_t i;

	json_array_foreach(findings, i, finding)
	{
		const char *kind = json_text_at(finding, "kind");

		cr_expect(json_same_text(kind, "block-leak"), "%s", kind);
		has_last |= json_number_at(finding, "size") == 31;
	}
	cr_expect(has_last, "the last calls are not traced");
}

enum expected { EXACT, LOWER_BOUND };

static void torture(const char *scenario, long times, enum expected expected)
{
	struct traced traced;
	struct counts host, trace;
	char number[24];

	snprintf(number, sizeof(number), "%ld", times);
	traced = traced_record(COMMAND("--ring=64M"), COMMAND(ODD_HOST, scenario, number));
	cr_assert_eq(traced.run.status, 0, "status %d: %s", traced.run.status, traced.run.err);
	cr_assert_not_null(traced.report);
	host = counts_of_host(traced.run.out);
	trace = counts_of_traces(traced.report);
	expect_only_leaks(traced.report);
	cr_expect_eq(json_is_true(json_at(traced.report, "summary.exact")), expected == EXACT);
	if (expected == EXACT) {
		cr_expect_eq(trace.made, host.made, "%lld, not %lld", trace.made, host.made);
		cr_expect_eq(trace.live, host.live, "%lld, not %lld", trace.live, host.live);
	}
	cr_expect_leq(trace.made, host.made, "%lld of %lld", trace.made, host.made);
	cr_expect_leq(trace.live, host.live, "%lld of %lld", trace.live, host.live);
	traced_release(&traced);
}

#define TORTURE(name, scenario, few, many, expected) \
	Test(torture, name, .timeout = 900) \
	{ \
		torture(scenario, run_count(few, many), expected); \
	}

TORTURE(threads_one_after_another, "threads-in-turn", 300, 10000, EXACT)
TORTURE(threads_at_once, "threads-at-once", 100, 2000, EXACT)
TORTURE(children_that_are_forked_while_others_call, "forks-under-load", 10, 100, EXACT)
TORTURE(threads_that_are_cancelled_where_they_allow_it, "cancelled-deferred", 100, 5000, EXACT)
TORTURE(threads_that_end_within_a_call, "exits-in-calls", 100, 5000, EXACT)
TORTURE(exceptions_that_leave_a_call, "exceptions", 300, 100000, EXACT)
/* So many times that it is the tracer at least once. */
TORTURE(threads_that_are_cancelled_anywhere, "cancelled-anywhere", 200, 5000, LOWER_BOUND)
TORTURE(jumps_out_of_signal_handlers, "jumped-anywhere", 300, 10000, LOWER_BOUND)
