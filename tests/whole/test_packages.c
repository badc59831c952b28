/* SPDX-License-Identifier: MIT */
/*
 * Tests of many packages, packages that come and go, older packages without tables, and packages of
 * clients: which package a call belongs to, and what the report says of unloaded packages. Each
 * program runs untraced and traced, and must do the same.
 */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/expect.h"
#include "tests/support/json.h"

#define AT_UNLOAD "still held when the package was unloaded"

enum { OTHER = 64 };

static void expect_number(const struct traced *traced, const char *path, long long expected)
{
	long long number = json_number_at(traced->report, path);

	cr_expect_eq(number, expected, "%s: %lld, not %lld", path, number, expected);
}

/* Expects leaks of blocks, and a total number of errors. */
static void expect_errors(const struct traced *traced, long long blocks, long long bytes,
			  long long errors)
{
	expect_number(traced, "summary.leaked_blocks", blocks);
	expect_number(traced, "summary.leaked_bytes", bytes);
	expect_number(traced, "summary.errors", errors);
}

static const json_t *packages_of(const struct traced *traced)
{
	return json_at(traced->report, "traces.0.packages");
}

static const json_t *package_of(const struct traced *traced, long long index)
{
	const json_t *package;
	size_t i;

	json_array_foreach(packages_of(traced), i,
			   package) if (json_number_at(package, "index") == index) return package;
	return NULL;
}

static bool is_unloaded(const struct traced *traced, long long index)
{
	return json_is_true(json_at(package_of(traced, index), "unloaded"));
}

/* Returns the number of packages that have been unloaded. */
static size_t unloaded(const struct traced *traced)
{
	const json_t *package;
	size_t i, count = 0;

	json_array_foreach(packages_of(traced), i, package) count +=
		json_is_true(json_at(package, "unloaded"));
	return count;
}

/* Returns the finding of a kind about a block of this size, or NULL. */
static const json_t *finding_of(const struct traced *traced, const char *kind, long long size)
{
	const json_t *finding;
	size_t i;

	json_array_foreach(json_at(traced->report, "findings"), i,
			   finding) if (json_same_text(json_text_at(finding, "kind"), kind) &&
					json_number_at(finding, "size") == size) return finding;
	return NULL;
}

/* Expects a leak of a package, which may have held it when it was unloaded. */
static void expect_leak(const struct traced *traced, long long size, long long package,
			bool at_unload)
{
	const json_t *leak = finding_of(traced, "block-leak", size);

	cr_assert_not_null(leak, "no leak of %lld bytes", size);
	cr_expect_eq(json_number_at(leak, "package"), package, "%lld bytes", size);
	cr_expect_eq(strstr(json_text_at(leak, "message"), AT_UNLOAD) != NULL, at_unload, "%s",
		     json_text_at(leak, "message"));
}

/* Returns the output of a command of lsatrace for the trace. */
static bool prints(const struct traced *traced, const char *command, const char *text)
{
	struct run run = run_command(COMMAND(LSATRACE, command, traced->traces.all[0]));
	bool found = strstr(run.out, text) != NULL;

	run_release(&run);
	return found;
}

static void copy_file(const char *from, const char *to)
{
	struct run run = run_command(COMMAND("cp", from, to));

	cr_assert_eq(run.status, 0, "%s", run.err);
	run_release(&run);
}

/* Many packages. */

Test(packages, sixty_four_are_told_apart, .timeout = 60)
{
	struct traced traced = trace_one(ODD("packages", "64"));

	expect_errors(&traced, 64, 64 * 65 / 2, 64);
	expect_exact(&traced);
	cr_expect_eq(json_array_size(packages_of(&traced)), 64u);
	expect_number(&traced, "traces.0.packages.63.index", 63);
	expect_number(&traced, "traces.0.packages.63.id", 64);
	traced_release(&traced);
}

Test(packages, those_beyond_the_sixty_fourth_are_traced_as_one_other, .timeout = 60)
{
	struct traced traced = trace_one(ODD("packages", "70"));
	const json_t *other = package_of(&traced, OTHER);

	expect_errors(&traced, 70, 70 * 71 / 2, 70);
	expect_exact(&traced);
	cr_expect_eq(json_array_size(packages_of(&traced)), 65u);
	cr_expect(json_same_text(json_text_at(other, "name"), "other"));
	cr_expect(json_is_null(json_at(other, "id")) && json_is_null(json_at(other, "module")));
	cr_expect(prints(&traced, "stat", "\n  64 other "));
	cr_expect(prints(&traced, "events", " other AllocateLsaHeap(70)"));
	cr_expect(prints(&traced, "report", ", other\n"));
	traced_release(&traced);
}

