/* SPDX-License-Identifier: MIT */
/* Tests of what lets a job of continuous integration fail, and what does not: suppressions,
 * baselines. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/expect.h"
#include "tests/support/json.h"

static void write_file(const struct traced *t, const char *name, const char *text)
{
	struct run run = run_command(
		COMMAND("sh", "-c", "printf %s \"$2\" >\"$0/$1\"", t->folder, name, text));

	cr_assert_eq(run.status, 0);
	run_release(&run);
}

/* Runs a shell command in the folder of the trace, where $L is lsatrace and $T is the trace. */
static struct run run_there(const struct traced *t, const char *command)
{
	return run_command(COMMAND("sh", "-c", "cd \"$0\" && L=$1 T=$2 && eval \"$3\"", t->folder,
				   LSATRACE, t->traces.all[0], command));
}

static void expect(const struct traced *t, const char *command, int status, const char *out,
		   const char *err)
{
	struct run run = run_there(t, command);

	cr_expect_eq(run.status, status, "%s: %d\n%s%s", command, run.status, run.out, run.err);
	cr_expect(strstr(run.out, out), "%s: not \"%s\" in\n%s", command, out, run.out);
	cr_expect(strstr(run.err, err), "%s: not \"%s\" in\n%s", command, err, run.err);
	run_release(&run);
}

#define BLOCK(kind, frames) "{\n  name\n  " kind "\n" frames "}\n"

/* Of two leaks, of make_ticket(), which keep_tickets() calls twice. */
static const struct {
	const char *text;
	int suppressed;
} rules[] = {
	{ "leak:make_tick\n", 2 },
	{ "  leak:make_tick \r\n", 2 },
	{ "leak:^ake_ticket\n", 0 },
	{ "leak:^keep_tickets$\n", 2 },
	{ "leak:make_tick$\n", 0 },
	{ "leak:KEEP\n", 0 },
	{ "leak:k*p_tick\n", 2 },
	{ "leak:k?ep_tickets\n", 0 },
	{ "leak:built.c\n", 2 },
	{ "leak:/built.so\n", 2 },
	{ "leak:lsahost\n", 2 },
	{ BLOCK("lsatrace:block-leak", "fun:make_ticket\nfun:keep_tickets\n"), 2 },
	{ BLOCK("lsatrace:block-leak", "fun:make_*\n# comment\n\nfun:keep_ticket?\n"), 2 },
	{ BLOCK("lsatrace:block-leak", "fun:keep_tickets\n"), 0 },
	{ BLOCK("lsatrace:block-leak", "fun:make\n"), 0 },
	{ BLOCK("lsatrace:block-leak", "...\nfun:keep_tickets\n"), 2 },
	{ BLOCK("lsatrace:block-leak", "...\nfun:make_ticket\n...\nfun:call_package\n...\n"), 2 },
	{ BLOCK("lsatrace:block-leak", "fun:make_ticket\nfun:nothing\n"), 0 },
	{ BLOCK("lsatrace:block-leak", "obj:built.so\n"), 0 },
	{ BLOCK("lsatrace:block-leak", "obj:*/built.so\n"), 2 },
	{ BLOCK("lsatrace:block-leak", "src:built.c\n"), 2 },
	{ BLOCK("lsatrace:block-leak", "src:built.c:1\n"), 0 },
	{ BLOCK("lsatrace:*-leak", "fun:make_ticket\n"), 2 },
	{ BLOCK("lsatrace:double-free", "fun:make_ticket\n"), 0 },
	{ BLOCK("Memcheck:Leak", "fun:make_ticket\n"), 0 },
	{ BLOCK("Memcheck:Leak", "match-leak-kinds: definite\n...\n"), 0 },
	{ BLOCK("Memcheck,lsatrace:block-leak", "fun:make_ticket\n"), 2 },
	{ BLOCK("Memcheck:Leak", "...\n") "# both\nleak:make_ticket\n", 2 },
	{ "\xef\xbb\xbfleak:make_tick\r\n", 2 },
	{ "\xef\xbb\xbf# comment\r\n" BLOCK("lsatrace:*\r", "fun:make_ticket\r\n"), 2 },
	{ BLOCK("lsatrace:block-leak", "fun:make_ticket\n...\nobj:*/libc.so.6\n"), 2 },
};

