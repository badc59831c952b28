/* SPDX-License-Identifier: MIT */
/* --fail, in whole runs: what a package does on its error paths. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "include/failures.h"
#include "tests/support/expect.h"
#include "tests/support/json.h"

#define ERROR_PATHS COMMAND(LSA_HOST, PACKAGE("error_paths"))

/* The functions of the reports' findings, as one text: "kind/reason function kind ...". */
static const char *findings(const struct traced *traced)
{
	static char text[2048];
	const json_t *list = json_at(traced->report, "findings");
	size_t bytes = 0;

	text[0] = '\0';
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *f = json_array_get(list, i);
		const char *reason = json_text_at(f, "reason");
		const char *call = json_text_at(f, "stacks.call.0.function");

		if (!call)
			call = json_text_at(f, "stacks.allocate.0.function");
		bytes += (size_t)snprintf(text + bytes, sizeof(text) - bytes, "%s%s%s%s %s",
					  bytes ? ", " : "", json_text_at(f, "kind"),
					  reason ? "/" : "", reason ? reason : "",
					  call ? call : "?");
	}
	return text;
}

static void expect_found(const char *const options[], const char *expected)
{
	struct traced traced = traced_record(options, ERROR_PATHS);

	expect_traces(&traced, 1);
	expect_exact(&traced);
	cr_expect_str_eq(findings(&traced), expected, "%s", findings(&traced));
	traced_release(&traced);
}

Test(fail, no_defect_shows_while_no_call_fails, .timeout = 60)
{
	struct traced traced = trace_one(ERROR_PATHS);

	expect_exact(&traced);
	cr_expect_eq(findings_of(&traced, NULL), 0);
	traced_release(&traced);
}

Test(fail, a_leak_behind_a_call_that_is_not_traced_is_found, .timeout = 60)
{
	expect_found(COMMAND("--fail=GetClientInfo"),
		     "block-leak remember_client, failed-call/injected remember_client");
}

Test(fail, a_double_free_behind_a_call_that_is_not_traced_is_found, .timeout = 60)
{
	expect_found(COMMAND("--fail=CopyToClientBuffer:1=0xc0000005"),
		     "double-free greet, failed-call/injected greet");
}

Test(fail, a_leak_behind_a_traced_call_is_found, .timeout = 60)
{
	expect_found(COMMAND("--fail=AllocateLsaHeap:5"),
		     "block-leak take_two, failed-call/injected take_two");
}

Test(fail, a_call_that_a_package_expects_to_fail_is_no_error, .timeout = 60)
{
	expect_found(COMMAND("--fail=AllocateClientBuffer:1"), "failed-call/injected greet");
}

Test(fail, what_is_not_released_because_of_the_option_is_no_leak, .timeout = 60)
{
	expect_found(COMMAND("--fail=FreeClientBuffer"), "failed-call/injected greet");
}

#define NEVER_UNTRACED(table, name, returns, status) "--fail=" #name ":0",
#define NEVER_TRACED(name, returns, status) "--fail=" #name ":0",

/* All slots have stubs, and none fails. */
Test(fail, stubs_change_nothing, .timeout = 60)
{
	struct traced traced =
		trace_with(COMMAND(UNTRACED_FAILURES(NEVER_UNTRACED)
					   TRACED_FAILURES(NEVER_TRACED) "--depth=8"),
			   COMMAND(LSA_HOST, PACKAGE("transparent"), PACKAGE("clean")));

	expect_traces(&traced, 1);
	expect_exact(&traced);
	cr_expect_eq(calls_of(&traced, "DuplicateHandle"), 1);
	cr_expect_eq(calls_of(&traced, "GetCallInfo"), 1);
	traced_release(&traced);
}

/* What `lsatrace events --sites` says of the calls of a function, in their order. */
static struct arguments sites_of(const struct traced *traced, const char *function)
{
	const char *path = traced->traces.all[0];
	struct arguments sites = { 0 }, command = { 0 };
	struct run run;

	arguments_add_all(&command, COMMAND(LSATRACE, "events", "--sites", "--json"));
	arguments_add(&command, "--function=%s", function);
	arguments_add(&command, "%s", path);
	run = run_command((const char *const *)command.all);
	for (char *line = strtok(run.out, "\n"); line; line = strtok(NULL, "\n")) {
		json_t *event = json_loads(line, 0, NULL);
		const char *site = json_text_at(event, "site");

		arguments_add(&sites, "%s%s", site ? site : "null",
			      json_is_true(json_at(event, "injected")) ? " failed" : "");
		json_decref(event);
	}
	run_release(&run);
	arguments_release(&command);
	return sites;
}

/* Who looks for the site of a call that is not there learns how to get it. */
Test(fail, it_is_said_how_functions_that_are_not_traced_get_sites, .timeout = 60)
{
	static const char words[] = "if the trace is recorded with --fail=DuplicateHandle:0\n";

	for (int has_some = 0; has_some < 2; has_some++) {
		struct traced traced = traced_record(
			has_some ? COMMAND("--fail=GetClientInfo:0") : NO_OPTIONS, ERROR_PATHS);
		struct run run =
			run_command(COMMAND(LSATRACE, "events", "--sites", traced.traces.all[0]));

		cr_expect_eq(!strstr(run.err, words), has_some, "%s", run.err);
		run_release(&run);
		traced_release(&traced);
	}
}

