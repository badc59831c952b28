/* SPDX-License-Identifier: MIT */
/*
 * Tests of --leak-check and --leak-kinds: which blocks are lost, and which does something still point to.
 * reachhost makes structures of blocks; LeakSanitizer is asked about the same program.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/json.h"
#include "tests/support/traced.h"

#define LSATRACE BUILD_DIR "/lsatrace"
#define HOST BUILD_DIR "/tests/reachhost"
#define CHECKED ((const char *const[]){ "--leak-check=yes", NULL })

/* What becomes of each structure, by the sizes of its blocks. */
static const struct structure {
	const char *name, *expected;
	int is_agreed; /* LeakSanitizer is asked as well */
} structures[] = {
	{ "lost", "100=lost 1000=lost 200000=lost", 1 },
	{ "list", "1001=lost 1002=indirect 1003=indirect", 1 },
	{ "kept-list",
	  "1001=lost 1002=indirect 1003=indirect 2001=reachable 2002=reachable 200003=reachable", 1 },
	{ "circle", "1001=? 1002=? 1003=? 1004=indirect", 1 },
	{ "self", "1001=lost", 1 },
	{ "tree",
	  "1006=lost 2001=reachable 2002=reachable 2003=reachable 2004=reachable 2005=reachable", 1 },
	{ "interior", "1003=lost 2001=reachable 2002=reachable", 1 },
	{ "end", "1008=lost", 1 },
	{ "thread-local", "1002=lost 2001=reachable", 1 },
	{ "register", "1002=lost 2001=reachable", 1 },
	/* Other threads have registers, which are not seen. */
	{ "other-stack", "1002=possible 2001=reachable", 1 },
	{ "first-stack", "1002=possible 2001=reachable", 1 },
	{ "mapping", "1002=lost 2001=reachable", 1 },
	{ "shared", "1002=lost 2001=reachable", 1 },
	/* Nobody knows what the memory of a freed block is used for. */
	{ "freed-head", "1001=possible", 1 },
	{ "let-go", "1001=lost", 1 },
	{ "ignored", "2002=reachable", 0 },
	{ "large", "1001=lost 2002=reachable 314572800=reachable", 0 },
	{ "locked",
	  "1001=lost 1002=indirect 1003=indirect 2001=reachable 2002=reachable 200003=reachable", 0 },
	{ "end-early", "100=lost 1000=lost 200000=lost", 0 },
};

enum { STRUCTURES = sizeof(structures) / sizeof(*structures) };

static struct traced record_structure(const char *name)
{
	struct traced t = traced_record(CHECKED, COMMAND(HOST, name));

	cr_assert_eq(t.traces.count, 1u, "%s: %s", name, t.run.err);
	return t;
}

/* What the report says of the leak of a block of that size; "none": it is none, "unknown": it does not
 * know. */
static const char *reach_of(const struct traced *t, unsigned long size)
{
	const json_t *finding;
	size_t i;

	json_array_foreach(json_object_get(t->report, "findings"), i, finding)
	{
		const char *reach = json_text_at(finding, "reachability");

		if (json_number_at(finding, "size") == (long long)size)
			return reach ? reach : "unknown";
	}
	return "none";
}

static void expect_structure(const struct structure *s)
{
	struct traced t = record_structure(s->name);
	size_t expected = 0;

	cr_expect(json_is_true(json_at(t.report, "traces.0.reachability.known")), "%s", s->name);
	for (const char *at = s->expected; at; at = strchr(at, ' '), at += at ? 1 : 0) {
		char *after;
		unsigned long size = strtoul(at, &after, 10);
		const char *reach = reach_of(&t, size);
		size_t bytes = strcspn(++after, " ");

		expected++;
		cr_expect(*after == '?' ||
				  (strlen(reach) == bytes && memcmp(reach, after, bytes) == 0),
			  "%s: %lu is %s", s->name, size, reach);
	}
	cr_expect_eq(json_array_size(json_object_get(t.report, "findings")), expected, "%s",
		     s->name);
	traced_release(&t);
}

Test(reach, each_block_is_told_by_what_points_to_it, .timeout = 240)
{
	for (size_t i = 0; i < STRUCTURES; i++)
		expect_structure(&structures[i]);
}

Test(reach, of_a_circle_one_block_is_lost_and_the_others_hang_on_it, .timeout = 60)
{
	struct traced t = record_structure("circle");
	size_t lost = 0;

	for (unsigned long size = 1001; size <= 1003; size++)
		lost += strcmp(reach_of(&t, size), "lost") == 0;
	cr_expect_eq(lost, 1u);
	traced_release(&t);
}

/* Of another program, LeakSanitizer says "Direct leak of 1001 byte(s) in 1 object(s) allocated from:". */
static int is_leak_for_sanitizer(const char *said, unsigned long size)
{
	char words[64];

	snprintf(words, sizeof(words), "leak of %lu byte(s) in 1 object(s)", size);
	return strstr(said, words) != NULL;
}

static void compare_structure(const struct structure *s, const char *sanitized)
{
	struct traced t = record_structure(s->name);
	struct run run = traced_bare(COMMAND(sanitized, s->name));
	const json_t *finding;
	size_t i;

	if (strstr(run.err, "LeakSanitizer has encountered a fatal error"))
		cr_skip_test("LeakSanitizer does not work here");
	json_array_foreach(json_object_get(t.report, "findings"), i, finding)
	{
		unsigned long size = (unsigned long)json_number_at(finding, "size");
		int is_reachable = strcmp(reach_of(&t, size), "reachable") == 0;

		cr_expect_eq(is_leak_for_sanitizer(run.err, size), !is_reachable,
			     "%s: %lu is %s: %s", s->name, size, reach_of(&t, size), run.err);
	}
	traced_release(&t);
	run_release(&run);
}