Test(gate, suppressions_of_both_grammars_match_as_those_who_know_them_expect, .timeout = 120)
{
	struct traced t = trace_one(COMMAND(LSA_HOST, BUILT("two")));

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		struct run run;
		json_t *report;

		write_file(&t, "s", rules[i].text);
		run = run_there(&t, "$L report --format=json --suppressions=s $T");
		report = json_loads(run.out, 0, NULL);
		cr_assert(report, "%s%s", rules[i].text, run.err);
		cr_expect_eq(run.status, rules[i].suppressed != 2, "%s", rules[i].text);
		cr_expect_eq(json_number_at(report, "summary.suppressed"), rules[i].suppressed,
			     "%s", rules[i].text);
		cr_expect_eq(json_number_at(report, "summary.errors"), 2 - rules[i].suppressed);
		json_decref(report);
		run_release(&run);
	}
	traced_release(&t);
}

static const struct {
	const char *text, *trouble;
} refused[] = {
	{ "leak:\n", ":1: it would hide every leak" },
	{ "# comment\n\nleak:*\n", ":3: it would hide every leak" },
	{ "leak:^*$\n", ":1: it would hide every leak" },
	{ "leak: make_ticket\n", ":1: the blank after ':'" },
	{ "leak:make_ticket # comment\n", ":1: a comment needs a line of its own" },
	{ "leak:libc.so\n", ":1: it would hide every leak" },
	{ "leak:_start\n", ":1: it would hide every leak" },
	{ "race:make_ticket\n", ":1: expected leak:TEXT" },
	{ "make_ticket\n", ":1: expected leak:TEXT" },
	{ BLOCK("lsatrace:block-leek", "fun:f\n"), ":3: there is no such kind" },
	{ BLOCK("block-leak", "fun:f\n"), ":3: expected lsatrace:KIND" },
	{ BLOCK("Lsatrace:block-leak", "fun:f\n"), ":3: there is no such tool" },
	{ BLOCK("lsatrace:block-leak", "fun: f\n"), ":4: the blank after ':'" },
	{ BLOCK("lsatrace:block-leak", "obj:\t*/f.so\n"), ":4: the blank after ':'" },
	{ BLOCK("lsatrace:block-leak", "fun:f # comment\n"),
	  ":4: a comment needs a line of its own" },
	{ BLOCK("lsatrace:block-leak", "function:f\n"), ":4: expected fun:NAME" },
	{ BLOCK("lsatrace:block-leak", ""), ":1: it has no frame" },
	{ BLOCK("lsatrace:block-leak", "...\n"), ":1: it names no frame" },
	{ BLOCK("lsatrace:block-leak", "fun:*\nobj:*\n"), ":1: it names no frame" },
	{ BLOCK("lsatrace:*", "...\nobj:*/libc.so*\n"), ":1: it names no frame" },
	{ BLOCK("lsatrace:*", "...\nfun:__libc_start*\n...\n"), ":1: it names no frame" },
	{ "leak:f\n{\n  name\n  lsatrace:block-leak\n  fun:f\n", ":2: the block has no '}'" },
	{ "{\n}\n", ":2: the block has no name" },
};

Test(gate, a_suppression_that_hides_all_or_nothing_is_refused_with_its_line, .timeout = 120)
{
	struct traced t = trace_one(COMMAND(LSA_HOST, BUILT("two")));

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		char trouble[128];

		write_file(&t, "s", refused[i].text);
		snprintf(trouble, sizeof(trouble), "lsatrace: s%s", refused[i].trouble);
		expect(&t, "$L report --suppressions=s $T", 2, "", trouble);
	}
	expect(&t, "printf 'leak:f\\0orgotten\\n' >z; $L report --suppressions=z $T", 2, "",
	       "z:1: it holds a zero byte");
	expect(&t, "$L report --suppressions=. $T", 2, "", ".: Is a directory");
	expect(&t, "$L report --suppressions=none $T", 2, "", "none: No such file");
	/* Before the command runs. */
	write_file(&t, "s", "leak:*\n");
	expect(&t, "$L run --suppressions=s -- echo ran", 125, "", "s:1: it would hide every leak");
	expect(&t, "$L run --suppressions=s -- echo ran | grep -c ran", 1, "0", "");
	traced_release(&t);
}

