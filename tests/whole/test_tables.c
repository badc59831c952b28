/* SPDX-License-Identifier: MIT */
/* Tests of unusual function tables, and of packages that treat theirs in unusual ways. */
#include "tests/support/expect.h"
#include "tests/support/json.h"
#include <criterion/criterion.h>
#include <string.h>

static void expect_short_table(const char *scenario)
{
	struct traced traced = trace(ODD(scenario));

	expect_traces(&traced, 1);
	expect_exact(&traced);
	cr_expect_eq(calls_of(&traced, "CreateSharedMemory"), 2);
	cr_expect_eq(calls_of(&traced, "DeleteSharedMemory"), 1);
	cr_expect_eq(findings_of(&traced, "block-leak"), 2);
	cr_expect_eq(findings_of(&traced, "section-leak"), 1);
	cr_expect_eq(findings_of(&traced, NULL), 3);
	traced_release(&traced);
}

Test(tables, a_table_shorter_than_any_that_is_known_is_read_to_its_end, .timeout = 60)
{
	expect_short_table("short-table");
}

Test(tables, a_package_may_copy_its_table, .timeout = 60)
{
	expect_short_table("copied-table");
}

Test(tables, a_package_may_copy_more_of_a_table_than_there_is, .timeout = 60)
{
	struct traced traced = trace(ODD("dispatch-table"));

	expect_one(&traced, 1, 11);
	cr_expect_eq(calls_of(&traced, "CreateSharedMemory"), 1,
		     "the host's table was the full one");
	traced_release(&traced);
}

Test(tables, a_long_table_without_shared_memory_is_traced_as_a_whole, .timeout = 60)
{
	struct traced traced = trace(ODD("long-table", "sure"));

	expect_one(&traced, 2, 28);
	traced_release(&traced);
}

/* What the untraced functions gave may be freed: nobody is accused. */
Test(tables, a_table_whose_length_is_in_doubt_is_said_to_be, .timeout = 60)
{
	struct traced traced = trace(ODD("long-table", "doubtful"));

	struct run report;

	expect_traces(&traced, 1);
	expect_leaks(&traced, 1, 11);
	cr_expect_eq(json_number_at(traced.report, "summary.lost.packages"), 1);
	report = run_command(COMMAND(LSATRACE, "report", traced.traces.all[0]));
	cr_expect(strstr(report.out, " was taken for 11 functions, because its slot 13 holds "),
		  "%s", report.out);
	run_release(&report);
	traced_release(&traced);
}

Test(tables, a_package_without_a_long_table_has_the_heap_of_its_short_one, .timeout = 60)
{
	struct traced traced = trace(ODD("eleven-then-null"));

	expect_one(&traced, 0, 0);
	traced_release(&traced);
}

Test(tables, a_package_that_is_given_no_table_has_none, .timeout = 60)
{
	struct traced traced = traced_record(COMMAND("--allocator=host"), ODD("null-table"));

	expect_traces(&traced, 0);
	cr_expect_eq(traced.run.status, 0);
	cr_expect_str_eq(traced.run.out, "0\ntable no\n");
	expect_line(traced.run.err, "lsatrace: no security package was initialised in ", "");
	traced_release(&traced);
}

Test(tables, slots_that_hold_no_function_stay_as_they_are, .timeout = 60)
{
	struct traced traced = trace_with(COMMAND("--allocator=host"), ODD("empty-slots"));

	expect_one(&traced, 1, 11);
	traced_release(&traced);
}

Test(tables, a_package_that_is_initialised_again_calls_the_table_that_it_was_given_last,
     .timeout = 60)
{
	struct traced traced = trace(ODD("twice"));

	expect_traces(&traced, 1);
	expect_exact(&traced);
	cr_expect_eq(findings_of(&traced, "block-leak"), 2);
	cr_expect_eq(findings_of(&traced, "failed-call"), 1);
	cr_expect_eq(json_array_size(json_at(traced.report, "traces.0.packages")), 1u);
	traced_release(&traced);
}

Test(tables, a_package_may_have_its_functions_only_when_it_is_initialised, .timeout = 60)
{
	struct traced traced = trace(ODD("late-functions"));

	expect_one(&traced, 1, 15);
	traced_release(&traced);
}

Test(tables, a_package_that_fails_to_initialise_is_heard_of_by_the_host, .timeout = 60)
{
	struct traced traced = trace(ODD("failing"));

	expect_one(&traced, 1, 14);
	traced_release(&traced);
}

Test(tables, a_packages_name_need_not_be_ascii, .timeout = 60)
{
	struct traced traced = trace(ODD("end", "return"));
	const char *name = json_text_at(traced.report, "traces.0.packages.0.name");

	cr_expect(name && strncmp(name, "odd-\u00e9-\u6f22-", 10) == 0, "%s", name);
	traced_release(&traced);
}

Test(tables, a_buffer_of_the_package_that_the_host_fills_stays_the_packages, .timeout = 60)
{
	struct traced traced = trace(ODD("filled-buffer"));

	expect_one(&traced, 1, 18);
	cr_expect_eq(findings_of(&traced, NULL), 1);
	traced_release(&traced);
}
