/* SPDX-License-Identifier: MIT */
/*
 * What people ask a report of 300 findings. Each question has its answer from one command, at the place
 * where one looks first.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/traced.h"

#define LSATRACE BUILD_DIR "/lsatrace"
#define LSA_HOST BUILD_DIR "/tests/lsahost"
#define PACKAGE(name) BUILD_DIR "/tests/packages/" name ".so"

/* Runs a script in a folder. In it, $0 is lsatrace. */
static struct run ask(const char *folder, const char *script)
{
	return run_command(COMMAND("sh", "-c", "cd \"$1\" && eval \"$2\"", LSATRACE, folder, script));
}

/* Yesterday 90 leaks; today 100, and a thread that dies. */
static char *record(void)
{
	char *folder = temporary_folder_new();
	struct run run = run_command(COMMAND(LSATRACE, "record", "--output-dir", folder, "-o",
					     "old", "--", LSA_HOST, "--command=leaks=90",
					     PACKAGE("many"), PACKAGE("demo")));

	cr_assert_eq(run.status, 0, "%s", run.err);
	run_release(&run);
	run = run_command(COMMAND(LSATRACE, "record", "--output-dir", folder, "-o", "new",
				  "--allocator=guard", "--", LSA_HOST, "--command=leaks=100 die",
				  PACKAGE("many"), PACKAGE("demo")));
	cr_assert_eq(run.status, 128 + 11, "%s", run.err);
	run_release(&run);
	return folder;
}

/* The first row of the table of findings. */
static const char *first_row(const char *text)
{
	const char *row = strstr(text, "  kind  ");

	cr_assert(row && (row = strchr(row, '\n')) != NULL, "%.2000s", text);
	return row + 1;
}

static unsigned count_lines(const char *text, const char *with)
{
	unsigned count = 0;

	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		count += memmem(line, strcspn(line, "\n"), with, strlen(with)) != NULL;
	return count;
}

Test(tasks, the_worst_leak_of_a_package, .timeout = 60)
{
	char *folder = record();
	struct run run = ask(
		folder, "\"$0\" report --package=many --kind='*-leak' --sort=bytes --top=1 old");
	const char *row = first_row(run.out);

	cr_expect(memmem(row, strcspn(row, "\n"), "keep_142", 8), "%.300s", row);
	cr_expect_eq(count_lines(run.out, "error: "), 1, "%u", count_lines(run.out, "error: "));
	cr_expect(strstr(run.out, "error: block-leak: block of 4096 bytes, allocated at many.c:"));
	run_release(&run);
	temporary_folder_remove(folder);
}

Test(tasks, the_mismatched_frees_of_last_night, .timeout = 60)
{
	char *folder = record();
	struct run run =
		ask(folder, "\"$0\" report --kind=mismatched-free --package=many --since=-8h old");

	cr_expect(strstr(run.out, "\n100 findings (100 occurrences)"), "%.600s", run.out);
	cr_expect_eq(count_lines(run.out, "error: mismatched-free"), 100);
	run_release(&run);
	run = ask(folder, "\"$0\" report --kind=mismatched-free --until=-8h old");
	cr_expect(strstr(run.out, "\n0 findings (0 occurrences)"), "%.600s", run.out);
	cr_expect_eq(run.status, 1, "the exit status is that of all findings");
	run_release(&run);
	temporary_folder_remove(folder);
}

/* The report says the command. */
Test(tasks, what_the_thread_that_died_did_last, .timeout = 60)
{
	char *folder = record();
	struct run run = ask(
		folder, "$(\"$0\" report --top=1 new | sed -n 's/.*did last: lsatrace/\"$0\"/p' "
			"| sed \"s|\\\"\\$0\\\"|$0|\")");

	cr_expect_eq(count_lines(run.out, "many "), 20, "%s%s", run.out, run.err);
	cr_expect_eq(count_lines(run.out, "SharedMemory("), 20, "%s", run.out);
	cr_expect(strstr(run.out, "AllocateSharedMemory("), "%s", run.out);
	cr_expect_not(strstr(run.out, "LsaHeap"), "another thread: %s", run.out);
	run_release(&run);
	temporary_folder_remove(folder);
}

Test(tasks, what_differs_from_yesterday, .timeout = 60)
{
	char *folder = record();
	struct run run = ask(folder, "\"$0\" diff old new");

	cr_expect_eq(run.status, 1);
	/* Ten leaks, the overflow, and what is live because of that. */
	cr_expect_eq(count_lines(run.out, "new:    block-leak"), 11, "%s", run.out);
	cr_expect_eq(count_lines(run.out, "new:    overflow/write"), 1, "%s", run.out);
	cr_expect(strstr(run.out, "known, "), "%s", run.out);
	run_release(&run);
	run = ask(folder,
		  "\"$0\" baseline -o b old && \"$0\" report --baseline=b --format=html new");
	cr_expect(strstr(run.out, "<p>Compared with the baseline: "));
	cr_expect_eq(count_lines(run.out, "<td>new"), count_lines(run.out, "; new; fingerprint"));
	run_release(&run);
	temporary_folder_remove(folder);
}