Test(gate, suppressions_of_the_current_folder_are_found_and_that_is_said, .timeout = 120)
{
	struct traced t = trace_one(COMMAND(LSA_HOST, BUILT("two")));

	write_file(&t, "lsatrace.supp", "leak:make_ticket\nleak:never\n");
	write_file(&t, "more", "leak:unused\n");
	expect(&t, "$L report $T", 0, "suppressed: 2 occurrences, 96 bytes, by lsatrace.supp:1: ",
	       "suppressions of the current folder: lsatrace.supp");
	expect(&t, "$L report --suppressions=more $T", 0, "not used: lsatrace.supp:2: leak:never",
	       "");
	expect(&t, "$L report --suppressions=more $T", 0, "not used: more:1: leak:unused", "");
	expect(&t, "$L report --suppressions=lsatrace.supp $T | grep -c 'by lsatrace.supp'", 0, "1",
	       "");
	traced_release(&t);
}

Test(gate, each_format_says_how_much_is_suppressed, .timeout = 120)
{
	static const char *const formats[] = { "text",   "json",   "junit", "sarif",
					       "github", "gitlab", "gcc",   "markdown" };
	struct traced t = trace_one(COMMAND(LSA_HOST, BUILT("two")));

	write_file(&t, "s", "leak:make_ticket\n");
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		char command[128];

		snprintf(command, sizeof(command), "$L report --suppressions=s --format=%s $T",
			 formats[i]);
		expect(&t, command, 0,
		       strcmp(formats[i], "json") == 0 ? "\"suppressed\": 2" : "2 suppressed; ", "");
	}
	expect(&t, "$L report --suppressions=s --format=junit $T | grep -c '<skipped '", 0, "2", "");
	expect(&t, "$L report --suppressions=s --format=sarif $T | grep -c '\"external\"'", 0, "2",
	       "");
	traced_release(&t);
}

Test(gate, suppressions_that_are_generated_suppress_what_they_were_made_for, .timeout = 120)
{
	static const char *const libraries[] = { BUILT("two"), BUILT("optimised"), BUILT("hostile"),
						 BUILT("hostile-symbols"), BUILT("bare") };

	for (size_t i = 0; i < sizeof(libraries) / sizeof(*libraries); i++) {
		struct traced t = trace_one(COMMAND(LSA_HOST, libraries[i]));

		expect(&t, "$L report --gen-suppressions $T | sed -n '/^{/,/^}/p' >s; test -s s", 0,
		       "", "");
		expect(&t, "$L report --suppressions=s $T", 0, " suppressed; ", "");
		traced_release(&t);
	}
}

/* Copies the trace of another library beside the others, under a name. */
static void add_trace(const struct traced *t, const char *library, const char *name)
{
	struct traced other = trace_one(COMMAND(LSA_HOST, library));
	struct run run = run_command(
		COMMAND("sh", "-c", "cp \"$1\" \"$0/$2\"", t->folder, other.traces.all[0], name));

	cr_assert_eq(run.status, 0);
	run_release(&run);
	traced_release(&other);
}

