/* SPDX-License-Identifier: MIT */
/*
 * Tests of backtraces from stacks of every kind: traces the program of tests/unwind by the products
 * as they are shipped. `make stress` does the same for longer, with programs of many compilers.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "include/trace_format.h"
#include "tests/support/json.h"
#include "tests/support/traced.h"

#define STRESS BUILD_DIR "/tests/unwind/default/stress"

static struct traced trace(const char *option, const char *calls, const char *part)
{
	const char *const options[] = { option, "--ring=256M", NULL };
	const char *const command[] = { STRESS, calls, "1", part, NULL };
	struct traced traced = traced_record(options, command);

	cr_expect_eq(traced.run.status, 0, "%s: status %d: %s", part ? part : "all",
		     traced.run.status, traced.run.err);
	return traced;
}

struct counts {
	unsigned long checked, differences;
};

/* Sums up the traces of a program and its children. */
static struct counts counts_of(const struct traced *traced)
{
	struct counts counts = { 0 };

	for (size_t i = 0; i < traced->traces.count; i++) {
		int file = open(traced->traces.all[i], O_RDONLY | O_CLOEXEC);
		struct trace_header header = { 0 };

		cr_expect_eq(read(file, &header, sizeof(header)), (ssize_t)sizeof(header));
		counts.checked += header.unwind_checked;
		counts.differences += header.unwind_differences;
		close(file);
	}
	return counts;
}

enum { CALLS = 20000 };

/* For 100 calls there are at least `percent` comparisons (.ci/stress has the same figures). */
static void expect_no_difference(const char *part, unsigned long percent)
{
	struct traced traced = trace("--unwind=check", "20000", part);
	struct counts counts = counts_of(&traced);

	cr_expect_eq(counts.differences, 0, "%s: %lu of %lu differ", part, counts.differences,
		     counts.checked);
	cr_expect_geq(counts.checked, CALLS / 100 * percent, "%s: %lu compared", part,
		      counts.checked);
	traced_release(&traced);
}

#define COMPARES(part, percent) \
	Test(unwind, part##_are_unwound_as_by_libunwind, .timeout = 120) \
	{ \
		expect_no_difference(#part, percent); \
	}

COMPARES(frames, 195)
COMPARES(jumps, 195)
COMPARES(calls, 195)
COMPARES(odd, 180)
COMPARES(throws, 110)
COMPARES(nested, 195)
COMPARES(contexts, 105)
COMPARES(fibers, 170)
COMPARES(deep, 180)
COMPARES(signals, 180)
COMPARES(threads, 195)
COMPARES(forks, 195)
COMPARES(modules, 180)

static const json_t *leak_of(const json_t *report, long long bytes)
{
	const json_t *findings = json_at(report, "findings");

	for (size_t i = 0; i < json_array_size(findings); i++) {
		const json_t *finding = json_array_get(findings, i);

		if (json_same_text(json_text_at(finding, "kind"), "block-leak") &&
		    json_number_at(finding, "size") == bytes)
			return json_at(finding, "stacks.allocate");
	}
	return NULL;
}

/* Returns whether the frames from `at` on begin with the names of a chain. `?` stands for any
 * frame, `*` for any number of frames, `$` for the end. */
static bool fits(const json_t *frames, size_t at, const char *chain)
{
	size_t bytes = strcspn(chain, " ");
	const char *rest = chain + bytes + strspn(chain + bytes, " ");
	const char *name = json_text_at(json_array_get(frames, at), "function");

	if (bytes == 0)
		return true;
	if (*chain == '$')
		return at == json_array_size(frames);
	if (at == json_array_size(frames))
		return false;
	if (*chain == '*')
		return fits(frames, at, rest) || fits(frames, at + 1, chain);
	if (*chain != '?' && (!name || strlen(name) != bytes || memcmp(name, chain, bytes) != 0))
		return false;
	return fits(frames, at + 1, rest);
}

/* "SCENARIO BYTES NAME..." */
static void expect_chain(const json_t *report, const char *line)
{
	const json_t *frames;
	char scenario[32];
	unsigned bytes;
	char *text;
	int chain;

	cr_assert_eq(sscanf(line, "%31s %u %n", scenario, &bytes, &chain), 2, "%s", line);
	frames = leak_of(report, bytes);
	cr_expect_not_null(frames, "%s: no leak", scenario);
	if (!frames || fits(frames, 0, line + chain))
		return;
	text = json_dumps(frames, JSON_INDENT(1));
	cr_expect_fail("%s\nis not how these begin: %s", line, text);
	free(text);
}

/* Checks the trace of a call with known callers, among thousands of others. */
static void expect_chains(const char *option)
{
	struct traced traced = trace(option, "20000", NULL);
	struct run chains = run_command(COMMAND(STRESS, "--chains"));
	char *rest = chains.out;
	unsigned count = 0;

	for (char *line; (line = strsep(&rest, "\n")) != NULL && *line; count++)
		expect_chain(traced.report, line);
	cr_expect_eq(count, 13, "%u scenarios", count);
	run_release(&chains);
	traced_release(&traced);
}

Test(unwind, a_leak_has_the_callers_that_it_is_known_to_have, .timeout = 120)
{
	expect_chains("--unwind=auto");
}

Test(unwind, libunwind_alone_finds_the_same_callers, .timeout = 120)
{
	expect_chains("--unwind=libunwind");
}

/* The loader finds a file of that name that is no library. */
static struct traced trace_without_libunwind(const char *option)
{
	char *folder = temporary_folder_new(), *path;
	struct traced traced;
	int file;

	cr_assert_gt(asprintf(&path, "%s/libunwind.so.8", folder), 0);
	file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	cr_assert_geq(file, 0);
	close(file);
	setenv("LD_LIBRARY_PATH", folder, 1);
	traced = trace(option, "2000", "signals");
	free(path);
	temporary_folder_remove(folder);
	return traced;
}

static void expect_frames(const struct traced *traced)
{
	const json_t *findings = json_at(traced->report, "findings");

	cr_expect_gt(json_array_size(findings), 0);
	cr_expect_gt(json_array_size(json_at(json_array_get(findings, 0), "stacks.allocate")), 3);
}

Test(unwind, nothing_is_missed_without_libunwind, .timeout = 60)
{
	struct traced traced = trace_without_libunwind("--unwind=auto");

	cr_expect_str_eq(traced.run.err, "");
	expect_frames(&traced);
	traced_release(&traced);
}

Test(unwind, a_libunwind_that_is_asked_for_and_not_there_is_one_line, .timeout = 60)
{
	static const char line[] =
		"lsatrace: --unwind: libunwind.so.8 cannot be used; going on without\n";
	struct traced traced = trace_without_libunwind("--unwind=libunwind");

	cr_expect_str_eq(traced.run.err, line);
	expect_frames(&traced);
	traced_release(&traced);
}