/* The second run is loaded at other addresses, with other code around the package, and its host
 * calls it otherwise. */
Test(fail, a_site_is_the_same_in_each_run_and_another_for_each_call, .timeout = 60)
{
	struct traced one = traced_record(NO_OPTIONS, ERROR_PATHS);
	struct traced two = traced_record(
		COMMAND("--fail=GetClientInfo:0"),
		COMMAND(LSA_HOST, "--threads=2", PACKAGE("clean"), PACKAGE("error_paths")));
	struct arguments first = sites_of(&one, "AllocateLsaHeap"),
			 second = sites_of(&two, "AllocateLsaHeap");
	size_t shared = 0;

	cr_assert_eq(first.count, 5);
	for (size_t i = 0; i < 5; i++)
		for (size_t j = 0; j < i; j++)
			cr_expect_neq(strcmp(first.all[i], first.all[j]), 0, "%zu, %zu", i, j);
	for (size_t i = 0; i < first.count; i++)
		for (size_t j = 0; j < second.count; j++)
			shared += strcmp(first.all[i], second.all[j]) == 0;
	cr_expect_eq(shared, 10, "%zu", shared);
	arguments_release(&first);
	arguments_release(&second);
	traced_release(&one);
	traced_release(&two);
}

/* Of a slot that is traced, and of one that is not: the sites of the trace are those that fail. */
Test(fail, the_calls_of_a_site_fail, .timeout = 60)
{
	static const struct {
		const char *function, *learn, *command;
		size_t call, repeat;
	} rows[] = { { "AllocateLsaHeap", "--fail=GetClientInfo:0", "1", 2, 0 },
		     { "AllocateLsaHeap", "--fail=GetClientInfo:0", "3", 4, 2 },
		     { "GetClientInfo", "--fail=GetClientInfo:0", "2", 0, 1 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *const repeat[] = { LSA_HOST, "--repeat=3", PACKAGE("error_paths"),
					       NULL };
		struct traced learned = traced_record(COMMAND(rows[i].learn), repeat), failed;
		struct arguments sites = sites_of(&learned, rows[i].function), again,
				 options = { 0 };
		size_t calls = sites.count / 3, wanted = rows[i].repeat * calls + rows[i].call;

		cr_assert_not_null(sites.all);

		arguments_add(&options, "--fail=%s:site=%s,%zu", rows[i].function,
			      sites.all[rows[i].call], rows[i].repeat + 1);
		failed = traced_record((const char *const *)options.all, repeat);
		again = sites_of(&failed, rows[i].function);
		cr_assert_eq(again.count, sites.count);
		for (size_t j = 0; j < again.count; j++) {
			cr_expect_eq(strstr(again.all[j], " failed") != NULL, j == wanted,
				     "row %zu, call %zu: %s", i, j, again.all[j]);
			cr_expect_eq(strncmp(again.all[j], sites.all[j], 16), 0);
		}
		arguments_release(&options);
		arguments_release(&again);
		arguments_release(&sites);
		traced_release(&failed);
		traced_release(&learned);
	}
}

/* The parent and each of its two children has called before the children are forked, or not. */
Test(fail, a_forked_child_counts_for_itself, .timeout = 60)
{
	struct traced traced =
		traced_record(COMMAND("--fail=AllocateLsaHeap:2"),
			      COMMAND(LSA_HOST, "--threads=1", "--fork=2", PACKAGE("error_paths")));

	expect_traces(&traced, 3);
	for (size_t i = 0; i < traced.traces.count; i++) {
		const char *const one[] = { traced.traces.all[i], NULL };
		int status;
		json_t *report = traced_report(one, &status);

		cr_expect_eq(json_number_at(report, "summary.notes"), 1);
		json_decref(report);
	}
	traced_release(&traced);
}

Test(fail, the_environment_and_the_command_line_add_up, .timeout = 60)
{
	setenv("LSATRACE_OPTIONS", "fail=AllocateLsaHeap\\:2:fail=Nothing:depth=32", 1);
	expect_found(COMMAND("--fail=CopyToClientBuffer"),
		     "double-free greet, failed-call/injected take_two, "
		     "failed-call/injected greet");
}

static void expect_refused(const char *option, const char *words)
{
	struct run run = run_command(COMMAND(LSATRACE, "record", option, "--", "true"));

	cr_expect_eq(run.status, 125);
	cr_expect(strstr(run.err, words), "%s", run.err);
	run_release(&run);
}

Test(fail, a_name_that_is_wrong_is_refused_in_one_line, .timeout = 60)
{
	expect_refused("--fail=DuplicatHandle:3", "did you mean DuplicateHandle?");
	expect_refused("--fail=FreeLsaHeap", "FreeLsaHeap returns nothing");
	expect_refused("--fail=Nothing", "expected " FAILURE_EXPECTED_SLOT "\n");
}
