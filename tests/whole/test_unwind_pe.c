/* SPDX-License-Identifier: MIT */
/*
 * Backtraces of a program for Windows, under Wine: each is compared with what Windows' own unwinder,
 * RtlVirtualUnwind, finds at the same call. `make stress` does the same a million times.
 */
#include <stdio.h>

#include <criterion/criterion.h>

#include "include/trace_format.h"
#include "tests/support/json.h"
#include "tests/support/traced.h"
#include "tests/support/wine.h"

#define WALK BUILD_DIR "/tests/unwind/pe/"
#define HOST_EXE WALK "host.exe"
#define COMPARE WALK "compare"

enum { CALLS = 1500 };

static void start_wine(void)
{
	wine_start(HOST_EXE);
}

TestSuite(unwind_pe, .init = start_wine, .fini = wine_stop, .timeout = 280);

static struct traced trace_walk(const char *name, const char *option, const char *log)
{
	const char *const options[] = { option, "--depth=256", NULL };
	struct traced traced;
	char dll[4096];

	snprintf(dll, sizeof(dll), WALK "%s.dll", name);
	traced = traced_record(options, COMMAND("wine", HOST_EXE, dll, log, "1500", "1", "12"));
	cr_assert_eq(traced.run.status, 0, "%s: status %d: %s", name, traced.run.status,
		     traced.run.err);
	cr_assert_eq(traced.traces.count, 1, "%s: %zu traces", name, traced.traces.count);
	return traced;
}

static void expect_same(const char *name, const char *option)
{
	char *folder = temporary_folder_new(), log[4096];
	struct traced traced;
	unsigned long compared = 0, differences = 1, frames = 0, crossings = 0, faults = 0;
	struct run run;

	snprintf(log, sizeof(log), "%s/log", folder);
	traced = trace_walk(name, option, log);
	run = run_command(COMMAND(COMPARE, traced.traces.all[0], log));
	cr_expect_eq(run.status, 0, "%s: %s%s", name, run.out, run.err);
	cr_expect_eq(sscanf(run.out,
			    "%lu compared, %lu differ, %lu frames, %lu crossings, %lu faults",
			    &compared, &differences, &frames, &crossings, &faults),
		     5, "%s", run.out);
	cr_expect_eq(differences, 0, "%s: %s", name, run.out);
	cr_expect_geq(compared, 2 * CALLS, "%s: %s", name, run.out);
	cr_expect_gt(frames, 10 * compared, "%s: %s", name, run.out);
	cr_expect_gt(faults, 20, "%s: %s", name, run.out);
	cr_expect_gt(crossings, 50, "%s: %s", name, run.out);
	run_release(&run);
	traced_release(&traced);
	temporary_folder_remove(folder);
}

Test(unwind_pe, stacks_are_those_that_windows_finds)
{
	static const char *const names[] = { "gcc-O0", "gcc-O2", "gcc-O2-pointer", "clang-O0",
					     "clang-O3" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		expect_same(names[i], "--unwind=auto");
}

Test(unwind_pe, stacks_are_the_same_by_way_of_libunwind)
{
	expect_same("gcc-O2", "--unwind=libunwind");
}

Test(unwind_pe, all_unwinders_agree)
{
	char *folder = temporary_folder_new(), log[4096];
	struct trace_header header = { 0 };
	struct traced traced;
	FILE *file;

	snprintf(log, sizeof(log), "%s/log", folder);
	traced = trace_walk("clang-O2-pointer", "--unwind=check", log);
	file = fopen(traced.traces.all[0], "rb");
	cr_assert(file && fread(&header, sizeof(header), 1, file) == 1);
	fclose(file);
	cr_expect_eq(header.unwind_differences, 0);
	cr_expect_geq(header.unwind_checked, 2 * CALLS);
	traced_release(&traced);
	temporary_folder_remove(folder);
}

/* From a frame of a stack outward: how many functions two stacks have in common at their outer ends. */
static size_t count_common(const json_t *a, const json_t *b)
{
	size_t of_a = json_array_size(a), of_b = json_array_size(b), common = 0;

	while (common < of_a && common < of_b &&
	       json_same_text(json_text_at(json_array_get(a, of_a - 1 - common), "function"),
			      json_text_at(json_array_get(b, of_b - 1 - common), "function")))
		common++;
	return common;
}

/* The guarded allocator: Wine owns the signal, and a debugger of Wine's comes after us. */
Test(unwind_pe, a_fault_in_a_dll_is_unwound_from)
{
	struct traced traced = traced_record(COMMAND("--allocator=guard"),
					     COMMAND("wine", BUILD_DIR "/tests/lsahost.exe",
						     "--command=overflow", DLL("guarded")));
	const json_t *call = json_at(traced.report, "findings.0.stacks.call");
	const json_t *allocate = json_at(traced.report, "findings.0.stacks.allocate");
	size_t common = count_common(call, allocate);

	cr_assert_not_null(call, "%s", traced.run.err);
	cr_expect_str_eq(json_text_at(traced.report, "findings.0.kind"), "overflow");
	cr_expect_str_eq(json_text_at(json_array_get(call, 0), "function"), "terminate_ticket");
	cr_expect_str_eq(json_text_at(json_array_get(allocate, 0), "function"), "allocate_ticket");
	cr_expect_eq(common + 1, json_array_size(call));
	cr_expect_eq(common + 1, json_array_size(allocate));
	cr_expect_gt(common, 8);
	traced_release(&traced);
}
