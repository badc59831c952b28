/* SPDX-License-Identifier: MIT */
/* Tests of hosts that may have little, and of what somebody else does to the trace. */
#include "tests/support/expect.h"
#include "tests/support/json.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MANY = 400000 }; /* rounds of the scenarios that make the file grow */

/* Limits. */

Test(limits, a_trace_needs_few_descriptors, .timeout = 60)
{
	struct traced traced = trace(ODD("few-descriptors", "8"));

	expect_one(&traced, 1, 11);
	cr_expect_eq(events_of(&traced, "retained"), 2 * MANY + 1);
	traced_release(&traced);
}

/* The library cannot tell lsatrace either, which then prints its own message. */
Test(limits, without_a_descriptor_the_host_runs_untraced, .timeout = 60)
{
	struct run bare = traced_bare(ODD("no-descriptors"));
	struct traced traced = traced_record(NO_OPTIONS, ODD("no-descriptors"));

	expect_traces(&traced, 0);
	cr_expect_str_eq(traced.run.err, "lsatrace: not tracing: Too many open files\n");
	cr_expect_str_eq(traced.run.out, bare.out);
	cr_expect_eq(traced.run.status, bare.status);
	run_release(&bare);
	traced_release(&traced);
}

Test(limits, a_trace_goes_on_when_descriptors_are_used_up, .timeout = 60)
{
	struct traced traced = trace(ODD("no-descriptors-later"));

	expect_one(&traced, 2, 11 + 12);
	cr_expect_eq(events_of(&traced, "retained"), 2 * MANY + 22);
	traced_release(&traced);
}

Test(limits, a_table_is_given_whole_when_descriptors_are_used_up, .timeout = 60)
{
	struct traced traced = trace(ODD("split-table"));

	expect_traces(&traced, 1);
	traced_release(&traced);
}

Test(limits, a_limit_of_file_sizes_bounds_the_trace, .timeout = 60)
{
	struct traced traced = trace(ODD("file-size", "2000000"));

	expect_one(&traced, 2, 11 + 12);
	cr_expect_leq(size_of(traced.traces.all[0]), 2000000);
	cr_expect_gt(size_of(traced.traces.all[0]), 1000000, "most of the room is unused");
	traced_release(&traced);
}

Test(limits, a_limit_of_file_sizes_too_low_for_a_trace_leaves_the_host_untraced, .timeout = 60)
{
	expect_untraced(NO_OPTIONS, ODD("file-size", "100000"), "File too large");
}

/* With any amount of memory: traced, or untraced with one line. */
Test(limits, a_limit_of_address_space_never_ends_the_host, .timeout = 120)
{
	static const char *const mib[] = { "2",   "8",   "16",  "32",  "64",   "100", "150",
					   "200", "300", "400", "600", "1000", "2000" };

	for (size_t i = 0; i < sizeof(mib) / sizeof(mib[0]); i++) {
		struct traced traced = traced_record(NO_OPTIONS, ODD("address-space", mib[i]));

		cr_expect_eq(traced.run.status, 0, "%s MiB: %d", mib[i], traced.run.status);
		/* In a few MiB there may be room to begin, but not for what is live. */
		if (traced.traces.count == 0)
			expect_line(traced.run.err, "lsatrace: not tracing: ", "emory");
		else if (i < 3 && !json_is_true(json_at(traced.report, "summary.exact")))
			cr_expect_eq(findings_of(&traced, NULL),
				     findings_of(&traced, "block-leak"));
		else
			expect_one(&traced, 2, 11 + 12);
		traced_release(&traced);
	}
}

/* A limited host needs its memory for itself. The ring gets small, and nothing worse happens. */
Test(limits, a_small_ring_fits_into_little_address_space, .timeout = 60)
{
	struct traced traced = trace_with(COMMAND("--ring=1M"), ODD("address-space", "300"));

	expect_one(&traced, 2, 11 + 12);
	traced_release(&traced);
}

Test(limits, a_trace_without_more_memory_to_be_had_is_a_lower_bound, .timeout = 60)
{
	struct traced traced = trace(ODD("address-space-later"));
	long long leaks = findings_of(&traced, "block-leak");

	expect_traces(&traced, 1);
	cr_expect_eq(findings_of(&traced, NULL), leaks);
	cr_expect_leq(leaks, 100000);
	cr_expect(leaks == 100000 || json_is_false(json_at(traced.report, "summary.exact")));
	traced_release(&traced);
}

/* What an untraced host locks, and 16 MiB for the tracer. */
Test(limits, a_host_that_locks_its_memory_pays_little_for_the_tracers, .timeout = 60)
{
	const char *const *const commands[] = {
		ODD("locked-memory", "first", "1000", "20"),
		ODD("locked-memory", "first", "400000", "20"),
		ODD("locked-memory", "later", "1000", "20"),
		ODD("locked-memory", "later", "400000", "20"),
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct traced traced = trace(commands[i]);

		expect_one(&traced, 1, 11);
		traced_release(&traced);
	}
}

