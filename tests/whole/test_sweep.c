/* SPDX-License-Identifier: MIT */
/* `lsatrace sweep`: each call fails once, one in each run. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/expect.h"
#include "tests/support/wine.h"

static void add_host(struct arguments *command, const char *package, const char *submitted)
{
	arguments_add_all(command, COMMAND("--", LSA_HOST, package));
	arguments_add(command, "--command=%s", submitted);
}

/* Sweeps a package. Returns what was printed. */
static struct run sweep(const char *const options[], const char *package, const char *submitted)
{
	char *folder = temporary_folder_new();
	struct arguments command = { 0 };
	struct run run;

	arguments_add_all(&command, COMMAND(LSATRACE, "sweep"));
	arguments_add(&command, "--output-dir=%s/sweep", folder);
	arguments_add_all(&command, options);
	add_host(&command, package, submitted);
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
	cr_expect_eq(count_of(run.out, "GetClientInfo         remember_client at error_paths.c:13  "
				       "1 new finding\n"),
		     1);
	cr_expect_eq(count_of(run.out, "FreeClientBuffer      greet at error_paths.c:27            "
				       "fine\n"),
		     1);
	/* Beside each finding, the call on whose error path it lies. */
	cr_expect_eq(count_of(run.out, " was made to fail, in "), 5);
	cr_expect(strstr(run.out, "  after GetClientInfo was made to fail, in "));
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

/* Each run fails if another one has begun and not ended, as with a fixed port. */
Test(sweep, one_run_at_a_time_is_never_two, .timeout = 120)
{
	char *folder = temporary_folder_new();
	struct run run = run_command(
		COMMAND("sh", "-c",
			"exec \"$0\" sweep --output-dir=\"$1/sweep\" -- sh -c \"$2\" \"$0\" \"$@\"",
			LSATRACE, folder,
			"mkdir \"$1/taken\" && \"$3\" \"$4\" --command=run; status=$?; "
			"sleep 0.05; rmdir \"$1/taken\"; exit $status",
			LSA_HOST, PACKAGE("error_paths")));

	cr_expect(strstr(run.out, "9 calls let fail, one in each run; 5 of them with "), "%s",
		  run.out);
	cr_expect(!strstr(run.out, "exit status"), "%s", run.out);
	run_release(&run);
	temporary_folder_remove(folder);
}

Test(sweep, what_the_run_as_it_is_finds_is_not_new, .timeout = 120)
{
	struct run run = sweep(NO_OPTIONS, PACKAGE("lsa_heap_leak"), "run");

	cr_expect_eq(run.status, 0, "%s", run.out);
	cr_expect(strstr(run.out, "; 0 of them with consequences"), "%s", run.out);
	run_release(&run);
}

/* The two have one fingerprint, since that has no lines. */
Test(sweep, a_leak_of_the_run_as_it_is_hides_no_other_one_of_the_function, .timeout = 120)
{
	struct run run = sweep(NO_OPTIONS, PACKAGE("error_paths"), "forget");

	cr_expect_eq(run.status, 1);
	cr_expect(strstr(run.out, "; 1 of them with consequences"), "%s", run.out);
	cr_expect(strstr(run.out, "\nerror: block-leak: block of 88 bytes"));
	cr_expect(strstr(run.out, "; 1 new, 0 grown, 1 known, "));
	run_release(&run);
}

/* Block `kept` is live then: the package had no chance to free it. */
Test(sweep, a_crash_is_told_and_its_leaks_are_not, .timeout = 120)
{
	struct run run = sweep(NO_OPTIONS, PACKAGE("error_paths"), "trust");

	cr_expect_eq(run.status, 1);
	cr_expect(strstr(run.out, "  AllocateLsaHeap  trust at error_paths.c:45  CRASH: SIGSEGV\n"),
		  "%s", run.out);
	/* LeakSanitizer fails in a process that is watched. */
#if !defined(__SANITIZE_ADDRESS__)
	cr_expect(strstr(run.out, "run 2: CRASH: SIGSEGV\n  it crashed here:\n    #0 trust at "));
	cr_expect(strstr(run.out, "error_paths.c:47 (error_paths.so)\n"));
#endif
	cr_expect(
		strstr(run.out, "  its last call: AllocateLsaHeap, called by:\n    #0 trust at "));
	cr_expect_eq(count_of(run.out, "block-leak"), 0, "%s", run.out);
	run_release(&run);
}

/* There, a program that crashes exits. */
Test(sweep, a_crash_under_wine_is_told_and_its_leaks_are_not, .timeout = 120, .fini = wine_stop)
{
	struct run run;
	char *folder;

	wine_start(LSA_HOST_EXE);
	folder = temporary_folder_new();
	run = run_command(COMMAND("sh", "-c",
				  "echo 'call buffer=text:trust' >\"$1/steps\" && "
				  "exec \"$0\" sweep --output-dir=\"$1/sweep\" -- \"$0\" host "
				  "-s \"$1/steps\" \"$2\"",
				  LSATRACE, folder, DLL("error_paths")));
	cr_expect_eq(run.status, 1);
	cr_expect(strstr(run.out, "  AllocateLsaHeap  trust at error_paths.c:45  CRASH: SIGSEGV\n"),
		  "%s", run.out);
	cr_expect(strstr(run.out, "run 2: CRASH: SIGSEGV\n  it crashed here:\n    #0 trust at "),
		  "%s", run.out);
	cr_expect(strstr(run.out, "error_paths.c:47 (error_paths.dll)\n"), "%s", run.out);
	cr_expect(strstr(run.out, "  its last call: AllocateLsaHeap, called by:\n    #0 trust at "),
		  "%s", run.out);
	cr_expect_eq(count_of(run.out, "block-leak"), 0, "%s", run.out);
	run_release(&run);
	temporary_folder_remove(folder);
}

Test(sweep, a_crash_is_in_each_format, .timeout = 240)
{
	const char *const formats[] = { "gcc", "github", "gitlab", "sarif", "junit", "markdown" };
	static const char words[] = "AllocateLsaHeap was made to fail in trust at error";

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		char format[32];
		struct run run;

		snprintf(format, sizeof(format), "--format=%s", formats[i]);
		run = sweep(COMMAND(format), PACKAGE("error_paths"), "trust");
		cr_expect_eq(run.status, 1);
		cr_expect(strstr(run.out, words), "%s: %s", formats[i], run.out);
		run_release(&run);
	}
}

