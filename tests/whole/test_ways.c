/* SPDX-License-Identifier: MIT */
/*
 * Tests of each way in which hosts find packages and packages get their table. The program does the
 * same untraced and traced, and each call is in the report.
 */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/expect.h"
#include "tests/support/json.h"

enum { LEAK_BYTES = 44 }; /* that lsa_heap_leak and versioned leak in each call */

/* Expects one exact trace, with this many leaks of the package. */
static void expect_leaks_with(const char *const options[], const char *const command[],
			      long long blocks)
{
	struct traced traced = trace_with(options, command);

	expect_one(&traced, blocks, blocks * LEAK_BYTES);
	traced_release(&traced);
}

static void expect_leaks_of(const char *const command[], long long blocks)
{
	expect_leaks_with(NO_OPTIONS, command, blocks);
}

/* The host calls dlsym() and similar functions. */

Test(ways, an_entry_point_found_by_its_version_is_traced, .timeout = 60)
{
	expect_leaks_of(ODD("versioned", PACKAGE("versioned")), 1);
}

Test(ways, a_package_that_the_host_opens_deeply_bound_is_traced, .timeout = 60)
{
	expect_leaks_of(ODD("opened", "deepbind", PACKAGE("lsa_heap_leak")), 1);
}

Test(ways, a_package_that_the_host_opens_in_a_namespace_of_its_own_is_traced, .timeout = 60)
{
	expect_leaks_of(ODD("opened", "dlmopen", PACKAGE("lsa_heap_leak")), 1);
}

Test(ways, a_host_that_asks_the_c_library_for_its_dlsym_is_traced, .timeout = 60)
{
	expect_leaks_of(ODD("asked-for", PACKAGE("lsa_heap_leak")), 1);
}

/* Libraries that find packages for the host. */

static void expect_plugin(const char *how, const char *plugin)
{
	static const char *const ways[] = { "dlsym", "dlvsym", "kept" };

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		expect_leaks_of(ODD("plugin", how, plugin, ways[i], PACKAGE("versioned"), "2"), 2);
}

Test(ways, a_plugin_that_sees_what_the_host_sees_is_traced, .timeout = 60)
{
	expect_plugin("plain", PACKAGE("plugin"));
	expect_plugin("plain", PACKAGE("plugin-now"));
}

Test(ways, a_deeply_bound_plugin_is_traced, .timeout = 60)
{
	expect_plugin("deepbind", PACKAGE("plugin"));
	expect_plugin("deepbind", PACKAGE("plugin-now"));
}

Test(ways, a_plugin_in_a_namespace_of_its_own_is_traced, .timeout = 60)
{
	expect_plugin("dlmopen", PACKAGE("plugin"));
	expect_plugin("dlmopen", PACKAGE("plugin-now"));
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = text ? strlen(text) : 0;

	return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

/* Returns whether there is a frame of this function in this module, with a build-id. */
static bool has_frame(const json_t *stack, const char *function, const char *module)
{
	const json_t *frame;
	size_t i;

	json_array_foreach(stack, i,
			   frame) if (json_same_text(json_text_at(frame, "function"), function) &&
				      ends_with(json_text_at(frame, "module"), module) &&
				      json_text_at(frame, "build_id")) return true;
	return false;
}

Test(ways, backtraces_from_a_namespace_lead_to_the_hosts_main, .timeout = 60)
{
	struct traced traced = trace_with(NO_OPTIONS, ODD("plugin", "dlmopen", PACKAGE("plugin-now"),
							  "dlsym", PACKAGE("versioned"), "2"));
	const json_t *stack = json_at(traced.report, "findings.0.stacks.allocate");

	expect_one(&traced, 2, 2 * LEAK_BYTES);
	cr_expect_eq(json_array_size(json_at(traced.report, "findings")), 1u);
	cr_expect(has_frame(stack, "leak_account_name", "/versioned.so"));
	cr_expect(has_frame(stack, "plugin_run", "/plugin-now.so"));
	cr_expect(has_frame(stack, "main", "/oddhost"));
	traced_release(&traced);
}

Test(ways, a_plugin_that_comes_and_goes_is_traced_each_time, .timeout = 60)
{
	static const char *const hows[] = { "deepbind", "dlmopen" };

	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		expect_leaks_of(ODD("plugin-again", "5", hows[i], PACKAGE("plugin"), "dlsym",
				    PACKAGE("versioned"), "3"),
				15);
		expect_leaks_of(ODD("plugin-again", "5", hows[i], PACKAGE("plugin-now"), "dlsym",
				    PACKAGE("versioned"), "3"),
				15);
	}
}