/* Tables of a library that are too many to be wrapped stay as they are. */
Test(packages, those_beyond_the_hundred_and_twenty_eighth_are_left_alone_and_counted, .timeout = 60)
{
	struct traced traced = trace_one(ODD("packages", "130"));

	expect_errors(&traced, 128, 128 * 129 / 2, 128);
	expect_number(&traced, "summary.lost.packages", 2);
	cr_expect(json_is_false(json_at(traced.report, "summary.exact")));
	traced_release(&traced);
}

/* Only in the slot that differs. */
Test(packages, of_others_with_different_hosts_the_later_is_left_alone_and_counted, .timeout = 60)
{
	struct traced traced = trace_one(ODD("shared"));

	expect_errors(&traced, 2, 11 + 13, 2);
	expect_leak(&traced, 11, OTHER, false);
	expect_leak(&traced, 13, OTHER, false);
	expect_number(&traced, "summary.lost.packages", 1);
	traced_release(&traced);
}

/* Adds libraries to a command. Each has a package that leaks 44 bytes in each call. */
static struct traced trace_libraries(const char *const start[], int count)
{
	char *folder = temporary_folder_new(), path[4096];
	struct arguments command = { 0 };
	struct traced traced;

	arguments_add_all(&command, start);
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/package%d.so", folder, i);
		copy_file(PACKAGE("lsa_heap_leak"), path);
		arguments_add(&command, "%s", path);
	}
	traced = trace_one((const char *const *)command.all);
	arguments_release(&command);
	temporary_folder_remove(folder);
	return traced;
}

Test(packages, a_host_may_load_more_than_sixty_four_libraries, .timeout = 60)
{
	struct traced traced = trace_libraries(ODD("libraries"), 70);

	expect_errors(&traced, 70, 70 * 44, 70);
	expect_exact(&traced);
	cr_expect_eq(json_array_size(packages_of(&traced)), 65u);
	traced_release(&traced);
}

Test(packages, libraries_beyond_the_hundred_and_twenty_eighth_are_left_alone_and_counted,
     .timeout = 60)
{
	struct traced traced = trace_libraries(ODD("libraries"), 130);

	expect_errors(&traced, 128, 128 * 44, 128);
	expect_number(&traced, "summary.lost.packages", 2);
	traced_release(&traced);
}

/* Packages that come and go. */

Test(packages, a_library_that_is_loaded_two_hundred_times_is_as_many_packages, .timeout = 60)
{
	struct traced traced = trace_one(ODD("reload", "200", PACKAGE("lsa_heap_leak")));
	const json_t *stack = json_at(traced.report, "findings.0.stacks.allocate.0");

	expect_errors(&traced, 200, 200 * 44, 200);
	expect_exact(&traced);
	cr_expect_eq(json_array_size(packages_of(&traced)), 65u);
	cr_expect_eq(unloaded(&traced), 64u);
	cr_expect(json_same_text(json_text_at(stack, "function"), "leak_account_name"));
	cr_expect(json_same_text(json_text_at(stack, "module"), PACKAGE("lsa_heap_leak")));
	cr_expect_not_null(strstr(json_text_at(traced.report, "findings.0.message"), AT_UNLOAD));
	traced_release(&traced);
}

/* A library takes the place of another one, before the tracer hears that the first one is gone. */
Test(packages, libraries_may_come_and_go_in_many_threads_at_once, .timeout = 900)
{
	long times = run_count(200, 5000);
	char number[24];
	struct traced traced;

	snprintf(number, sizeof(number), "%ld", times);
	traced = trace_libraries(ODD("reload-at-once", number), 4);
	expect_errors(&traced, 4 * times, 4 * times * 44, 4 * times);
	expect_exact(&traced);
	traced_release(&traced);
}

static void expect_leak_in(const struct traced *traced, long long size, long long package,
			   const char *path)
{
	const json_t *leak = finding_of(traced, "block-leak", size);
	char key[64];

	expect_leak(traced, size, package, true);
	cr_expect(json_same_text(json_text_at(leak, "stacks.allocate.0.module"), path), "%s",
		  json_text_at(leak, "stacks.allocate.0.module"));
	snprintf(key, sizeof(key), "traces.0.packages.%lld.module", package);
	cr_expect(json_same_text(json_text_at(traced->report, key), path));
}