/* Its baseline, and then what another sweep with other defects says about it. */
static struct run compare_with_baseline(const char *options, const char *submitted)
{
	char *folder = temporary_folder_new();
	struct run run = run_command(
		COMMAND("sh", "-c",
			"\"$0\" sweep --output-dir=\"$1/old\" -O \"$1/known.baseline\" -O "
			"\"$1/known.json\" "
			"-- \"$2\" \"$3\" --command=trust >/dev/null 2>&1; "
			"eval \"\\\"\\$0\\\" sweep --output-dir=\\\"\\$1/new\\\" $4 -- "
			"\\\"\\$2\\\" \\\"\\$3\\\" --command=$5\"; "
			"status=$?; cat \"$1/known.baseline\"; exit $status",
			LSATRACE, folder, LSA_HOST, PACKAGE("error_paths"), options, submitted));

	temporary_folder_remove(folder);
	return run;
}

/* As a test runner does it. A daemon that is killed at the end has not crashed. */
Test(sweep, a_crash_of_a_process_that_the_command_has_made_is_told, .timeout = 120)
{
	static const char script[] =
		"\"$0\" \"$1\" --command=trust & wait $! || exit 7; "
		"\"$0\" --repeat=1000000000 \"$1\" --command=forget & sleep 0.2";
	char *folder = temporary_folder_new();
	struct run run = run_command(
		COMMAND("sh", "-c",
			"exec \"$0\" sweep --output-dir=\"$1/sweep\" -- sh -c \"$4\" \"$2\" \"$3\"",
			LSATRACE, folder, LSA_HOST, PACKAGE("error_paths"), script));

	cr_expect_eq(run.status, 1);
	cr_expect(strstr(run.out,
			 "  trust at error_paths.c:45   exit status 7; a process was killed\n"),
		  "%s", run.out);
	cr_expect_eq(count_of(run.out, "a process was killed"), 1);
	run_release(&run);
	temporary_folder_remove(folder);
}