/* Libraries that are opened again. */
Test(ways, a_plugin_that_is_opened_in_another_way_is_traced, .timeout = 60)
{
	expect_leaks_of(ODD("plugin-in-turn", PACKAGE("plugin"), PACKAGE("versioned"), "2"), 6);
	expect_leaks_of(ODD("plugin-in-turn", PACKAGE("plugin-now"), PACKAGE("versioned"), "2"), 6);
}

Test(ways, a_plugin_that_is_linked_to_a_package_is_traced, .timeout = 60)
{
	expect_leaks_of(ODD("plugin", "deepbind", PACKAGE("plugin-linked"), "linked",
			    PACKAGE("lsa_heap_leak"), "2"),
			2);
	expect_leaks_of(ODD("plugin", "dlmopen", PACKAGE("plugin-linked"), "linked",
			    PACKAGE("lsa_heap_leak"), "2"),
			2);
	expect_leaks_of(ODD("plugin", "dlmopen", PACKAGE("plugin-linked"), "default",
			    PACKAGE("lsa_heap_leak"), "2"),
			2);
}

/* Other libraries that get in front of dlsym(), and what they expect of it. */

static struct arguments beside(const char *preloaded, const char *const command[])
{
	struct arguments line = { 0 };

	arguments_add(&line, "env");
	arguments_add(&line, "LD_PRELOAD=%s", preloaded);
	arguments_add_all(&line, command);
	return line;
}

static void expect_leaks_beside(const char *preloaded, const char *const command[], long long blocks)
{
	struct arguments alone = beside(PACKAGE("before_dlsym"), command);
	struct arguments both = beside(preloaded, command);
	struct run bare = traced_bare((const char *const *)alone.all);
	struct traced traced = traced_record(NO_OPTIONS, (const char *const *)both.all);

	expect_one(&traced, blocks, blocks * LEAK_BYTES);
	cr_expect_str_eq(traced.run.out, bare.out);
	arguments_release(&alone);
	arguments_release(&both);
	traced_release(&traced);
	run_release(&bare);
}

Test(ways, another_that_gets_in_front_of_dlsym_stays_where_it_is, .timeout = 60)
{
	static const char *const preloaded[] = { PACKAGE("before_dlsym") ":" LIBRARY,
						 LIBRARY ":" PACKAGE("before_dlsym") };

	for (size_t i = 0; i < sizeof(preloaded) / sizeof(preloaded[0]); i++) {
		expect_leaks_beside(preloaded[i], ODD("opened", "plain", PACKAGE("lsa_heap_leak")),
				    1);
		expect_leaks_beside(preloaded[i],
				    ODD("plugin-again", "2", "deepbind", PACKAGE("plugin-now"),
					"dlsym", PACKAGE("versioned"), "2"),
				    4);
		expect_leaks_beside(preloaded[i],
				    ODD("plugin-again", "2", "dlmopen", PACKAGE("plugin"), "dlsym",
					PACKAGE("versioned"), "2"),
				    4);
	}
}

/* In a forked child, locks of the loader are as they were at the fork. The C library only takes
 * care of the locks that its own dlsym() uses. */
Test(ways, children_forked_while_threads_look_up_symbols_do_so_as_well, .timeout = 120)
{
	expect_leaks_of(ODD("look-up-and-fork", "100", PACKAGE("plugin"), PACKAGE("lsa_heap_leak")),
			1);
}

/* Tables that --table names. */

static void expect_package(const struct traced *traced, const char *path, const char *name,
			   const char *module)
{
	const json_t *package = json_at(traced->report, path);

	cr_expect(json_same_text(json_text_at(package, "name"), name), "%s",
		  json_text_at(package, "name"));
	cr_expect(ends_with(json_text_at(package, "module"), module), "%s",
		  json_text_at(package, "module"));
}

Test(ways, a_constant_table_that_is_named_is_traced, .timeout = 60)
{
	struct traced traced = trace_with(COMMAND("--table=host_table"), ODD("constant-table"));

	expect_one(&traced, 1, 1 * LEAK_BYTES);
	expect_package(&traced, "traces.0.packages.0", "host_table", "oddhost");
	traced_release(&traced);
}

