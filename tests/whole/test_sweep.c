/* SPDX-License-Identifier: MIT */
/* `lsatrace sweep`: each call fails once, one in each run. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/expect.h"

/* Sweeps a package. Returns what was printed. */
static struct run sweep(const char *const options[], const char *package, const char *submitted)
{
	char *folder = temporary_folder_new();
	struct arguments command = { 0 };
	struct run run;

	arguments_add_all(&command, COMMAND(LSATRACE, "sweep"));
	arguments_add(&command, "--output-dir=%s/sweep", folder);
	arguments_add_all(&command, options);
	arguments_add_all(&command, COMMAND("--", LSA_HOST, package));
	arguments_add(&command, "--command=%s", submitted);
	run = run_command((const char *const *)command.all);
	arguments_release(&command);
	temporary_folder_remove(folder);
	return run;
}

static unsigned count_of(const char *text, const char *words)
{
	unsigned count = 0;

	for (; (text = strstr(text, words)) != NULL; text += strlen(words))
		count++;
	return count;
}

static void expect_defects(const char *jobs)
{
	struct run run = sweep(COMMAND(jobs), PACKAGE("error_paths"), "run");

	cr_expect_eq(run.status, 1);
	cr_expect(strstr(run.out, "9 calls let fail, one in each run; 5 of them with "), "%s",
		  run.out);
	cr_expect_eq(count_of(run.out, "\nerror: block-leak: "), 3, "%s", run.out);
	cr_expect_eq(count_of(run.out, "\nerror: double-free: "), 1);
	cr_expect_eq(count_of(run.out, "\nerror: "), 4);
	cr_expect_eq(count_of(run.out, "\nwarning: null-free: "), 1);
	cr_expect_eq(count_of(run.out, "\nwarning: "), 1);
	cr_expect(strstr(run.out, "GetClientInfo         1 new finding\n"
				  "        in remember_client at error_paths.c:"));
	cr_expect(strstr(run.out, "FreeClientBuffer      fine\n"));
	run_release(&run);
}

Test(sweep, each_defect_on_an_error_path_is_found_and_nothing_else, .timeout = 120)
{
	expect_defects("-j1");
}

Test(sweep, several_runs_at_a_time_find_the_same, .timeout = 120)
{
	expect_defects("-j4");
}

Test(sweep, what_the_run_as_it_is_finds_is_not_new, .timeout = 120)
{
	struct run run = sweep(NO_OPTIONS, PACKAGE("lsa_heap_leak"), "run");

	cr_expect_eq(run.status, 0, "%s", run.out);
	cr_expect(strstr(run.out, "; 0 of them with consequences"), "%s", run.out);
	run_release(&run);
}

/* Block `kept` is live then: the package had no chance to free it. */
Test(sweep, a_crash_is_told_and_its_leaks_are_not, .timeout = 120)
{
	struct run run = sweep(NO_OPTIONS, PACKAGE("error_paths"), "trust");

	cr_expect_eq(run.status, 1);
	cr_expect(strstr(run.out, "AllocateLsaHeap  CRASH: signal 11\n        in trust at "), "%s",
		  run.out);
	cr_expect_eq(count_of(run.out, "block-leak"), 0, "%s", run.out);
	run_release(&run);
}

Test(sweep, a_hang_is_ended_and_told, .timeout = 120)
{
	struct run run = sweep(COMMAND("--timeout=1"), PACKAGE("error_paths"), "insist");

	cr_expect_eq(run.status, 1);
	cr_expect(strstr(run.out, "AllocateLsaHeap  HANG: not ended after 1 s\n"), "%s", run.out);
	run_release(&run);
}

Test(sweep, no_more_runs_are_made_than_are_asked_for, .timeout = 120)
{
	struct run run = sweep(COMMAND("--max-runs=2"), PACKAGE("error_paths"), "run");

	cr_expect(strstr(run.out, "2 calls let fail, "), "%s", run.out);
	run_release(&run);
}

Test(sweep, a_command_without_a_package_is_trouble, .timeout = 120)
{
	struct run run =
		run_command(COMMAND(LSATRACE, "sweep", "--output-dir=/dev/null/none", "--", "true"));

	cr_expect_eq(run.status, 2);
	run_release(&run);
	run = run_command(COMMAND(LSATRACE, "sweep", "--timeout=0", "--", "true"));
	cr_expect_eq(run.status, 2);
	run_release(&run);
}