/* Or else a job would fail for ever once a package crashes. */
Test(sweep, a_known_crash_is_no_failure, .timeout = 240)
{
	static const char *const files[] = { "--baseline=\"$1/known.baseline\"",
					     "--baseline=\"$1/known.json\"" };

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct run run = compare_with_baseline(files[i], "trust");

		cr_expect_eq(run.status, 0, "%s", run.out);
		cr_expect(strstr(run.out, "; 0 of them with consequences"), "%s", run.out);
		cr_expect(strstr(run.out, "  CRASH: SIGSEGV (known)\n"));
		cr_expect(!strstr(run.out, "fixed: "));
		cr_expect_eq(count_of(run.out, "\nsweep/crash "), 1);
		run_release(&run);
	}
}

Test(sweep, a_known_crash_that_is_gone_is_fixed_and_pruned, .timeout = 120)
{
	struct run run = compare_with_baseline("--prune --baseline=\"$1/known.baseline\"", "run");

	cr_expect_eq(run.status, 1);
	cr_expect(strstr(run.out, "\nfixed: sweep/crash "), "%s", run.out);
	cr_expect_eq(count_of(run.out, "sweep/crash "), 1);
	run_release(&run);
}

Test(sweep, a_crash_that_was_not_tried_is_not_fixed, .timeout = 120)
{
	struct run run = compare_with_baseline(
		"--max-runs=1 --prune --baseline=\"$1/known.baseline\"", "trust");

	cr_expect(strstr(run.err, "not pruned, because the sweep is not complete\n"), "%s", run.err);
	cr_expect(!strstr(run.out, "fixed: "), "%s", run.out);
	cr_expect_eq(count_of(run.out, "\nsweep/crash "), 1, "%s", run.out);
	run_release(&run);
}

/* Each format that says what is a failure. */
Test(sweep, a_known_crash_is_a_failure_in_no_format, .timeout = 240)
{
	static const struct {
		const char *options, *there, *not_there;
	} formats[] = {
		{ "--format=github", "::notice ", "::error " },
		{ "--format=gcc", "note: ", "error: " },
		{ "--format=junit", " failures=\"0\" ", "<failure" },
		{ "--format=junit", "<skipped message=\"AllocateLsaHeap was made to fail",
		  "<failure" },
		{ "--format=sarif", "\"baselineState\": \"unchanged\"",
		  "\"baselineState\": \"new\"" },
		{ "--format=json", "\"baseline\": \"known\"", "\"baseline\": \"new\"" },
	};

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		char options[128];
		struct run run;

		snprintf(options, sizeof(options), "--baseline=\"$1/known.baseline\" %s",
			 formats[i].options);
		run = compare_with_baseline(options, "trust");
		cr_expect_eq(run.status, 0);
		cr_expect(strstr(run.out, formats[i].there), "%s: %s", options, run.out);
		cr_expect(!strstr(run.out, formats[i].not_there), "%s: %s", options, run.out);
		run_release(&run);
	}
}

/* Two runs have a leak each, of one function, and so of one fingerprint: ":2" is the second. */
Test(sweep, a_known_leak_hides_no_other_one_that_another_run_has, .timeout = 120)
{
	struct run run = compare_with_baseline(
		"--max-runs=1 -- \"$2\" \"$3\" --command=run >/dev/null 2>&1; "
		"\"$0\" sweep --output-dir=\"$1/all\" -O \"$1/all.baseline\" -- "
		"\"$2\" \"$3\" --command=run >/dev/null 2>&1; "
		"grep -v ':2 ' \"$1/all.baseline\" >\"$1/one.baseline\"; "
		"\"$0\" sweep --output-dir=\"$1/one\" --baseline=\"$1/one.baseline\"",
		"run");

	cr_expect_eq(run.status, 1);
	cr_expect(strstr(run.out, "; 1 of them with consequences\n"), "%s", run.out);
	cr_expect(strstr(run.out, "; 1 new, 0 grown, 4 known, 0 fixed; exact\n"));
	run_release(&run);
}

/* What a sweep found is gone for a sweep only. */
Test(sweep, a_report_of_no_sweep_leaves_known_crashes_alone, .timeout = 120)
{
	struct run run = compare_with_baseline(
		"--max-runs=1 -- \"$2\" \"$3\" --command=trust >/dev/null 2>&1; "
		"\"$0\" report --prune --baseline=\"$1/known.baseline\" "
		"\"$1\"/new/0000/*.trace; :",
		"trust");

	cr_expect(strstr(run.out, "fixed: null-free"), "%s", run.out);
	cr_expect(!strstr(run.out, "fixed: sweep/crash"));
	cr_expect_eq(count_of(run.out, "\nsweep/crash "), 1, "%s", run.out);
	run_release(&run);
}