/* The guard's tables and the pages of freed blocks, too. */
Test(limits, a_host_that_locks_its_memory_pays_little_with_each_allocator, .timeout = 120)
{
	const char *const options[] = { "--allocator=embedded", "--allocator=guard" };
	const char *const *const commands[] = {
		ODD("locked-memory", "first", "3000", "20"),
		ODD("locked-memory", "later", "3000", "20"),
	};

	for (size_t i = 0; i < 4; i++) {
		struct traced traced =
			trace_with((const char *const[]){ options[i / 2], NULL }, commands[i % 2]);

		expect_one(&traced, 1, 11);
		traced_release(&traced);
	}
}

Test(limits, a_trace_grows_on_when_the_host_closes_every_descriptor, .timeout = 60)
{
	struct traced traced = trace(ODD("close-all"));

	expect_one(&traced, 1, 11);
	cr_expect_eq(events_of(&traced, "retained"), 2 * MANY + 1);
	traced_release(&traced);
}

Test(limits, a_descriptor_that_the_host_has_taken_over_is_the_hosts, .timeout = 60)
{
	char *folder = temporary_folder_new(), path[4096];
	struct traced traced;

	join(path, folder, "own");
	traced = trace(ODD("reuse-descriptors", path));
	cr_expect_str_eq(traced.run.out, "own file: 0\n");
	expect_one(&traced, 1, 11);
	cr_expect_eq(events_of(&traced, "retained"), 2 * MANY + 1);
	traced_release(&traced);
	temporary_folder_remove(folder);
}

Test(limits, a_host_that_locks_itself_up_as_nobody_is_traced_on, .timeout = 60)
{
	struct traced traced;
	char *jail;

	need_root();
	jail = temporary_folder_new();
	cr_assert_eq(chmod(jail, 0755), 0);
	traced = trace(ODD("change-root", jail));
	expect_one(&traced, 2, 11 + 12);
	cr_expect_eq(events_of(&traced, "retained"), 2 * MANY + 22);
	expect_end(&traced, "exit", 0);
	traced_release(&traced);
	temporary_folder_remove(jail);
}

Test(limits, an_unwritable_folder_leaves_the_host_untraced, .timeout = 60)
{
	expect_untraced(COMMAND("--output=/nonexistent/a.trace"), ODD("end", "return"),
			"No such file or directory");
	expect_untraced(COMMAND("--output=/dev/null/a.trace"), ODD("end", "return"),
			"Not a directory");
}

/*
 * lsatrace is still root, and only root can write the file by which it learns of traces: anybody
 * else who could write to it could make root open any file. So it looks for the trace itself.
 */
Test(limits, a_host_that_is_nobody_by_then_is_traced_where_nobody_may_write, .timeout = 60)
{
	struct traced traced;
	char *folder, option[4200];

	need_root();
	folder = temporary_folder_new();
	cr_assert_eq(chmod(folder, 0777), 0);
	snprintf(option, sizeof(option), "--output=%s/%%p.trace", folder);
	traced = traced_run(folder, COMMAND(LSATRACE, "record", option, "--", ODD_HOST, "nobody"));
	cr_expect_str_eq(traced.run.err, "");
	expect_one(&traced, 1, 11);
	traced_release(&traced);
}

Test(limits, a_host_that_is_nobody_by_then_goes_on_where_nobody_may_write, .timeout = 60)
{
	struct run bare, traced;

	need_root();
	bare = traced_bare(ODD("nobody"));
	traced = run_command(
		COMMAND(LSATRACE, "record", "--output=/%p.trace", "--", ODD_HOST, "nobody"));
	cr_expect_not_null(strstr(traced.err, "Permission denied"), "%s", traced.err);
	cr_expect_str_eq(traced.out, bare.out);
	cr_expect_eq(traced.status, bare.status);
	run_release(&bare);
	run_release(&traced);
}

/* What somebody else may do to the trace. */

/* Runs a scenario bare and traced, with the path of the trace, and further arguments. Untraced, the
 * file is an ordinary one. Returns the path of the trace, in a new folder. */
static char *expect_unharmed(const char *scenario, const char *const how[])
{
	const char *command[12] = { ODD_HOST, scenario };
	char *folder = temporary_folder_new(), option[4200], *path;
	struct run bare, traced;
	int fd;

	cr_assert_gt(asprintf(&path, "%s/file", folder), 0);
	command[2] = path;
	for (size_t i = 0; how[i]; i++)
		command[3 + i] = how[i];
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	cr_assert(fd >= 0 && ftruncate(fd, 1 << 20) == 0 && close(fd) == 0);
	bare = traced_bare(command);
	cr_assert_eq(unlink(path), 0);
	snprintf(option, sizeof(option), "--output=%s", path);
	traced = run_command(
		(const char *const[]){ LSATRACE, "record", option, "--", command[0], command[1],
				       command[2], command[3], command[3] ? command[4] : NULL,
				       command[3] && command[4] ? command[5] : NULL, NULL });
	expect_same_run(&traced, &bare);
	run_release(&bare);
	run_release(&traced);
	return path;
}