/* Returns the text up to a character, without what is between the brackets of elements. */
static char *strip_elements(const char *from, const char *end)
{
	char *text = calloc(1, (size_t)(end - from) + 1), *to = text;

	for (bool is_inside = false; from < end; from++) {
		is_inside |= *from == '<';
		if (!is_inside)
			*to++ = *from;
		is_inside &= *from != '>';
	}
	return text;
}

/* The page names the same place as the text: the code that is to blame, also where it was inlined. */
Test(tasks, the_page_and_the_text_name_the_same_places, .timeout = 60)
{
	char *folder = record();
	struct run page = ask(folder, "\"$0\" report --format=html new");
	struct run text = ask(folder, "\"$0\" report new | sed 's/ at \\([^ ]*:[0-9]\\)/ \\1/'");
	const char *line = first_row(text.out), *cell = page.out;
	unsigned rows = 0;

	for (; (cell = strstr(cell, "<td><a href=")) != NULL; rows++) {
		const char *end = strstr(cell, "</a>"), *next = strchr(line, '\n');
		char *where = strip_elements(cell, end), *row = strip_elements(line, next);

		cr_expect(strstr(row, where), "%s: %s", where, row);
		free(row);
		free(where);
		cell = end;
		line = next + 1;
	}
	cr_expect_gt(rows, 100);
	run_release(&page);
	run_release(&text);
	temporary_folder_remove(folder);
}

static void expect_told(const char *folder, const char *options, const char *told)
{
	char *script = NULL;
	struct run run;

	cr_assert(asprintf(&script, "\"$0\" report --fail-on=never %s old", options) > 0);
	run = ask(folder, script);
	cr_expect(strstr(run.err, told), "%s: %s", options, run.err);
	run_release(&run);
	free(script);
}

/* Of numbers, places and kinds, nothing is out of sight or broken at the edge. */
Test(tasks, a_narrow_terminal_has_everything, .timeout = 60)
{
	char *folder = record();
	struct run run = ask(
		folder,
		"export TERM=xterm LSATRACE_PAGER=cat; "
		"COLUMNS=40 script -qec \"'$0' stat new\" /dev/null </dev/null >s; "
		"COLUMNS=60 script -qec \"'$0' report --color=never new\" /dev/null </dev/null >r; "
		"tr -d '\\r' <s | tee -a out | awk 'length > 40' >&2; "
		"tr -d '\\r' <r | tee -a out | awk 'length > 60 && / / && !/\\//' >&2; cat out");

	cr_expect_str_eq(run.err, "");
	cr_expect(strstr(run.out, "\n  AllocateSharedMemory\n"), "%s", run.out);
	cr_expect(strstr(run.out, "double-free"), "%s", run.out);
	cr_expect(strstr(run.out, "evict_381 at many.c:"), "%s", run.out);
	run_release(&run);
	temporary_folder_remove(folder);
}

/* Wherever the text goes. JSON is UTF-8 always. */
Test(tasks, text_is_ascii_where_the_locale_is_not_utf_8, .timeout = 60)
{
	char *folder = record();
	struct run run = ask(folder, "LC_ALL=C.UTF-8 \"$0\" events old | grep -m1 double-free");

	cr_expect(strstr(run.out, "  \xe2\x86\x90 double-free\n"), "%s", run.out);
	run_release(&run);
	run = ask(folder, "LC_ALL=C \"$0\" events old | grep -m1 double-free");
	cr_expect(strstr(run.out, "  <- double-free\n"), "%s", run.out);
	run_release(&run);
	/* But a suppression must have the name as it is. */
	run = ask(folder,
		  "cp " PACKAGE("block_leak") " m\xc3\xbcnz.so && strip -s m\xc3\xbcnz.so; "
					      "\"$0\" record -o u " LSA_HOST
					      " ./m\xc3\xbcnz.so >h; "
					      "LC_ALL=C \"$0\" report --fail-on=never u | grep -c "
					      "'m\xc3\xbcnz'; "
					      "LC_ALL=C \"$0\" report --fail-on=never "
					      "--gen-suppressions u | "
					      "sed -n '/^{/,/^}/p' | grep -m1 'm\xc3\xbcnz'");
	cr_expect_eq(strncmp(run.out, "0\n", 2), 0, "%s%s", run.out, run.err);
	cr_expect(strstr(run.out, "m\xc3\xbcnz.so"), "%s%s", run.out, run.err);
	run_release(&run);
	temporary_folder_remove(folder);
}

/* What is mistyped must not look like a clean result. */
Test(tasks, a_filter_that_no_finding_passes_is_told, .timeout = 60)
{
	char *folder = record();

	expect_told(folder, "--package=mny",
		    "--package=mny: no finding is of that; did you mean many?\n");
	expect_told(folder, "--kind=lost", "; there are: ");
	expect_told(folder, "--kind=lost", ", block-leak");
	expect_told(folder, "--kind=*-leak --finding=999", "--finding=999: no finding is of that\n");
	expect_told(folder, "--since=25:00", "no checkpoint '25:00' was set; a time is ");
	expect_told(folder, "--package=many --format=html",
		    "lsatrace: filters are for text and JSON: the html has all findings\n");
	expect_told(folder, "-top 3", "lsatrace report: -top: no such option; did you mean --top?");
	temporary_folder_remove(folder);
}