Test(sweep, a_hang_is_ended_and_told, .timeout = 120)
{
	struct run run = sweep(COMMAND("--timeout=5"), PACKAGE("error_paths"), "insist");

	cr_expect_eq(run.status, 1);
	cr_expect(strstr(run.out, "  HANG: not ended after 5 s\n"), "%s", run.out);
#if !defined(__SANITIZE_ADDRESS__)
	cr_expect(strstr(run.out, "\n  it was ended here:\n"), "%s", run.out);
#endif
	run_release(&run);
}

/* It ignores the signal that asks it to end, so lsatrace cannot tidy up, but has to be killed with it. */
Test(sweep, a_run_that_has_to_be_killed_leaves_nothing_behind, .timeout = 120)
{
	char *folder = temporary_folder_new();
	struct run run = run_command(COMMAND(
		"sh", "-c",
		"\"$0\" sweep --timeout=2 --output-dir=\"$1/sweep\" -- sh -c "
		"'trap \"\" TERM; setsid sleep 1000 & echo $! >>\"$0/left\"; exec \"$@\"' \"$1\" "
		"\"$2\" \"$3\" --command=insist; "
		"for left in $(cat \"$1/left\"); do kill -0 $left && echo it lives; done; "
		"find \"$1/sweep\" -name 'lsatrace.*' -exec echo it lies there ';'",
		LSATRACE, folder, LSA_HOST, PACKAGE("error_paths")));

	cr_expect(strstr(run.out, "  HANG: not ended after 2 s\n"), "%s", run.out);
	cr_expect(!strstr(run.out, "it lives"));
	cr_expect(!strstr(run.out, "it lies there"));
	run_release(&run);
	temporary_folder_remove(folder);
}

Test(sweep, no_more_runs_are_made_than_are_asked_for, .timeout = 120)
{
	struct run run = sweep(COMMAND("--max-runs=2"), PACKAGE("error_paths"), "run");

	cr_expect(strstr(run.out, "2 calls let fail, "), "%s", run.out);
	run_release(&run);
}

Test(sweep, pairs_find_what_two_failures_lead_to, .timeout = 120)
{
	struct run run = sweep(NO_OPTIONS, PACKAGE("error_paths"), "retreat");

	cr_expect_eq(run.status, 0, "%s", run.out);
	run_release(&run);
	run = sweep(COMMAND("--pairs", "-j2"), PACKAGE("error_paths"), "retreat");
	cr_expect_eq(run.status, 1);
	cr_expect(strstr(run.out, "1 call let fail, and 2 pairs, one in each run; 1 of them with "),
		  "%s", run.out);
	cr_expect_eq(count_of(run.out, "\nerror: block-leak: block of 11 bytes"), 1);
	cr_expect(strstr(run.out, "  after AllocateLsaHeap was made to fail"));
	cr_expect(strstr(run.out, "  and after GetClientInfo was made to fail"));
	run_release(&run);
}

/* Block `kept` fails, which is freed all the same, and then the one that is trusted, which crashes alone as well. */
Test(sweep, a_crash_of_two_failures_is_none_if_one_alone_leads_to_it, .timeout = 120)
{
	struct run run = sweep(COMMAND("--pairs"), PACKAGE("error_paths"), "trust");

	cr_expect_eq(run.status, 1);
	cr_expect(strstr(run.out, "2 calls let fail, and "), "%s", run.out);
	/* LeakSanitizer's programs are not watched: there is no place of a crash. */
#if !defined(__SANITIZE_ADDRESS__)
	cr_expect(strstr(run.out, "; 2 of them with consequences\n"), "%s", run.out);
	cr_expect(strstr(run.out, "  CRASH: SIGSEGV, as if one of them fails\n"));
#endif
	run_release(&run);
}

Test(sweep, a_failure_has_the_status_that_was_asked_for, .timeout = 120)
{
	struct run run = sweep(COMMAND("--error-exitcode=7"), PACKAGE("error_paths"), "run");

	cr_expect_eq(run.status, 7, "%s", run.out);
	run_release(&run);
}

