/* SPDX-License-Identifier: MIT */
/* What packages do where calls of the bundled host fail: each call alone (`lsatrace sweep`), and many at once (--fail). */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "include/failures.h"
#include "tests/support/expect.h"

#define COUNT_TRACED(slot, returns, status) +1
#define COUNT_UNTRACED(table, slot, returns, status) +1
enum { SLOTS = TRACED_FAILURES(COUNT_TRACED) UNTRACED_FAILURES(COUNT_UNTRACED) };

/* Sweeps the bundled host with some packages. Each CallPackage gets this text. */
static struct run sweep(const char *submitted, const char *const packages[])
{
	char *folder = temporary_folder_new();
	struct arguments command = { 0 }, steps = { 0 };
	struct run run;
	FILE *file;

	arguments_add(&steps, "%s/steps", folder);
	file = fopen(steps.all[0], "w");
	cr_assert_not_null(file);
	fprintf(file, "logon\ncall buffer=text:%s\ncontext until=done\nmessages\nExportContext\nterminate\n",
		submitted);
	cr_assert_eq(fclose(file), 0);
	arguments_add_all(&command, COMMAND(LSATRACE, "sweep", "-j2"));
	arguments_add(&command, "--output-dir=%s/sweep", folder);
	arguments_add_all(&command, COMMAND("--", LSATRACE, "host", "-s", steps.all[0]));
	arguments_add_all(&command, packages);
	run = run_command((const char *const *)command.all);
	arguments_release(&command);
	arguments_release(&steps);
	temporary_folder_remove(folder);
	return run;
}

Test(error_paths, packages_that_are_right_have_no_finding_whichever_call_fails, .timeout = 280)
{
	struct run run =
		sweep("run", COMMAND(PACKAGE("each_slot"), PACKAGE("clean"), PACKAGE("handshake")));

	cr_expect_eq(run.status, 0, "%s", run.out);
	cr_expect(strstr(run.out, ", one in each run; 0 of them with consequences\n"), "%s",
		  run.out);
	run_release(&run);
}

/* What the sweep says of each call: whether it came to something, and from where it was made. */
struct outcomes {
	unsigned crashes, findings, misplaced;
};

/* The rows: number, slot, the place of the call, outcome. */
static struct outcomes read_outcomes(char *text)
{
	struct outcomes outcomes = { 0 };
	char slot[64], function[64], outcome[32];
	unsigned number;

	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "%u %63s %63s at %*s %31[^\n]", &number, slot, function,
			   outcome) != 4 ||
		    strcmp(outcome, "fine") == 0)
			continue;
		if (strncmp(function, "try_", 4) != 0 || strcmp(function + 4, slot) != 0)
			outcomes.misplaced++;
		if (strcmp(outcome, "CRASH: SIGSEGV") == 0)
			outcomes.crashes++;
		else if (strstr(outcome, "1 new finding"))
			outcomes.findings++;
	}
	return outcomes;
}

static unsigned count_of(const char *text, const char *words)
{
	unsigned count = 0;

	for (; (text = strstr(text, words)) != NULL; text += strlen(words))
		count++;
	return count;
}

/* A leak, a double free and a crash in turn. */
Test(error_paths, the_defect_behind_each_slot_is_found_and_nothing_else, .timeout = 280)
{
	struct run run = sweep("faulty", COMMAND(PACKAGE("each_slot")));
	struct arguments sum = { 0 };
	struct outcomes outcomes;

	arguments_add(&sum, ", one in each run; %d of them with consequences\n", SLOTS);
	cr_expect_eq(run.status, 1);
	cr_expect(strstr(run.out, sum.all[0]), "%s", run.out);
	cr_expect_eq(count_of(run.out, "\nerror: block-leak: "), (SLOTS + 2) / 3u, "%s", run.out);
	cr_expect_eq(count_of(run.out, "\nerror: double-free: "), (SLOTS + 1) / 3u);
	cr_expect_eq(count_of(run.out, "\nerror: ") + count_of(run.out, "\nwarning: "),
		     (SLOTS + 2) / 3u + (SLOTS + 1) / 3u);
	outcomes = read_outcomes(run.out);
	cr_expect_eq(outcomes.crashes, SLOTS / 3u, "%u", outcomes.crashes);
	cr_expect_eq(outcomes.findings, SLOTS - SLOTS / 3u, "%u", outcomes.findings);
	cr_expect_eq(outcomes.misplaced, 0u, "%u", outcomes.misplaced);
	/* LeakSanitizer fails in a process that is watched. */
#if !defined(__SANITIZE_ADDRESS__)
	cr_expect_eq(count_of(run.out, "  it crashed here:\n    #0 let_go at "), SLOTS / 3u);
#endif
	arguments_release(&sum);
	run_release(&run);
}

#define FAIL_TRACED(slot, returns, status) \
	arguments_add(options, "--fail=" #slot ":1/%u@%u", 2 + seed % 5, seed * 100 + slots++);
#define FAIL_UNTRACED(table, slot, returns, status) FAIL_TRACED(slot, returns, status)

/* One call of a few fails, of every slot. */
static void add_failures(struct arguments *options, unsigned seed)
{
	unsigned slots = 0;

	TRACED_FAILURES(FAIL_TRACED)
	UNTRACED_FAILURES(FAIL_UNTRACED)
}

Test(error_paths, packages_that_are_right_have_no_finding_if_many_calls_fail, .timeout = 280)
{
	for (unsigned seed = 1; seed <= 10; seed++) {
		struct arguments options = { 0 };
		struct traced traced;

		add_failures(&options, seed);
		traced = traced_record((const char *const *)options.all,
				       COMMAND(LSATRACE, "host", PACKAGE("each_slot"),
					       PACKAGE("clean"), PACKAGE("handshake")));
		cr_expect_eq(traced.run.status, 0, "%u: %s", seed, traced.run.err);
		cr_expect_eq(traced.report_status, 0, "%u", seed);
		expect_exact(&traced);
		traced_release(&traced);
		arguments_release(&options);
	}
}

/* The host's own statuses end at 3. */
Test(error_paths, a_package_that_ends_the_bundled_host_has_a_fault, .timeout = 120)
{
	struct run run = sweep("leave", COMMAND(PACKAGE("error_paths")));

	cr_expect_eq(run.status, 1);
	cr_expect(strstr(run.out, "; 1 of them with consequences\n"), "%s", run.out);
	cr_expect(strstr(run.out, "  exit status 5\n"), "%s", run.out);
	run_release(&run);
}