Test(ways, a_named_table_is_traced_by_plain_preloading, .timeout = 60)
{
	char *folder = temporary_folder_new(), options[4200];
	struct traced traced;

	snprintf(options, sizeof(options), "LSATRACE_OPTIONS=table=host_table:output=%s/trace",
		 folder);
	traced = traced_run(
		folder, COMMAND("env", "LD_PRELOAD=" LIBRARY, options, ODD_HOST, "constant-table"));
	expect_one(&traced, 1, 1 * LEAK_BYTES);
	traced_release(&traced);
}

Test(ways, a_named_table_that_is_not_exported_and_filled_late_is_traced, .timeout = 60)
{
	expect_leaks_with(COMMAND("--table=nothing,filled_table"), ODD("filled-table"), 2);
}

Test(ways, a_named_table_that_is_filled_again_is_traced_again, .timeout = 60)
{
	expect_leaks_with(COMMAND("--table=filled_table"), ODD("filled-table", "again"), 2);
}

Test(ways, a_named_table_may_have_its_functions_wrapped_by_the_host, .timeout = 60)
{
	expect_leaks_with(COMMAND("--table=filled_table"), ODD("filled-table", "wrap"), 2);
}

Test(ways, a_named_table_of_a_library_is_traced_as_far_as_its_symbol_goes, .timeout = 60)
{
	struct traced traced = trace_with(COMMAND("--table=lent_table"),
					  ODD("lent-table", "3", PACKAGE("lender")));

	expect_one(&traced, 3, 3 * LEAK_BYTES);
	expect_package(&traced, "traces.0.packages.0", "lent_table", "lender.so");
	expect_package(&traced, "traces.0.packages.2", "lent_table", "lender.so");
	traced_release(&traced);
}

/* Another thread may be about to look at the table when its library goes. */
Test(ways, a_named_table_may_go_while_others_look_something_up, .timeout = 60)
{
	struct traced traced = trace_with(COMMAND("--table=lent_table"),
					  ODD("lent-table-amid-others", "50", PACKAGE("lender")));

	expect_one(&traced, 50, 50 * LEAK_BYTES);
	traced_release(&traced);
}

/* A program that has only the symbols that it exports. */
static void strip_host(char path[4200], const char *folder)
{
	struct run strip;

	snprintf(path, 4200, "%s/host", folder);
	strip = run_command(COMMAND("strip", "-o", path, ODD_HOST));
	cr_assert_eq(strip.status, 0, "%s", strip.err);
	run_release(&strip);
}

Test(ways, a_named_table_of_a_stripped_program_is_traced_if_it_is_exported, .timeout = 60)
{
	char *folder = temporary_folder_new(), path[4200];

	strip_host(path, folder);
	expect_leaks_with(COMMAND("--table=host_table"), COMMAND(path, "constant-table"), 1);
	temporary_folder_remove(folder);
}

Test(ways, a_named_table_that_no_symbol_tells_of_is_said_to_be_missing, .timeout = 60)
{
	char *folder = temporary_folder_new(), path[4200];
	struct traced traced;

	strip_host(path, folder);
	traced = traced_record(COMMAND("--table=filled_table"), COMMAND(path, "filled-table"));
	cr_expect_eq(traced.traces.count, 0u);
	cr_expect_eq(traced.run.status, 0);
	cr_expect(strstr(traced.run.err, "functions in it: filled_table\n"), "%s", traced.run.err);
	traced_release(&traced);
	temporary_folder_remove(folder);
}

/* Hosts and packages that use lsatrace.h. */

Test(ways, a_table_that_the_host_tells_of_is_traced, .timeout = 60)
{
	struct traced traced = trace_with(NO_OPTIONS, ODD("told-table"));

	expect_one(&traced, 1, 1 * LEAK_BYTES);
	cr_expect_eq(json_array_size(json_at(traced.report, "traces.0.packages")), 1u);
	cr_expect(json_same_text(json_text_at(traced.report, "traces.0.packages.0.name"), "table"));
	traced_release(&traced);
}

Test(ways, what_is_older_than_the_news_of_a_table_is_not_judged, .timeout = 60)
{
	struct traced traced = trace_with(NO_OPTIONS, ODD("told-late"));

	cr_expect_eq(json_number_at(traced.report, "summary.errors"), 1);
	cr_expect(
		json_same_text(json_text_at(traced.report, "findings.0.kind"), "mismatched-free"));
	cr_expect_eq(json_number_at(traced.report, "summary.lost.judgements"), 1);
	traced_release(&traced);
}