Test(sweep, runs_are_in_json_with_what_failed, .timeout = 120)
{
	struct run run = sweep(COMMAND("--format=json"), PACKAGE("error_paths"), "run");
	json_t *report = json_loads(run.out, 0, NULL), *finding, *runs, *failed;
	size_t i;

	cr_assert_not_null(report, "%s", run.out);
	runs = json_object_get(json_object_get(report, "sweep"), "runs");
	cr_expect_eq(json_array_size(runs), 9u);
	cr_expect_eq(json_integer_value(json_object_get(json_array_get(runs, 1), "new_findings")),
		     1);
	cr_expect_eq(json_array_size(json_object_get(report, "findings")), 5u);
	json_array_foreach(json_object_get(report, "findings"), i, finding)
	{
		failed = json_object_get(finding, "failed_calls");
		cr_expect_eq(json_array_size(failed), 1u);
		cr_expect_gt(json_array_size(json_object_get(json_array_get(failed, 0), "stack")),
			     0u);
	}
	json_decref(report);
	run_release(&run);
}

Test(sweep, failed_calls_are_in_each_format_that_has_stacks, .timeout = 240)
{
	const char *const formats[] = { "--format=html", "--format=sarif", "--format=markdown",
					"--format=junit" };

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		struct run run = sweep(COMMAND(formats[i]), PACKAGE("error_paths"), "run");

		cr_expect_eq(count_of(run.out, " was made to fail"), 5, "%s: %s", formats[i],
			     run.out);
		run_release(&run);
	}
}

/* Of the text of a report: what does not change from run to run. */
static void leave_out_changing(char *text)
{
	char *to = text;

	for (char *line = text, *next; *line; line = next) {
		next = strchr(line, '\n') ? strchr(line, '\n') + 1 : strchr(line, '\0');
		if (strncmp(line, "  number ", 9) == 0 || strstr(line, " was made to fail, in ") ||
		    strncmp(line, "left out ", 9) == 0)
			continue;
		memmove(to, line, (size_t)(next - line));
		to += next - line;
	}
	*to = '\0';
}

Test(sweep, what_was_cut_short_goes_on, .timeout = 120)
{
	char *folder = temporary_folder_new();
	struct arguments command = { 0 }, resume = { 0 };
	struct run whole = sweep(NO_OPTIONS, PACKAGE("error_paths"), "run"), run;

	arguments_add_all(&command, COMMAND(LSATRACE, "sweep", "--max-runs=2"));
	arguments_add(&command, "--output-dir=%s/sweep", folder);
	add_host(&command, PACKAGE("error_paths"), "run");
	run = run_command((const char *const *)command.all);
	cr_expect(strstr(run.out, "2 calls let fail, one in each run"), "%s", run.out);
	cr_expect(strstr(run.out, "\nleft out by a limit: 7\n"));
	run_release(&run);
	arguments_add_all(&resume, COMMAND(LSATRACE, "sweep", "--max-runs=100"));
	arguments_add(&resume, "--resume=%s/sweep", folder);
	run = run_command((const char *const *)resume.all);
	cr_expect_eq(run.status, 1);
	leave_out_changing(run.out);
	leave_out_changing(whole.out);
	cr_expect_str_eq(run.out, whole.out);
	run_release(&run);
	run_release(&whole);
	arguments_release(&command);
	arguments_release(&resume);
	temporary_folder_remove(folder);
}

/* As if the disk had been full when it ended. */
Test(sweep, a_run_without_a_trace_is_made_again, .timeout = 120)
{
	char *folder = temporary_folder_new();
	struct run run = run_command(
		COMMAND("sh", "-c",
			"\"$0\" sweep --output-dir=\"$1/sweep\" -- \"$2\" \"$3\" --command=run "
			">/dev/null 2>&1; "
			"rm \"$1\"/sweep/0002/*.trace; exec \"$0\" sweep --resume=\"$1/sweep\"",
			LSATRACE, folder, LSA_HOST, PACKAGE("error_paths")));

	cr_expect_eq(run.status, 1);
	cr_expect(strstr(run.out, "; 5 of them with consequences"), "%s", run.out);
	cr_expect(!strstr(run.out, "no trace"), "%s", run.out);
	run_release(&run);
	temporary_folder_remove(folder);
}