Test(gate, a_baseline_makes_new_and_grown_findings_fail_and_no_others, .timeout = 120)
{
	struct traced t = trace_one(COMMAND(LSA_HOST, BUILT("leak")));

	add_trace(&t, BUILT("two"), "two");
	add_trace(&t, BUILT("clean"), "clean");
	expect(&t, "$L baseline -o base $T && cat base", 0, "lsatrace-baseline 1\nblock-leak ", "");
	expect(&t, "cat base", 0, " 1 make_ticket (built.so)\n", "");
	expect(&t, "$L report --baseline=base $T", 0, "0 new, 0 grown, 1 known, 0 fixed; ", "");
	expect(&t, "$L report --baseline=base two", 1, "1 new, 0 grown, 1 known, 0 fixed; ", "");
	expect(&t, "$L report --baseline=base clean", 0, "0 new, 0 grown, 0 known, 1 fixed; ", "");
	expect(&t, "$L report --baseline=base clean", 0, "fixed: block-leak ", "");
	/* What fails comes first, though it is not the worst. */
	add_trace(&t, BUILD_DIR "/tests/packages/demo.so", "demo");
	expect(&t,
	       "$L baseline demo | grep -e baseline -e ^mism >worst && "
	       "$L report --baseline=worst demo | grep -A5 '  #  baseline  kind' >table; "
	       "sed -n 2p table; tail -1 table",
	       0, "  3  new       double-free ", "");
	expect(&t, "tail -1 table", 0, "  1  known     mismatched-free/", "");
	expect(&t, "$L report --baseline=two $T", 2, "",
	       "lsatrace: two: this is a trace; lsatrace baseline -o FILE two makes a baseline");
	/* The same defect in two processes is more than there was in one. */
	expect(&t, "$L report --baseline=base $T $T", 1, "0 new, 1 grown, 0 known, 0 fixed; ", "");
	expect(&t, "$L report --baseline=base $T $T", 1, "; 1 more than in the baseline)", "");
	expect(&t, "$L baseline -o many $T $T two && cat many", 0, " 1 make_ticket (built.so)\n",
	       "");
	/* Two of one fingerprint, of which one is fixed: the other one has not grown. */
	expect(&t,
	       "$L record -o five -- '" LSA_HOST "' --repeat=5 '" BUILT(
		       "leak") "' && "
			       "$L baseline -o b two && sed -i '/:2 /s/ 1 make/ 5 make/' b && "
			       "$L report --baseline=b five",
	       0, "0 new, 0 grown, 1 known, 1 fixed; ", "");
	expect(&t, "$L report --format=json $T >r.json; $L report --baseline=r.json two", 1,
	       "1 new, 0 grown, 1 known, 0 fixed; ", "");
	traced_release(&t);
}

Test(gate, a_baseline_is_pruned_of_what_is_fixed, .timeout = 120)
{
	struct traced t = trace_one(COMMAND(LSA_HOST, BUILT("leak")));

	add_trace(&t, BUILT("two"), "two");
	expect(&t, "$L baseline -o base two && grep -c block-leak base", 0, "2\n", "");
	/* No room: it stays as it is. */
	expect(&t, "(trap '' XFSZ; ulimit -f 0; $L report --baseline=base --prune $T 2>&1 >/dev/null) | cat",
	       0, "base: File too large\n", "");
	expect(&t, "grep -c block-leak base; ls base*", 0, "2\nbase\n", "");
	expect(&t,
	       "chmod 600 base; ln -s base link; $L report --baseline=link --prune $T; ls -l base",
	       0, "-rw------- ", "");
	expect(&t, "grep -c block-leak base; rm link; ls base*", 0, "1\nbase\n", "");
	expect(&t, "$L report --baseline=base $T", 0, "0 new, 0 grown, 1 known, 0 fixed; ", "");
	/* What a person has written, and the order, stay. */
	expect(&t,
	       "{ echo 'lsatrace-baseline 1'; echo '# of 2026'; echo; $L baseline two | tail -n +2 "
	       "| tac | "
	       "sed '/:2 /s/ 1 make/ 7 make/'; } | sed 's/$/\\r/' >b; cp b a; "
	       "$L report --baseline=b --prune two; sed 's/ 7 / 1 /' a | cmp - b && cmp a b",
	       1, "a b differ", "");
	expect(&t, "$L report --prune $T", 2, "", "--prune needs --baseline");
	expect(&t, "$L report --format=json $T >r.json; $L report --baseline=r.json --prune $T", 2,
	       "", "r.json: this is a JSON report");
	traced_release(&t);
}