Test(ways, leaks_are_counted_from_a_checkpoint_on, .timeout = 60)
{
	struct run bare = traced_bare(ODD("checkpoints"));
	struct traced traced = traced_record(NO_OPTIONS, ODD("checkpoints"));

	expect_one(&traced, 2, 2 * LEAK_BYTES);
	cr_expect_str_eq(bare.out, "0 0 0 0\n0 0 0 0\n0 0 0 0\n0 0 0 0\n0 0 0 0\n0 0 0 0\n");
	cr_expect_str_eq(traced.run.out, "0 0 0 0\n3 2 3 3\n2 1 2 2\n0 1 2 2\n1 2 3 3\n1 1 2 2\n");
	run_release(&bare);
	traced_release(&traced);
}

/* The names of checkpoints are as in tests/odd/ways.c. */
Test(ways, a_report_may_begin_at_a_checkpoint, .timeout = 60)
{
	struct traced traced = traced_record(NO_OPTIONS, ODD("checkpoints"));
	const char *trace = traced.traces.all[0];
	int status;
	json_t *report = traced_report(COMMAND("--since=first", trace), &status);

	cr_expect_eq(status, 1);
	cr_expect_eq(json_number_at(report, "summary.leaked_blocks"), 1);
	cr_expect(json_same_text(json_text_at(report, "since"), "first"));
	json_decref(report);
	traced_release(&traced);
}

Test(ways, what_is_meant_to_live_for_ever_is_no_leak, .timeout = 60)
{
	struct run bare = traced_bare(ODD("ignored"));
	struct traced traced = traced_record(NO_OPTIONS, ODD("ignored"));

	cr_expect_str_eq(bare.out, "0\n");
	cr_expect_str_eq(traced.run.out, "1\n");
	expect_one(&traced, 1, 1 * LEAK_BYTES);
	cr_expect_eq(json_number_at(traced.report, "summary.ignored"), 3);
	run_release(&bare);
	traced_release(&traced);
}

/* Amid caches that fill and level off, as tests/packages/leaks/growing.c has them. */
Test(ways, a_leak_of_a_block_in_a_thousand_logons_is_found_amid_caches, .timeout = 120)
{
	struct traced traced = traced_record(
		COMMAND("--ring=4M"), COMMAND(LSA_HOST, "--repeat=100000", PACKAGE("growing")));
	int status;
	json_t *report = traced_report(COMMAND("--growth", traced.traces.all[0]), &status);
	const json_t *row = json_at(report, "growth.0.growing.0");

	cr_expect_eq(json_array_size(json_at(report, "growth.0.growing")), 1);
	cr_expect_eq(json_number_at(report, "growth.0.stacks"), 5);
	cr_expect(json_same_text(json_text_at(row, "stack.0.function"), "renew_ticket"));
	cr_expect_eq(json_number_at(row, "live"), 100);
	cr_expect_eq(json_number_at(row, "entry_points.0.calls"), 100000);
	cr_expect_float_eq(json_real_value(json_at(row, "entry_points.0.per_call")), 0.001, 0.0001);
	json_decref(report);
	traced_release(&traced);
}

Test(ways, a_plugin_in_a_namespace_of_its_own_may_ask_as_well, .timeout = 60)
{
	static const char *const hows[] = { "plain", "deepbind", "dlmopen" };

	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		struct traced traced =
			traced_record(NO_OPTIONS, ODD("plugin-asks", hows[i], PACKAGE("plugin-now"),
						      PACKAGE("lsa_heap_leak")));

		expect_one(&traced, 3, 3 * LEAK_BYTES);
		cr_expect_str_eq(traced.run.out, "0\n3\n", "%s: %s", hows[i], traced.run.out);
		traced_release(&traced);
	}
}

/* Hosts that are linked to a package. */

static void expect_linked(const char *host)
{
	struct traced traced =
		trace_with(NO_OPTIONS, COMMAND(host, "--linked", PACKAGE("lsa_heap_leak")));

	expect_one(&traced, 1, 1 * LEAK_BYTES);
	expect_package(&traced, "traces.0.packages.0", "clean", "clean.so");
	cr_expect_gt(json_number_at(traced.report, "traces.0.calls.CreateSharedMemory"), 0);
	traced_release(&traced);
}

Test(ways, a_package_that_the_host_is_linked_to_lazily_is_traced, .timeout = 60)
{
	expect_linked(LSA_HOST "-linked");
}

Test(ways, a_package_that_the_host_is_linked_to_at_once_is_traced, .timeout = 60)
{
	expect_linked(LSA_HOST "-linked-now");
}