/* What was found before is of another package. */
Test(sweep, a_sweep_does_not_go_on_with_a_package_that_was_built_anew, .timeout = 120)
{
	char *folder = temporary_folder_new();
	struct run run = run_command(COMMAND(
		"sh", "-c",
		"cp \"$3\" \"$1/p.so\"; \"$0\" sweep --max-runs=1 --output-dir=\"$1/sweep\" -- "
		"\"$2\" \"$1/p.so\" --command=run >/dev/null 2>&1; "
		"rm \"$1/p.so\"; cp \"$4\" \"$1/p.so\"; "
		"exec \"$0\" sweep --max-runs=2 --resume=\"$1/sweep\"",
		LSATRACE, folder, LSA_HOST, PACKAGE("error_paths"), PACKAGE("demo")));

	cr_expect_eq(run.status, 2);
	cr_expect(strstr(run.err, "/p.so has changed since this sweep began: begin a new one\n"),
		  "%s", run.err);
	run_release(&run);
	temporary_folder_remove(folder);
}

/* Nothing that is there is lost, or taken for its own. */
Test(sweep, a_folder_that_has_something_is_left_alone, .timeout = 120)
{
	char *folder = temporary_folder_new();
	struct arguments command = { 0 }, path = { 0 };
	struct run run;

	arguments_add(&path, "%s/0001", folder);
	arguments_add(&path, "%s/0001/of_the_user", folder);
	cr_assert_eq(mkdir(path.all[0], 0777), 0);
	cr_assert_eq(close(creat(path.all[1], 0666)), 0);
	arguments_add_all(&command, COMMAND(LSATRACE, "sweep"));
	arguments_add(&command, "--output-dir=%s", folder);
	add_host(&command, PACKAGE("error_paths"), "run");
	run = run_command((const char *const *)command.all);
	cr_expect_eq(run.status, 2);
	cr_expect(strstr(run.err, "/0001: File exists"), "%s", run.err);
	run_release(&run);
	cr_expect_eq(access(path.all[1], F_OK), 0);
	/* And now it has a sweep. */
	run = run_command((const char *const *)command.all);
	cr_expect_eq(run.status, 2);
	cr_expect(strstr(run.err, ": this folder has a sweep already"), "%s", run.err);
	run_release(&run);
	arguments_release(&command);
	arguments_release(&path);
	temporary_folder_remove(folder);
}

Test(sweep, a_command_that_crashes_as_it_is_is_trouble, .timeout = 120)
{
	struct run run = sweep(COMMAND("--fail=AllocateLsaHeap"), PACKAGE("error_paths"), "trust");
	cr_expect_eq(run.status, 2);
	cr_expect(strstr(run.err, "as it is, the command is ended by a signal"), "%s", run.err);
	run_release(&run);
}

/* As a program for Windows ends its lines. */
Test(sweep, lines_of_output_end_with_or_without_a_carriage_return, .timeout = 60)
{
	char *folder = temporary_folder_new();
	struct run run = run_command(
		COMMAND("/bin/sh", "-c",
			"exec \"$0\" sweep --output-dir=\"$1/sweep\" -- "
			"sh -c 'printf \"one\\r\\ntwo\\nth\\ree\\r\\n\"; kill -SEGV $$'",
			LSATRACE, folder));

	cr_expect_eq(run.status, 2);
	cr_expect(strstr(run.err, "ends with:\n    one\n    two\n    th?ee\n"), "%s", run.err);
	run_release(&run);
	temporary_folder_remove(folder);
}

Test(sweep, what_does_not_fit_a_sweep_that_goes_on_is_refused, .timeout = 120)
{
	struct run run = run_command(COMMAND(LSATRACE, "sweep", "--resume=/"));

	cr_expect_eq(run.status, 2);
	expect_line(run.err, "//arguments: ", "No such file or directory");
	run_release(&run);
}

/* It is interrupted once the second run, which hangs, has a trace. */
Test(sweep, an_interrupted_one_reports_what_it_has, .timeout = 120)
{
	char *folder = temporary_folder_new();
	struct run run = run_command(COMMAND(
		"sh", "-c",
		"\"$0\" sweep --output-dir=\"$1/sweep\" -- \"$2\" \"$3\" --command=insist & "
		"for i in $(seq 1000); do "
		"ls \"$1\"/sweep/0001/*.trace >/dev/null 2>&1 && break; sleep 0.1; done; "
		"kill -TERM $!; wait $!",
		LSATRACE, folder, LSA_HOST, PACKAGE("error_paths")));

	cr_expect(strstr(run.out, "  not run\n"), "%s", run.out);
	cr_expect(strstr(run.err, "because this was interrupted: go on with "), "%s", run.err);
	run_release(&run);
	temporary_folder_remove(folder);
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