static const struct {
	const char *text, *trouble;
} bad_baselines[] = {
	{ "", ": the file is empty" },
	{ "hello\n", ":1: this is no baseline" },
	{ "lsatrace-baseline 2\n", ":1: this is no baseline" },
	{ "lsatrace-baseline 1\n<<<<<<< ours\n", ":2: a merge has left a conflict here" },
	{ "lsatrace-baseline 1\n=======\n", ":2: a merge has left a conflict here" },
	{ "lsatrace-baseline 1\nblock-leak 0123456789abcdef 01234567",
	  ":2: expected KIND FINGERPRINT WEAK COUNT" },
	{ "lsatrace-baseline 1\nblock-leak 0123456789abcdef 0123456789abcdef none\n",
	  ":2: expected a count" },
	{ "lsatrace-baseline 1\nblock-leak 0123456789abcdef 0123456789abcdef -1\n",
	  ":2: expected a count" },
	{ "{\n", ":2: this is no valid JSON" },
	{ "\n{\n", ":3: this is no valid JSON" },
	{ "{ \"schema\": 2, \"findings\": [] }", ": this is no JSON report of schema 1" },
	{ "{ \"schema\": 1, \"findings\": [ {} ] }", ": a finding in it has no kind" },
};

Test(gate, a_baseline_that_is_none_is_refused, .timeout = 120)
{
	struct traced t = trace_one(COMMAND(LSA_HOST, BUILT("leak")));

	for (size_t i = 0; i < sizeof(bad_baselines) / sizeof(*bad_baselines); i++) {
		char trouble[128];

		write_file(&t, "b", bad_baselines[i].text);
		snprintf(trouble, sizeof(trouble), "lsatrace: b%s", bad_baselines[i].trouble);
		expect(&t, "$L report --baseline=b $T", 2, "", trouble);
		expect(&t, "$L run --baseline=b -- echo ran", 125, "", trouble);
	}
	/* Two that are put together. */
	expect(&t, "{ $L baseline $T; $L baseline $T; } >b; $L report --baseline=b $T", 0,
	       "0 new, 0 grown, 1 known, 0 fixed; ", "");
	expect(&t, "{ echo; $L report --format=json $T; } >b; $L report --baseline=b $T", 0,
	       "0 new, 0 grown, 1 known, 0 fixed; ", "");
	expect(&t, "$L baseline -o b $T; $L report b", 2, "", "b: this is a baseline, not a trace");
	/* A merge may leave one finding twice; who edits it may have other ends of lines. */
	expect(&t,
	       "{ printf '\\357\\273\\277'; $L baseline $T; } | sed '1a# comment\\n\n$p' | "
	       "sed 's/$/\\r/' >b; "
	       "$L report --baseline=b $T",
	       0, "0 new, 0 grown, 1 known, 0 fixed; ", "");
	traced_release(&t);
}

/* The fingerprint of the only finding that counts. */
static char *find_print(const struct traced *t, const char *name, const char *key)
{
	char command[256];
	struct run run;
	json_t *report;
	char *print;

	snprintf(command, sizeof(command), "$L report --format=json --baseline=base %s", name);
	run = run_there(t, command);
	report = json_loads(run.out, 0, NULL);
	cr_assert(report, "%s", run.err);
	cr_expect_eq(run.status, 1);
	cr_expect_eq(json_array_size(json_at(report, "findings")), 1u);
	cr_expect(json_same_text(json_text_at(report, "findings.0.baseline"), "new"));
	print = strdup(json_text_at(json_at(report, "findings.0"), key));
	json_decref(report);
	run_release(&run);
	return print;
}

static void expect_in_each_format(const struct traced *t, const char *name, int status,
				  const char *print)
{
	static const char *const formats[] = { "text",   "json",   "junit", "sarif",
					       "github", "gitlab", "gcc",   "markdown" };

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		bool has_print = i >= 1 && i != 4 && i != 6;
		char command[256];

		snprintf(command, sizeof(command), "$L report --format=%s --baseline=base %s",
			 formats[i], name);
		expect(t, command, status, status && has_print ? print : "", "");
	}
}

