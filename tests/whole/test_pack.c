/* SPDX-License-Identifier: MIT */
/* Packed traces, read without the binaries that were traced. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/json.h"
#include "tests/support/traced.h"

#define LSATRACE BUILD_DIR "/lsatrace"
#define LSA_HOST BUILD_DIR "/tests/lsahost"
#define PACKAGE(name) BUILD_DIR "/tests/packages/" name ".so"

/* Runs a script in a folder. In it, $0 is lsatrace. */
static struct run run_script(const char *folder, const char *script)
{
	return run_command(COMMAND("sh", "-c", "cd \"$1\" && eval \"$2\"", LSATRACE, folder, script));
}

static void expect_success(const char *folder, const char *script)
{
	struct run run = run_script(folder, script);

	cr_assert(run.status == 0, "%s: %d\n%.3000s\n%.3000s", script, run.status, run.out, run.err);
	run_release(&run);
}

/* A trace of a host and packages that lie in the folder, so that a test can take them away. */
static char *record(void)
{
	char *folder = temporary_folder_new();
	struct run run = run_command(COMMAND("cp", LSA_HOST, PACKAGE("demo"), PACKAGE("clean"),
					     PACKAGE("unknown_address"), folder));

	cr_assert_eq(run.status, 0, "%s", run.err);
	run_release(&run);
	expect_success(folder, "\"$0\" record -o a.trace -- ./lsahost ./demo.so ./clean.so "
			       "./unknown_address.so");
	return folder;
}

#define ASK \
	"for f in text json junit sarif github gitlab gcc html; do" \
	" \"$0\" report --fail-on=never --frames=all --format=$f a.trace >$f.NEW || exit; done;" \
	"\"$0\" report --fail-on=never --names=linkage --gen-suppressions a.trace >linkage.NEW &&" \
	"\"$0\" events --stacks a.trace >events.NEW && \"$0\" stat --json a.trace >stat.NEW &&" \
	"for t in speedscope folded ndjson perfetto; do \"$0\" export --to=$t -o $t.NEW a.trace " \
	"|| exit; done"

Test(pack, a_packed_trace_says_the_same_without_the_binaries_byte_for_byte, .timeout = 120)
{
	char *folder = record();
	struct run run;

	expect_success(folder, ASK "; for f in *.NEW; do mv $f ${f%.NEW}.old || exit; done");
	expect_success(folder, "\"$0\" pack a.trace");
	/* The name of the trace is in what it says. */
	expect_success(folder, "mv a.trace.zst a.trace && rm lsahost demo.so clean.so "
			       "unknown_address.so");
	expect_success(folder, ASK "; for f in *.NEW; do cmp $f ${f%.NEW}.old || exit; done");
	run = run_script(folder, "\"$0\" report a.trace");
	cr_expect(strstr(run.out, "demo.c:120"), "%s", run.out);
	cr_expect_not(strstr(run.out, "has no symbols"), "%s", run.out);
	run_release(&run);
	temporary_folder_remove(folder);
}

Test(pack, a_trace_is_packed_once_and_stays_the_same, .timeout = 60)
{
	char *folder = record();

	expect_success(folder, "\"$0\" pack -o b.zst a.trace && \"$0\" pack -o c.zst b.zst");
	expect_success(folder, "cmp b.zst c.zst");
	expect_success(folder, "\"$0\" pack -o - a.trace | cmp - b.zst");
	expect_success(folder,
		       "zstd -q -d b.zst -o b.trace && \"$0\" report --fail-on=never b.trace");
	temporary_folder_remove(folder);
}

Test(pack, a_dash_is_standard_output_in_every_command_that_writes_a_file, .timeout = 60)
{
	char *folder = record();
	struct run run;

	expect_success(folder, "for c in baseline 'export --to=folded' 'export --to=pprof'; do "
			       "\"$0\" $c a.trace >a && \"$0\" $c -o b -o - a.trace | cmp - a "
			       "|| exit; done");
	expect_success(folder, "\"$0\" report --fail-on=never --format=json a.trace >a && "
			       "\"$0\" report --fail-on=never -O json:- a.trace | grep -c '^{' && "
			       "! \"$0\" export --to=ctf -o - a.trace 2>e && "
			       "grep 'ctf writes a folder, not to standard output: -o FOLDER' e");
	/* What is mapped cannot be. */
	for (size_t i = 0; i < 3; i++) {
		static const char *const commands[] = { "record", "run", "sweep" };
		struct arguments script = { 0 };

		arguments_add(&script, "\"$0\" %s -o - -- true", commands[i]);
		run = run_script(folder, script.all[0]);
		cr_expect(run.status == 125 || run.status == 2, "%d", run.status);
		cr_expect(strstr(run.err, "--output=-: expected a file: a trace is mapped, so it "
					  "cannot be standard output"),
			  "%s", run.err);
		run_release(&run);
		arguments_release(&script);
	}
	expect_success(folder, "test ! -e ./- && test ! -e b");
	temporary_folder_remove(folder);
}