/* Builds the same host with LeakSanitizer in it. Returns its path, to be freed, or NULL. */
static char *build_sanitized(const char *folder)
{
	char *host = NULL, *command = NULL;
	int status;

	cr_assert(asprintf(&host, "%s/host", folder) > 0);
	cr_assert(asprintf(&command,
			   "gcc -fsanitize=leak -fno-omit-frame-pointer -g -O1 "
			   "-fno-optimize-sibling-calls -w "
			   "-D_GNU_SOURCE= -I%s "
			   "-I%s/include -o %s %s/tests/reach/host.c -ldl -lpthread 2>/dev/null",
			   SOURCE_DIR, SOURCE_DIR, host, SOURCE_DIR) > 0);
	status = system(command);
	free(command);
	if (status == 0)
		return host;
	free(host);
	return NULL;
}

Test(reach, it_agrees_with_leak_sanitizer, .timeout = 240)
{
	char *folder = temporary_folder_new(), *host = build_sanitized(folder);

#if defined(__SANITIZE_ADDRESS__)
	cr_skip_test("lsatrace has a sanitizer of its own here");
#endif
	if (!host)
		cr_skip_test("gcc has no LeakSanitizer here");
	for (size_t i = 0; i < STRUCTURES; i++)
		if (structures[i].is_agreed)
			compare_structure(&structures[i], host);
	free(host);
	temporary_folder_remove(folder);
}

/* The host's output and status are those of its untraced run; wait() and SIGCHLD tell it nothing. */
Test(reach, the_host_notices_nothing, .timeout = 120)
{
	static const char *const names[] = { "lost",     "other-stack", "locked",
					     "confined", "filtered",    "end-early" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct run bare = traced_bare(COMMAND(HOST, names[i]));
		struct traced t = record_structure(names[i]);

		cr_expect_eq(t.run.status, bare.status, "%s: %d", names[i], t.run.status);
		cr_expect_str_eq(t.run.out, bare.out);
		cr_expect_str_eq(t.run.err, bare.err);
		traced_release(&t);
		run_release(&bare);
	}
}

static void expect_unknown(const char *name, const char *why)
{
	struct traced t = record_structure(name);

	cr_expect(json_is_false(json_at(t.report, "traces.0.reachability.known")), "%s", name);
	cr_expect_str_eq(json_text_at(t.report, "traces.0.reachability.why"), why);
	cr_expect_str_eq(reach_of(&t, 1000), "unknown");
	traced_release(&t);
}

Test(reach, what_cannot_be_found_out_is_unknown_and_said, .timeout = 120)
{
	struct traced t;

	expect_unknown("confined", "the process had confined itself with seccomp");
	expect_unknown("filtered",
		       "the kernel is older than 5.9, or a filter refuses what it takes");
	t = traced_record((const char *const[]){ NULL }, COMMAND(HOST, "lost"));
	cr_expect_str_eq(json_text_at(t.report, "traces.0.reachability.why"),
			 "--leak-check was not given");
	traced_release(&t);
}

/* Runs the gate, for which only some kinds of leaks count. */
static void expect_gate(const char *kinds, const char *name, int status, const char *words)
{
	char *folder = temporary_folder_new(), *output = NULL, *option = NULL;
	struct run run;

	cr_assert(asprintf(&output, "--output-dir=%s", folder) > 0);
	cr_assert(asprintf(&option, "--leak-kinds=%s", kinds) > 0);
	run = run_command(
		COMMAND(LSATRACE, "run", "--error-exitcode=99", output, option, HOST, name));
	cr_expect_eq(run.status, status, "%s %s: %d: %s", kinds, name, run.status, run.err);
	cr_expect(strstr(run.err, words), "%s", run.err);
	run_release(&run);
	free(output);
	free(option);
	temporary_folder_remove(folder);
}

Test(reach, only_the_kinds_of_leaks_that_are_asked_for_count, .timeout = 120)
{
	expect_gate("lost", "kept-list", 99, "; 1 block (1001 bytes)");
	expect_gate("definite", "kept-list", 99, "; 1 block (1001 bytes)");
	expect_gate("lost,indirect", "kept-list", 99, "; 3 blocks (3006 bytes)");
	expect_gate("reachable", "kept-list", 99, "; 3 blocks (204006 bytes)");
	expect_gate(
		"possible", "kept-list",
		0, "left out, as --leak-kinds asked: 6 live blocks and sections; 207012 bytes of blocks\n");
	expect_gate("lost", "list", 99, "  lost or reachable: the process stood still for ");
	/* What is unknown counts. */
	expect_gate("possible", "confined", 99, "; 3 blocks (201100 bytes)");
	expect_gate(
		"possible", "confined",
		99, "  lost or reachable: unknown, because the process had confined itself with seccomp\n");
}

Test(reach, a_wrong_kind_is_refused, .timeout = 60)
{
	static const char *const wrong[] = { "", "lost,", "gone", "lost,,indirect" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char *option = NULL;
		struct run run;

		cr_assert(asprintf(&option, "--leak-kinds=%s", wrong[i]) > 0);
		run = run_command(COMMAND(LSATRACE, "report", option, "/dev/null"));
		cr_expect_eq(run.status, 2);
		cr_expect(strstr(run.err, "lost (or definite), indirect, possible and reachable"),
			  "%s", run.err);
		run_release(&run);
		free(option);
	}
}