static void remove_trace(char *path)
{
	*strrchr(path, '/') = '\0';
	temporary_folder_remove(path);
}

static bool is_zeros(const char *path)
{
	FILE *file = fopen(path, "r");
	int byte = 0;

	cr_assert(file, "%s", path);
	while (byte == 0)
		byte = getc(file);
	fclose(file);
	return byte == EOF;
}

/* Threads that were making the file longer at that moment may each append a MiB of zeros. */
Test(limits, who_empties_the_trace_harms_the_trace_only, .timeout = 120)
{
	char *path = expect_unharmed("harm-trace", COMMAND("empty"));

	cr_expect_leq(size_of(path), 3 << 20);
	cr_expect(is_zeros(path), "nothing more is written to it");
	remove_trace(path);
}

Test(limits, a_trace_that_somebody_has_shortened_is_no_result, .timeout = 120)
{
	char *path = expect_unharmed("harm-trace", COMMAND("shorten"));
	struct run report = run_command(COMMAND(LSATRACE, "report", path));

	cr_expect_eq(report.status, 2);
	cr_expect_not_null(strstr(report.err, "cut off"), "%s", report.err);
	run_release(&report);
	remove_trace(path);
}

Test(limits, who_overwrites_the_trace_harms_the_trace_only, .timeout = 120)
{
	remove_trace(expect_unharmed("harm-trace", COMMAND("overwrite", "overwrite", "overwrite")));
}

Test(limits, whatever_is_done_to_the_trace_the_host_goes_on, .timeout = 120)
{
	remove_trace(expect_unharmed("harm-trace", COMMAND("lengthen", "overwrite", "shorten")));
	remove_trace(expect_unharmed("harm-trace",
				     COMMAND("overwrite", "empty-and-lengthen", "overwrite")));
}

Test(limits, a_host_handles_sigbus_itself_where_the_trace_is_not_concerned, .timeout = 120)
{
	remove_trace(expect_unharmed("harm-both", NO_OPTIONS));
}

/* Makes a control group whose members may have 40 MB together. Returns false if that is not possible. */
static bool make_small_group(char group[64])
{
	static const char *const kinds[][2] = { { "memory/", "memory.limit_in_bytes" },
						{ "", "memory.max" } };
	char file[128];

	for (int i = 0; i < 2; i++) {
		FILE *limit;

		snprintf(group, 64, "/sys/fs/cgroup/%slsatrace-%d", kinds[i][0], (int)getpid());
		if (mkdir(group, 0755) != 0)
			continue;
		snprintf(file, sizeof(file), "%s/%s", group, kinds[i][1]);
		limit = fopen(file, "r+");
		if (limit && fputs("40000000", limit) > 0 && fclose(limit) == 0)
			return true;
		rmdir(group);
	}
	return false;
}

/* The kernel kills who has more, and pages of a file in memory count. */
Test(limits, a_trace_in_memory_leaves_room_for_a_host_that_may_have_little, .timeout = 60)
{
	static const char command[] =
		"echo $$ >\"$1/cgroup.procs\" && exec \"$2\" record -o \"$3\" "
		"-- \"$4\" file-size 1000000000";
	char group[64], trace_path[64];
	struct run traced;

	if (!make_small_group(group))
		cr_skip_test("no control group can be made");
	snprintf(trace_path, sizeof(trace_path), "/dev/shm/lsatrace-%d.trace", (int)getpid());
	traced = run_command(
		COMMAND("/bin/sh", "-c", command, "sh", group, LSATRACE, trace_path, ODD_HOST));
	cr_expect_eq(traced.status, 0, "%d: %s", traced.status, traced.err);
	cr_expect_lt(size_of(trace_path), 20000000);
	run_release(&traced);
	unlink(trace_path);
	rmdir(group);
}

/* Later versions of Wine let no system call through but from the C library, while a thread runs code of
 * Windows. */
Test(limits, system_calls_are_made_in_the_c_library, .timeout = 60)
{
	struct traced traced = trace(ODD("dispatched"));

	if (strstr(traced.run.out, "unknown"))
		cr_skip_test("the kernel has no Syscall User Dispatch");
	cr_expect_str_eq(traced.run.out, "0 stray system calls\n");
	expect_one(&traced, 1, 11);
	traced_release(&traced);
}
