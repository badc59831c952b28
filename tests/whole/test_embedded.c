/* SPDX-License-Identifier: MIT */
/*
 * Tests of hosts that have no shared memory, or only a part of it, from the preload library to the
 * report.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/json.h"
#include "tests/support/traced.h"

#define TORTURE BUILD_DIR "/tests/torture"

#define NO_OPTIONS ((const char *const[]){ NULL })
#define LACKING(what) COMMAND(ODD_HOST, "lacking", what)

/* The output of a package with an implementation that works as documented. */
static const char used_rightly[] = "section yes\n"
				   "block yes, aligned yes, zero yes\n"
				   "too large: no\n"
				   "deleted 1\n"
				   "again 0\n"
				   "refused yes\n";

static long long count_of(const struct traced *traced, const char *kind)
{
	const json_t *findings = json_at(traced->report, "findings"), *finding;
	long long count = 0;
	size_t i;

	json_array_foreach(findings, i,
			   finding) if (json_same_text(json_text_at(finding, "kind"), kind))
		count += json_number_at(finding, "count");
	return count;
}

/* The mistakes of the scenario. Each occurs once. */
static void expect_judged(const struct traced *traced)
{
	cr_expect_eq(count_of(traced, "invalid-free"), 1);
	cr_expect_eq(count_of(traced, "double-free"), 1);
	cr_expect_eq(count_of(traced, "double-delete"), 1);
	cr_expect_eq(count_of(traced, "failed-call"), 2);
	cr_expect_eq(count_of(traced, "block-leak"), 1);
	cr_expect_eq(count_of(traced, "exchanged-free"), 1);
	cr_expect_eq(json_array_size(json_at(traced->report, "findings")), 7u);
	cr_expect(json_is_true(json_at(traced->report, "summary.exact")));
}

static char *output_of(const char *command, const struct traced *traced)
{
	struct run run = run_command(COMMAND(LSATRACE, command, "--", traced->traces.all[0]));
	char *text = run.out;

	run.out = NULL;
	run_release(&run);
	return text;
}

static void expect_line(const struct traced *traced, const char *line)
{
	char *report = output_of("report", traced), *stat = output_of("stat", traced);

	cr_expect(strstr(report, line), "%s", report);
	cr_expect(strstr(stat, line), "%s", stat);
	free(report);
	free(stat);
}

static void expect_allocator(const struct traced *traced, const char *allocator)
{
	cr_expect(json_same_text(json_text_at(traced->report, "traces.0.packages.0.allocator"),
				 allocator));
}

#define NONE_LINE ": the host provides none, so lsatrace's own was used: odd-"
#define INSTEAD_LINE ": lsatrace's own was used in place of the host's: odd-"

static void expect_ours(const char *const options[], const char *const command[], const char *line)
{
	struct traced traced = traced_record(options, command);

	cr_assert_eq(traced.run.status, 0, "%s", traced.run.err);
	cr_expect_str_eq(traced.run.out, used_rightly);
	cr_expect_str_eq(traced.run.err, "");
	cr_assert_eq(traced.traces.count, 1u);
	expect_judged(&traced);
	expect_allocator(&traced, "embedded");
	expect_line(&traced, line);
	traced_release(&traced);
}

Test(embedded, a_host_without_shared_memory_gets_ours, .timeout = 60)
{
	expect_ours(NO_OPTIONS, LACKING("all"), "  shared-memory" NONE_LINE);
}

Test(embedded, a_host_that_lacks_one_function_gets_all_of_ours, .timeout = 60)
{
	expect_ours(NO_OPTIONS, LACKING("one"), "  shared-memory" NONE_LINE);
}

Test(embedded, a_host_without_a_table_gets_heaps_as_well, .timeout = 60)
{
	expect_ours(NO_OPTIONS, LACKING("table"), "  shared-memory" NONE_LINE);
	expect_ours(NO_OPTIONS, LACKING("table"), "  lsa-heap" NONE_LINE);
	expect_ours(NO_OPTIONS, LACKING("table"), "  private-heap" NONE_LINE);
}

Test(embedded, ours_takes_the_hosts_place_on_demand, .timeout = 60)
{
	expect_ours(COMMAND("--allocator=embedded"), LACKING("nothing"),
		    "  shared-memory" INSTEAD_LINE);
	expect_ours(COMMAND("--allocator=embedded"), LACKING("all"), "  shared-memory" NONE_LINE);
}

static void expect_hosts(const char *option)
{
	struct traced traced = traced_record(COMMAND(option), COMMAND(ODD_HOST, "families"));
	char *report;

	cr_assert_eq(traced.traces.count, 1u);
	report = output_of("report", &traced);
	expect_allocator(&traced, "host");
	cr_expect_not(strstr(report, "lsatrace's own"), "%s", report);
	free(report);
	traced_release(&traced);
}

Test(embedded, a_host_with_shared_memory_keeps_its_own, .timeout = 60)
{
	expect_hosts("--allocator=auto");
	expect_hosts("--allocator=host");
}

/* As without the tracer: the package finds NULL. */
static void expect_crash(const char *option, const char *what)
{
	struct traced traced = traced_record(COMMAND(option), LACKING(what));

	cr_expect_eq(traced.run.status, 128 + 11, "%s", what);
	traced_release(&traced);
}