/* A repository over time: the baseline is that of its first commit. */
Test(gate, a_leak_is_found_until_it_is_fixed_whatever_else_changes, .timeout = 300)
{
	struct traced t = trace_one(COMMAND(LSA_HOST, BUILT("clean")));
	char *leak, *moved, *weak, *optimised;

	add_trace(&t, BUILT("leak"), "leak");
	add_trace(&t, BUILT("moved"), "moved");
	add_trace(&t, BUILT("optimised"), "optimised");
	add_trace(&t, BUILT("clean"), "fixed");
	expect(&t, "$L baseline -o base $T", 0, "", "");
	leak = find_print(&t, "leak", "fingerprint");
	weak = find_print(&t, "leak", "fingerprint_weak");
	moved = find_print(&t, "moved", "fingerprint");
	optimised = find_print(&t, "optimised", "fingerprint_weak");
	cr_expect_str_eq(moved, leak);
	cr_expect_str_eq(optimised, weak);
	expect_in_each_format(&t, "$T", 0, "");
	expect_in_each_format(&t, "leak", 1, leak);
	expect_in_each_format(&t, "moved", 1, leak);
	expect_in_each_format(&t, "optimised", 1, "");
	expect_in_each_format(&t, "fixed", 0, "");
	/* Who accepts it keeps it accepted, and that is said. */
	expect(&t, "$L baseline -o base leak; $L report --baseline=base optimised", 0,
	       "; known, by its weak fingerprint)", "");
	free(leak);
	free(weak);
	free(moved);
	free(optimised);
	traced_release(&t);
}

Test(gate, several_reports_go_to_several_files, .timeout = 120)
{
	struct traced t = trace_one(COMMAND(LSA_HOST, BUILT("leak")));

	expect(&t, "$L report -O json:r -O text:./r -O json:r $T; cut -c 1 r | head -n 1", 0, "{\n",
	       "");
	expect(&t, "$L report -O json:s -O junit:s $T", 2, "",
	       "s: two formats cannot be written to one file");
	expect(&t, "$L report --format=sarif -O s -O junit:s $T; ls s", 2, "", "s: two formats");
	/* They take any number. */
	expect(&t, "$L report -O json:/dev/null -O junit:/dev/null $T", 1, "; exact\n", "");
	traced_release(&t);
}

/* Each way in which a run sees nothing, or not enough. $H is a host, $P its package, $C one with more live
 * blocks than there is room for. */
static const struct {
	const char *run, *reason;
} blind[] = {
	{ "-- true", "it never asked for SpLsaModeInitialize" },
	{ "-- $H", "it never asked for SpLsaModeInitialize" },
	{ "-- $H $P --unknown", "it never asked for SpLsaModeInitialize" },
	{ "-- ./still", "it is statically linked" },
	{ "-- ./script", "/still is statically linked" },
	{ "-- ./foreign", "it is built for another C library than glibc" },
	{ "-- env -i $H $P", "or was executed without the library" },
	{ "-- env -u LD_PRELOAD $H $P", "or was executed without the library" },
	{ "-- env -u LSATRACE_SESSION $H $P", "no security package was initialised" },
	{ "-o none/t -- $H $P", "none/t: No such file or directory" },
	{ "-o still/t -- $H $P", "still/t: Not a directory" },
	{ "-o - -- $H $P", "expected a file: a trace is mapped, so it cannot be standard output" },
	{ "-o . -- $H $P", "'.' exists and is not a trace" },
	{ "-o still -- $H $P", "'still' exists and is not a trace" },
	{ "--output-dir=still -- $H $P", "cannot make the folder 'still'" },
	{ "-o t -- sh -c \"$H $P; rm t\"", "t: No such file or directory" },
	{ "-o t -- sh -c \"$H $P; : >t\"", "t: empty file" },
	{ "-o t -- sh -c \"$H $P; echo >t\"", "t: not an lsatrace trace" },
	{ "-o t -- sh -c \"$H $P; truncate -s 20000 t\"", "t: cut off" },
	{ "-o t -- sh -c \"ulimit -f 8; $H $P\"", "t: File too large" },
	{ "-O json:/dev/full -o t -- $H $P", "/dev/full: No space left on device" },
	{ "-O json:r -O junit:r -o t -- $H $P", "r: two formats cannot be written to one file" },
	{ "-O none/r.xml -o t -- $H $P", "none/r.xml: No such file or directory" },
	{ "--ring=256K -o t -- $H $C", "no finding, but something was lost" },
	{ "-o t -- sh -c \"$H $S & echo \\$! >pid; sleep 1\"",
	  "no finding, but a traced process still runs" },
	{ "-o t -- $H $I", "no finding, but no security package was initialised" },
	{ "--suppressions=none -- $H $P", "none: No such file or directory" },
	{ "--baseline=none -- $H $P", "none: No such file or directory" },
	{ "--fail-on=all -- $H $P", "--fail-on=all: expected error, warning or never" },
};