/* Most likely the library comes back at the same address. */
Test(packages, another_build_in_the_place_of_one_that_is_gone_is_another_package, .timeout = 60)
{
	char *folder = temporary_folder_new(), one[4096], other[4096];
	struct traced traced;

	snprintf(one, sizeof(one), "%s/one.so", folder);
	snprintf(other, sizeof(other), "%s/other.so", folder);
	copy_file(PACKAGE("lsa_heap_leak"), one);
	copy_file(PACKAGE("client_buffer_leak"), other);
	traced = trace_one(ODD("libraries-in-turn", one, other));
	cr_expect_eq(json_array_size(packages_of(&traced)), 2u);
	expect_leak_in(&traced, 44, 0, one);
	expect_leak_in(&traced, 60, 1, other);
	traced_release(&traced);
	temporary_folder_remove(folder);
}

/* A library that is unmapped, but whose dlclose() has not returned, is replaced by another one. */
static struct traced trace_replacement(const char *option)
{
	const char *const command[] = { "env",
					"LD_PRELOAD=" LIBRARY ":" PACKAGE("late_close"),
					ODD_HOST,
					"replace",
					PACKAGE("twin_one"),
					PACKAGE("twin_two"),
					NULL };

	return traced_record(COMMAND(option), command);
}

static void expect_replacement(const char *option)
{
	struct traced traced = trace_replacement(option);

	cr_assert_eq(traced.run.status, 0, "%s: %d", option, traced.run.status);
	expect_errors(&traced, 2, 61 + 62, 2);
	expect_exact(&traced);
	expect_leak_in(&traced, 61, 0, PACKAGE("twin_one"));
	expect_leak_in(&traced, 62, 1, PACKAGE("twin_two"));
	cr_expect(json_same_text(
		json_text_at(finding_of(&traced, "block-leak", 61), "stacks.allocate.0.function"),
		"leak_of_one"));
	cr_expect(json_same_text(
		json_text_at(finding_of(&traced, "block-leak", 62), "stacks.allocate.0.function"),
		"leak_of_two"));
	traced_release(&traced);
}

Test(packages, a_library_where_another_lay_a_moment_ago_is_not_taken_for_it, .timeout = 60)
{
	expect_replacement("--unwind=auto");
	expect_replacement("--unwind=libunwind");
	expect_replacement("--unwind=check");
}

Test(packages, one_that_fails_to_initialise_is_told_what_it_held, .timeout = 60)
{
	struct traced traced = trace_one(ODD("failed"));

	expect_errors(&traced, 3, 14 + 15 + 16, 3);
	expect_exact(&traced);
	cr_expect(is_unloaded(&traced, 0));
	cr_expect_not(is_unloaded(&traced, 1));
	expect_leak(&traced, 14, 0, true);
	expect_leak(&traced, 15, 0, true);
	expect_leak(&traced, 16, 1, false);
	cr_expect(prints(&traced, "report", " [failed to initialise], "));
	cr_expect(prints(&traced, "report", AT_UNLOAD));
	cr_expect(prints(&traced, "stat", " [failed to initialise]"));
	traced_release(&traced);
}

/* Blocks that it freed, then or later, or that it handed over, are no leaks. */
Test(packages, one_that_has_itself_unloaded_is_told_what_it_held, .timeout = 60)
{
	struct traced traced = trace_one(ODD("unloads-itself"));

	expect_errors(&traced, 2, 23 + 25, 2);
	expect_exact(&traced);
	cr_expect(is_unloaded(&traced, 0));
	cr_expect_not(is_unloaded(&traced, 1));
	expect_leak(&traced, 23, 0, true);
	expect_leak(&traced, 25, 1, false);
	expect_number(&traced, "traces.0.packages.1.id", 7);
	traced_release(&traced);
}

Test(packages, of_several_tables_one_may_lack_what_others_have, .timeout = 60)
{
	struct traced traced = trace_one(COMMAND(LSATRACE, "host", PACKAGE("two_tables")));

	expect_exact(&traced);
	cr_expect_eq(findings_of(&traced, NULL), 0);
	cr_expect_eq((long long)json_array_size(packages_of(&traced)), 2);
	traced_release(&traced);
}

/* Older packages without tables. */

/* There are two logons. The LSA and the client take over the results of the first one. The
 * second one fails, and the LSA takes over its names only: token and profile leak. `packages`
 * packages do this. */