Test(pack, says_which_symbols_are_missing_and_leaves_nothing_half_written, .timeout = 60)
{
	char *folder = record();
	struct run run;

	expect_success(folder, "rm demo.so");
	run = run_script(folder, "\"$0\" pack a.trace");
	cr_expect_eq(run.status, 0);
	cr_expect(strstr(run.err, "lsatrace pack: demo.so (build-id "), "%s", run.err);
	cr_expect(strstr(run.out, "a.trace.zst: "), "%s", run.out);
	run_release(&run);
	expect_success(folder, "\"$0\" export --to=folded -o a.folded a.trace 2>e && "
			       "grep '^lsatrace export: demo.so (build-id .*/demo.so; --module' e");
	expect_success(folder, "\"$0\" events --stacks a.trace 2>e && "
			       "grep '^lsatrace events: demo.so (build-id .*/demo.so; --module' e");
	run = run_script(folder, "\"$0\" pack -o a.trace a.trace");
	cr_expect_eq(run.status, 2);
	cr_expect(strstr(run.err, "one of the traces"), "%s", run.err);
	run_release(&run);
	run = run_script(folder, "\"$0\" pack -o /dev/full a.trace");
	cr_expect_eq(run.status, 2);
	run_release(&run);
	temporary_folder_remove(folder);
}

Test(pack, says_that_split_debug_information_was_missing, .timeout = 60)
{
	char *folder = record();

	expect_success(folder, "cc -g -O1 -gsplit-dwarf -fPIC -shared -Wl,--build-id -I'" SOURCE_DIR
			       "' -I'" SOURCE_DIR "/include' -o split.so '" SOURCE_DIR
			       "/tests/packages/demo.c' && rm *.dwo && "
			       "\"$0\" record -o s.trace -- ./lsahost ./split.so");
	expect_success(folder, "\"$0\" report --fail-on=never s.trace >old && "
			       "grep '^split.so (build-id .* is split, so .*/split.so.dwp$' old && "
			       "\"$0\" pack s.trace 2>e && grep -c ' is split, so ' e && "
			       "mv s.trace.zst s.trace && "
			       "\"$0\" report --fail-on=never s.trace | cmp - old");
	temporary_folder_remove(folder);
}

Test(pack, an_export_takes_symbols_from_elsewhere, .timeout = 60)
{
	char *folder = record();

	expect_success(
		folder,
		"\"$0\" export --to=folded a.trace >named && mkdir other && mv demo.so other && "
		"\"$0\" export --to=folded a.trace 2>e | cmp -s - named; test $? = 1");
	expect_success(folder,
		       "\"$0\" export --to=folded --debug-dir=other a.trace 2>e | cmp - named && "
		       "test ! -s e");
	temporary_folder_remove(folder);
}

#define EXACT "0 gone; exact$'"
#define INEXACT "; a lower bound$'"

/* What was named before is not told from what has no names now, and nobody is told that it is. */
Test(pack, what_has_lost_its_names_is_compared_with_those_of_a_pack_or_not_exactly, .timeout = 60)
{
	char *folder = record();

	expect_success(folder, "\"$0\" pack a.trace && \"$0\" baseline -o named a.trace && "
			       "\"$0\" report --fail-on=never --format=json a.trace >named.json && "
			       "\"$0\" diff named.json a.trace | grep -q '" EXACT " && "
			       "rm demo.so clean.so unknown_address.so");
	expect_success(folder, "\"$0\" diff a.trace a.trace.zst | grep -q '" EXACT);
	expect_success(folder, "\"$0\" diff a.trace.zst a.trace >d && grep -q '" EXACT " d && "
			       "! grep -q 'has no symbols: .*/demo.so' d");
	expect_success(folder, "\"$0\" diff named.json a.trace >d; grep -q '" INEXACT " d && "
			       "grep -q '^a.trace: demo.so .* has no symbols' d && "
			       "grep 'a.trace: fingerprints of .*demo.so.* are by offset: pack' d");
	expect_success(folder, "\"$0\" report --baseline=named a.trace >d; grep '" INEXACT " d && "
			       "grep '^fingerprints of .*demo.so.* are by offset: pack' d");
	expect_success(folder,
		       "\"$0\" baseline -o b a.trace 2>e && head -1 b | grep ' lower-bound' && "
		       "grep 'fingerprints of .*demo.so.* are by offset' e");
	/* Before there was that mark, only the words told. */
	expect_success(folder,
		       "sed -i '1s/ lower-bound//' b && \"$0\" report --baseline=b a.trace.zst "
		       ">d; grep '" INEXACT " d");
	expect_success(folder, "\"$0\" report --baseline=b a.trace >d; grep ' exact$' d");
	temporary_folder_remove(folder);
}

Test(pack, diff_and_baseline_read_compressed_traces, .timeout = 60)
{
	char *folder = record();

	expect_success(folder,
		       "\"$0\" pack a.trace && \"$0\" diff a.trace.zst a.trace && "
		       "\"$0\" diff a.trace a.trace.zst && \"$0\" baseline -o b a.trace.zst && "
		       "\"$0\" diff b a.trace.zst && gzip -k a.trace && "
		       "\"$0\" diff a.trace.gz a.trace.zst");
	temporary_folder_remove(folder);
}