#define BLIND \
	"H='" LSA_HOST "' P='" BUILT("clean") "' C='" BUILT("crowded") "' I='" BUILT( \
		"failing") "' S='" BUILT("slow") "'; rm -f t t.* pid; $L run --error-exitcode=99 "
#define UNTIED "s=$?; test -e pid && kill -9 $(cat pid); (exit $s)"

Test(gate, a_run_that_cannot_see_enough_ends_with_125_and_says_why, .timeout = 250)
{
	struct traced t = trace_one(COMMAND(LSA_HOST, BUILT("clean")));
	struct arguments command = { 0 };
	struct run run;

	run = run_there(&t, "echo 'int main(void) { return 0; }' | cc -static -o still -x c - && "
			    "echo \"#! $PWD/still\" >script && chmod +x script && "
			    "cp '" BUILD_DIR "/tests/foreign/program' foreign");
	cr_assert_eq(run.status, 0, "%s", run.err);
	run_release(&run);
	for (size_t i = 0; i < sizeof(blind) / sizeof(*blind); i++) {
		arguments_add(&command, BLIND "%s; " UNTIED, blind[i].run);
		expect(&t, command.all[i], 125, "", blind[i].reason);
	}
	arguments_release(&command);
	traced_release(&t);
}

Test(gate, diff_says_what_is_new_grown_shrunk_and_gone, .timeout = 120)
{
	struct traced t = trace_one(COMMAND(LSA_HOST, BUILT("leak")));

	add_trace(&t, BUILT("two"), "two");
	add_trace(&t, BUILT("clean"), "clean");
	expect(&t, "$L diff $T $T", 0, "lsatrace: 0 new, 0 grown, 1 known, 0 gone; exact\n", "");
	expect(&t, "$L diff $T two", 1, "new:    block-leak: block of 56 bytes", "");
	expect(&t, "$L report --finding=$($L diff $T two | sed -n 's/^new: .*--finding=//p') two | grep finding",
	       0, "1 finding (1 occurrence) that the filters let pass", "");
	/* On a terminal: wrapped, and in a pager. */
	expect(&t,
	       "export L T COLUMNS=60 TERM=xterm LSATRACE_PAGER='cat >page'; "
	       "script -qec '\"$L\" diff \"$T\" two' /dev/null </dev/null; "
	       "test -z \"$(awk '/^live/ { exit } length > 60' page)\" && grep -c '^    "
	       ".*--finding=' page",
	       0, "1\n", "");
	expect(&t, "$L diff $T two", 1, "live:   built lsa-heap: +1 block, +56 bytes\n", "");
	expect(&t, "$L diff $T two", 1, "stack:  make_ticket at ", "");
	expect(&t, "$L diff $T two", 1, "built lsa-heap): +1 block, +56 bytes\n", "");
	expect(&t, "$L diff two $T", 0, "gone:   block-leak: make_ticket (built.so)\n", "");
	expect(&t, "$L diff $T clean", 0, "live:   built lsa-heap: -1 block, -40 bytes\n", "");
	expect(&t, "$L baseline -o b $T; sed -i 's/ 1 make/ 3 make/' b; $L diff b $T", 0,
	       "shrunk: 3 -> 1 block-leak: ", "");
	expect(&t, "$L diff $T", 2, "", "expected two files");
	expect(&t, "$L diff none $T", 2, "", "none: No such file");
	expect(&t, "(trap '' PIPE; sleep 0.1; $L diff $T two; echo $? >s) | true; cat s", 0, "1\n",
	       "");
	/* What is suppressed is neither new nor known. */
	expect(&t, "echo leak:make_ticket >s; $L diff --suppressions=s $T two", 0,
	       "lsatrace: 0 new, 0 grown, 0 known, 0 gone; 2 suppressed; exact\n", "");
	/* Ten times as many calls, with as much in each. */
	expect(&t, "$L record -o ten -- '" LSA_HOST "' --repeat=10 '" BUILT("leak") "'", 0, "", "");
	expect(&t, "$L diff $T ten", 1, "grown:  1 -> 10 block-leak: ", "");
	expect(&t, "$L diff --per=LsaApCallPackage $T ten | grep -v ^calls", 0,
	       "lsatrace: 0 new, 0 grown, 1 known, 0 gone; exact\n", "");
	expect(&t, "$L diff --per=LsaApCallPackage $T ten | grep -c live:", 1, "0\n", "");
	expect(&t, "$L diff --per=LsaApCallPackage ten two", 1, "; by call +1 blocks, +56 bytes\n",
	       "");
	expect(&t, "$L diff --per=LsaCallPackage $T ten", 2, "", "did you mean LsaApCallPackage");
	expect(&t, "$L baseline -o b $T; $L diff --per=LsaApCallPackage b ten", 2, "",
	       "b: --per needs two traces");
	traced_release(&t);
}