Test(embedded, nothing_is_provided_against_the_users_wish, .timeout = 60)
{
	expect_crash("--allocator=host", "all");
	expect_crash("--allocator=host", "table");
	expect_crash("--families=lsa-heap", "all");
	expect_crash("--families=lsa-heap", "table");
}

/* Defects. */

static bool is_alike(const json_t *a, const json_t *b)
{
	return json_same_text(json_text_at(a, "kind"), json_text_at(b, "kind")) &&
	       json_same_text(json_text_at(a, "reason"), json_text_at(b, "reason")) &&
	       json_number_at(a, "count") == json_number_at(b, "count") &&
	       json_number_at(a, "bytes") == json_number_at(b, "bytes");
}

static void take_alike(json_t *findings, const json_t *finding, const char *package)
{
	size_t i = 0;

	while (i < json_array_size(findings) && !is_alike(json_array_get(findings, i), finding))
		i++;
	cr_expect_lt(i, json_array_size(findings), "%s: no %s", package,
		     json_text_at(finding, "kind"));
	json_array_remove(findings, i);
}

static void expect_same_findings(const char *package)
{
	struct traced host, ours;
	const json_t *finding;
	json_t *found;
	size_t i;

	host = traced_record(COMMAND("--allocator=host"), COMMAND(LSA_HOST, package));
	ours = traced_record(COMMAND("--allocator=embedded"), COMMAND(LSA_HOST, package));
	found = json_copy(json_at(ours.report, "findings"));
	cr_expect_eq(ours.run.status, host.run.status);
	json_array_foreach(json_at(host.report, "findings"), i, finding)
		take_alike(found, finding, package);
	cr_expect_eq(json_array_size(found), 0u, "%s", package);
	json_decref(found);
	traced_release(&host);
	traced_release(&ours);
}

Test(embedded, defects_are_found_as_in_the_hosts_own_shared_memory, .timeout = 120)
{
	static const char *const packages[] = {
		PACKAGE("clean"),
		PACKAGE("demo"),
		PACKAGE("block_leak"),
		PACKAGE("double_delete"),
		PACKAGE("double_free"),
		PACKAGE("free_after_delete"),
		PACKAGE("interior_pointer"),
		PACKAGE("invalid_delete_block"),
		PACKAGE("invalid_delete_unknown"),
		PACKAGE("invalid_section_block"),
		PACKAGE("invalid_section_deleted"),
		PACKAGE("invalid_section_null"),
		PACKAGE("invalid_section_unknown"),
		PACKAGE("live_at_delete"),
		PACKAGE("section_handle"),
		PACKAGE("section_leak"),
		PACKAGE("suspect"),
		PACKAGE("unknown_address"),
		PACKAGE("wrong_deallocator"),
		PACKAGE("wrong_section"),
	};

	for (size_t i = 0; i < sizeof(packages) / sizeof(*packages); i++)
		expect_same_findings(packages[i]);
}

Test(embedded, threads_and_forked_children_are_traced_as_ever, .timeout = 60)
{
	struct traced traced = traced_record(
		COMMAND("--allocator=embedded"),
		COMMAND(LSA_HOST, "--threads=4", "--repeat=200", "--clients=2", PACKAGE("clean")));

	cr_expect_eq(traced.run.status, 0);
	cr_expect_eq(traced.report_status, 0);
	cr_expect_eq(json_array_size(json_at(traced.report, "findings")), 0u);
	traced_release(&traced);
}

/* `make torture` does the same for longer. */
Test(embedded, shared_memory_bears_a_few_seconds_of_torture, .timeout = 120)
{
	struct run run = run_command(COMMAND(TORTURE, "4"));

	cr_expect_eq(run.status, 0, "%s%s", run.out, run.err);
	run_release(&run);
}

/* Clients. */

/* The client finds the memory by what `lsatrace stat` prints while the host runs. The first
 * block begins after a granule of 16 bytes. */
static const char write_as_a_client[] =
	"path=$(%s stat %s/* | sed -n 's|.* at most 65536 bytes: ||p') && "
	"printf 'a client' | dd of=\"$path\" bs=1 seek=16 conv=notrunc 2>/dev/null";

Test(embedded, a_client_finds_a_sections_memory_in_the_trace, .timeout = 60)
{
	char *folder = temporary_folder_new(), command[512], output[512];
	struct traced traced;

	snprintf(output, sizeof(output), "--output=%s/%%p.trace", folder);
	snprintf(command, sizeof(command), write_as_a_client, LSATRACE, folder);
	traced = traced_run(folder, COMMAND(LSATRACE, "record", output, "--allocator=embedded",
					    "--", ODD_HOST, "mapped", command));
	cr_expect_str_eq(traced.run.out, "a client\n", "%s", traced.run.err);
	cr_expect_eq(json_number_at(traced.report, "traces.0.sections.0.max_size"), 65536);
	cr_expect_not_null(json_text_at(traced.report, "traces.0.sections.0.path"));
	cr_expect_null(json_at(traced.report, "traces.0.sections.1"));
	traced_release(&traced);
}