static void expect_ap(const char *const command[], long long packages)
{
	struct traced traced = trace_one(command);

	expect_errors(&traced, packages * 4, packages * (24 + 24 + 64 + 16), packages * 4);
	expect_exact(&traced);
	cr_expect_eq((long long)json_array_size(packages_of(&traced)), packages);
	cr_expect(json_same_text(json_text_at(traced.report, "traces.0.packages.0.name"), "ap"));
	expect_number(&traced, "traces.0.packages.0.id", 1);
	traced_release(&traced);
}

Test(packages, an_authentication_package_is_found_by_its_librarys_handle, .timeout = 60)
{
	expect_ap(COMMAND(AP_HOST, "handle", PACKAGE("ap")), 1);
}

Test(packages, an_authentication_package_is_found_among_all_there_are, .timeout = 60)
{
	expect_ap(COMMAND(AP_HOST, "default", PACKAGE("ap")), 1);
	expect_ap(COMMAND(AP_HOST, "next", PACKAGE("ap")), 1);
}

Test(packages, an_authentication_package_is_found_by_a_host_that_is_linked_to_it, .timeout = 60)
{
	expect_ap(COMMAND(AP_HOST "-linked", "linked"), 1);
}

Test(packages, authentication_packages_are_told_apart, .timeout = 60)
{
	char *folder = temporary_folder_new(), other[4096];

	snprintf(other, sizeof(other), "%s/other.so", folder);
	copy_file(PACKAGE("ap"), other);
	expect_ap(COMMAND(AP_HOST, "handle", PACKAGE("ap"), other), 2);
	temporary_folder_remove(folder);
}

/* The linker may choose any function with that name. */
Test(packages, a_table_of_exports_leads_to_the_packages_own, .timeout = 60)
{
	char *folder = temporary_folder_new(), other[4096];
	struct traced traced;

	snprintf(other, sizeof(other), "%s/other.so", folder);
	copy_file(PACKAGE("ap_table"), other);
	traced = trace_one(COMMAND(AP_HOST, "table", PACKAGE("ap_table"), other));
	expect_errors(&traced, 0, 0, 0);
	expect_exact(&traced);
	expect_number(&traced, "traces.0.calls.AllocateLsaHeap", 2);
	traced_release(&traced);
	temporary_folder_remove(folder);
}

/* The package is not traced, but works. */
Test(packages, a_table_of_exports_that_a_host_knows_by_itself_does_so, .timeout = 60)
{
	const char *const *command = COMMAND(AP_HOST, "known-table", PACKAGE("ap_table"));
	struct traced traced = traced_record((const char *const[]){ NULL }, command);
	struct run bare = traced_bare(command);

	cr_expect_str_eq(traced.run.out, bare.out);
	cr_expect_eq(traced.run.status, bare.status);
	run_release(&bare);
	traced_release(&traced);
}

/* Packages of clients. */

static void expect_misuse(const struct traced *traced, const char *kind, const char *reason,
			  const char *function, long long size)
{
	const json_t *finding = finding_of(traced, kind, size);

	cr_assert_not_null(finding, "no %s", kind);
	cr_expect(json_same_text(json_text_at(finding, "reason"), reason));
	cr_expect(json_same_text(json_text_at(finding, "family"), "user-heap"));
	cr_expect(json_same_text(json_text_at(finding, "stacks.call.0.function"), function));
	cr_expect_eq(json_number_at(finding, "package"), 1);
}

Test(packages, what_a_client_does_to_its_heap_is_found, .timeout = 60)
{
	struct traced traced = trace_one(ODD("client"));
	const json_t *leak = finding_of(&traced, "block-leak", 12);

	expect_errors(&traced, 1, 12, 3);
	expect_exact(&traced);
	expect_leak(&traced, 12, 2, false);
	cr_expect(json_same_text(json_text_at(leak, "family"), "user-heap"));
	cr_expect(json_same_text(json_text_at(leak, "stacks.allocate.0.function"), "leak_context"));
	expect_misuse(&traced, "double-free", NULL, "free_twice", 13);
	expect_misuse(&traced, "mismatched-free", "wrong-deallocator", "free_in_the_wrong_heap", 14);
	expect_number(&traced, "traces.0.calls.AllocateHeap", 12);
	expect_number(&traced, "traces.0.calls.FreeHeap", 13);
	cr_expect(json_is_null(json_at(package_of(&traced, 1), "id")));
	traced_release(&traced);
}

Test(packages, a_clients_heap_need_not_be_traced, .timeout = 60)
{
	struct traced traced = traced_record(COMMAND("--families=lsa-heap"), ODD("client"));

	expect_errors(&traced, 0, 0, 0);
	expect_number(&traced, "traces.0.calls.AllocateHeap", -1);
	traced_release(&traced);
}