/* What is done to `run` from outside. $K is a package that leaks, $S one that then takes its time. */
static const struct {
	const char *command;
	int status;
	const char *out; /* NULL: the report */
} outside[] = {
	{ "timeout -s TERM 1 $R $H $K $S", 124, NULL },
	{ "timeout -s HUP 1 $R $H $K $S", 124, NULL },
	{ "timeout -s INT 1 $R $H $K $S", 124, NULL },
	{ "timeout --foreground -s INT 1 $R $H $K $S", 124, NULL },
	{ "timeout --preserve-status -k 30 1 $R $H $K $S", 99, NULL },
	/* Nobody reads the report, or all of it. */
	{ "(sleep 0.1; $R -O r.txt $H $K; echo $? >status) 2>&1 | true; cat r.txt; exit $(cat "
	  "status)",
	  99, NULL },
	{ "($R -O r.txt $H $K; echo $? >status) 2>&1 | head -n 1; cat r.txt; exit $(cat status)",
	  99, NULL },
	{ "($L run -o t $H $K 2>&1 >/dev/null; echo $? >status) | true; exit $(cat status)", 0, "" },
	{ ": | $R $H $K", 99, NULL },
	/* Descriptors that are closed. The host finds them closed, and no file in their place. */
	{ "$R -O r.txt sh -c \"$W\" <&-; s=$?; cat r.txt; exit $s", 99, NULL },
	{ "$R -O r.txt sh -c \"$W\" >&-; s=$?; cat r.txt; exit $s", 99, NULL },
	{ "$R -O r.txt sh -c \"$W\" 2>&-; s=$?; cat r.txt; exit $s", 99, NULL },
	{ "$R -O r.txt sh -c \"$W\" <&- >&- 2>&-; s=$?; cat r.txt; exit $s", 99, NULL },
	{ "sh -c \"$W\" <&- >&- 2>&-; cp fds bare; $R sh -c \"$W\" <&- >&- 2>&-; cmp fds bare && "
	  "$L report t",
	  1, NULL },
};

#define OUTSIDE \
	"H='" LSA_HOST "' K='" BUILT("leak") "' S='" BUILT( \
		"slow") "' R=\"$L run --error-exitcode=99 -o t\" " \
			"W=\"'$H' '$K'; ls /proc/\\$\\$/fd >fds\"; rm -f t t.* r.txt; exec 2>&1; "

Test(gate, nothing_from_outside_costs_the_report_or_the_status, .timeout = 250)
{
	struct traced t = trace_one(COMMAND(LSA_HOST, BUILT("clean")));
	struct arguments command = { 0 };

	for (size_t i = 0; i < sizeof(outside) / sizeof(*outside); i++) {
		arguments_add(&command, OUTSIDE "%s", outside[i].command);
		expect(&t, command.all[i], outside[i].status,
		       outside[i].out ? outside[i].out
				      : "1 block (40 bytes) and 0 sections leaked; exact\n",
		       "");
	}
	arguments_release(&command);
	traced_release(&t);
}
