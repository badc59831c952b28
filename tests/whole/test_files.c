/* SPDX-License-Identifier: MIT */
/* Tests of the file of a trace: what it holds, its name and its place, and full disks. */
#include "tests/odd/marker.h"
#include "tests/support/expect.h"
#include "tests/support/json.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* What a trace holds. */

static bool file_holds(const char *path, const char *text)
{
	long long size = size_of(path);
	char *bytes = malloc((size_t)size);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool found;

	cr_assert(bytes && fd >= 0 && read(fd, bytes, (size_t)size) == size);
	found = memmem(bytes, (size_t)size, text, strlen(text)) != NULL;
	close(fd);
	free(bytes);
	return found;
}

Test(files, a_trace_holds_nothing_of_what_blocks_hold, .timeout = 60)
{
	struct traced traced = trace(ODD("marked-blocks"));

	expect_traces(&traced, 1);
	cr_expect_eq(findings_of(&traced, "block-leak"), 400);
	cr_expect_eq(findings_of(&traced, "invalid-section"), 1);
	cr_expect(file_holds(traced.traces.all[0], "marked-blocks"), "nothing is found at all");
	cr_expect_not(file_holds(traced.traces.all[0], MARKER_WORD));
	traced_release(&traced);
}

/* Options. */

/* Returns the number of frames of the finding's stack, without inlined ones. */
static long long frames_of(const struct traced *traced)
{
	const json_t *stack = json_at(traced->report, "findings.0.stacks.allocate"), *frame;
	long long count = 0;
	size_t i;

	json_array_foreach(stack, i, frame) count += json_is_false(json_at(frame, "inlined"));
	return count;
}

static void expect_frames(const char *option, const char *depth, long long frames)
{
	struct traced traced = trace_with(COMMAND(option), ODD("deep", depth));

	expect_one(&traced, 1, 11);
	cr_expect_eq(frames_of(&traced), frames, "%s: %lld frames", option, frames_of(&traced));
	cr_expect(json_same_text(
		json_text_at(traced.report, "findings.0.stacks.allocate.0.function"), "leak"));
	traced_release(&traced);
}

Test(files, a_backtrace_is_as_deep_as_was_asked_for, .timeout = 60)
{
	expect_frames("--depth=1", "300", 1);
	expect_frames("--depth=2", "300", 2);
	expect_frames("--depth=64", "300", 64);
	expect_frames("--depth=256", "300", 256);
	expect_frames("--depth=256", "1000", 256);
}

Test(files, families_that_were_not_asked_for_are_not_traced, .timeout = 60)
{
	struct traced traced =
		trace_with(COMMAND("--families=lsa-heap,client-buffer"), ODD("families"));

	expect_one(&traced, 2, 11 + 19);
	cr_expect_eq(calls_of(&traced, "AllocateLsaHeap"), 11);
	cr_expect_eq(calls_of(&traced, "AllocateClientBuffer"), 1);
	cr_expect_eq(calls_of(&traced, "CreateSharedMemory"), 0);
	cr_expect_eq(calls_of(&traced, "AllocatePrivateHeap"), 0);
	traced_release(&traced);
}

static struct traced record_to(char *folder, const char *name, const char *scenario)
{
	char option[4200];

	snprintf(option, sizeof(option), "--output=%s/%s", folder, name);
	return traced_run(folder,
			  COMMAND(LSATRACE, "record", option, "--", ODD_HOST, "end", scenario));
}

Test(files, a_name_is_made_of_what_the_pattern_says, .timeout = 60)
{
	struct traced traced = record_to(temporary_folder_new(), "%e,%p,%h,%t,%%,%x", "return");
	char expected[8192], host[256];
	const char *found;
	long long start;

	expect_traces(&traced, 1);
	found = traced.traces.all[0];
	cr_assert_eq(gethostname(host, sizeof(host)), 0);
	cr_assert_eq(sscanf(found + strlen(traced.folder), "/oddhost,%*d,%*[^,],%lld", &start), 1,
		     "%s", found);
	snprintf(expected, sizeof(expected), "%s/oddhost,%lld,%s,%lld,%%,%%x", traced.folder,
		 json_number_at(traced.report, "traces.0.pid"), host, start);
	cr_expect_str_eq(found, expected);
	cr_expect_leq(llabs((long long)time(NULL) - start), 100);
	traced_release(&traced);
}

Test(files, record_replaces_the_file_that_was_named, .timeout = 60)
{
	char *folder = temporary_folder_new();
	struct traced first = record_to(folder, "a.trace", "return");
	struct traced second = record_to(folder, "a.trace", "_exit");

	expect_one(&second, 1, 11);
	cr_expect_neq(json_number_at(first.report, "traces.0.pid"),
		      json_number_at(second.report, "traces.0.pid"));
	first.folder = temporary_folder_new();
	traced_release(&first);
	traced_release(&second);
}

/* Plain preloading, with a fixed name for the trace. */
static struct traced preload_to(char *folder, const char *name)
{
	char options[4200];

	snprintf(options, sizeof(options), "LSATRACE_OPTIONS=output=%s/%s", folder, name);
	return traced_run(
		folder, COMMAND("env", "LD_PRELOAD=" LIBRARY, options, ODD_HOST, "end", "return"));
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

static void expect_content(const char *path, const char *text)
{
	cr_expect_eq(size_of(path), (long long)strlen(text));
	cr_expect(*text == '\0' || file_holds(path, text));
}

Test(files, a_traced_process_takes_no_files_place, .timeout = 60)
{
	char *folder = temporary_folder_new(), path[4096];
	struct arguments traces = { 0 };

	join(path, folder, "a.trace");
	for (int i = 0; i < 3; i++) {
		struct traced traced = preload_to(folder, "a.trace");

		cr_expect_eq(traced.run.status, 9);
		expect_traces(&traced, (size_t)i + 1);
		traced.folder = temporary_folder_new();
		traced_release(&traced);
	}
	folder_list(&traces, folder, "");
	cr_assert_eq(traces.count, 3u);
	cr_expect(strstr(traces.all[1], "/a.trace.1") && strstr(traces.all[2], "/a.trace.2"));
	arguments_release(&traces);
	temporary_folder_remove(folder);
}

/* As an attacker might place it where a privileged host will write. */
static void expect_link_left_alone(const char *content)
{
	char *folder = temporary_folder_new(), *traces = temporary_folder_new();
	char victim[4096], link[4096], first[4096], option[4200];
	struct run run;

	join(victim, folder, "victim");
	join(link, traces, "a.trace");
	join(first, traces, "a.trace.1");
	write_file(victim, content);
	cr_assert_eq(symlink(victim, link), 0);
	snprintf(option, sizeof(option), "--output=%s", link);
	run = traced_bare(COMMAND(LSATRACE, "record", option, "--", ODD_HOST, "end", "return"));
	cr_expect_eq(run.status, 125, "%d: %s", run.status, run.err);
	run_release(&run);
	snprintf(option, sizeof(option), "LSATRACE_OPTIONS=output=%s", link);
	run = traced_bare(COMMAND("env", "LD_PRELOAD=" LIBRARY, option, ODD_HOST, "end", "return"));
	cr_expect_eq(run.status, 9);
	run_release(&run);
	expect_content(victim, content);
	cr_expect_gt(size_of(first), 0);
	temporary_folder_remove(folder);
	temporary_folder_remove(traces);
}

Test(files, a_link_in_the_traces_place_is_not_followed, .timeout = 60)
{
	expect_link_left_alone("precious");
	expect_link_left_alone("");
}

Test(files, a_file_is_its_owners_alone_whatever_the_umask, .timeout = 60)
{
	struct traced traced = traced_record(
		NO_OPTIONS, COMMAND("sh", "-c", "umask 0; exec \"$0\" end return", ODD_HOST));
	struct stat status;

	expect_traces(&traced, 1);
	cr_assert_eq(stat(traced.traces.all[0], &status), 0);
	cr_expect_eq(status.st_mode & 07777, 0600u);
	traced_release(&traced);
}

/* Full disks. Only this test and the programs that it starts can see these mounts. */

static bool mount_disk(const char *folder, const char *options)
{
	return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", folder, "tmpfs", 0, options) == 0;
}

static char *disk_of(const char *options)
{
	char *folder = temporary_folder_new();

	if (geteuid() == 0 && mount_disk(folder, options))
		return folder;
	temporary_folder_remove(folder);
	cr_skip_test("no file system can be mounted");
}

static void remove_disk(char *folder)
{
	cr_expect_eq(umount2(folder, MNT_DETACH), 0);
	temporary_folder_remove(folder);
}

Test(files, a_full_disk_leaves_the_host_untraced, .timeout = 60)
{
	char *disk = disk_of("size=128k"), option[4200];

	snprintf(option, sizeof(option), "--output=%s/a.trace", disk);
	expect_untraced(COMMAND(option), ODD("end", "return"), "No space left on device");
	cr_expect_eq(rmdir(disk), -1);
	cr_expect_eq(errno, EBUSY);
	remove_disk(disk);
}

/* Copies the trace from the disk before the disk is removed. */
static struct traced trace_on_disk(const char *disk, const char *const scenario[])
{
	char option[4200];

	snprintf(option, sizeof(option), "--output=%s/a.trace", disk);
	return traced_run(strdup(disk),
			  (const char *const *)(const char *const[]){
				  LSATRACE, "record", "--ring=16M", option, "--", ODD_HOST,
				  scenario[0], scenario[1], scenario[2], NULL });
}

Test(files, a_disk_too_small_for_the_ring_is_used_as_far_as_it_goes, .timeout = 60)
{
	char *disk = disk_of("size=2560k");
	struct traced traced = trace_on_disk(disk, COMMAND("file-size", "100000000"));

	cr_expect_eq(traced.run.status, 0);
	cr_expect_str_empty(traced.run.err);
	expect_one(&traced, 2, 11 + 12);
	cr_expect_gt(size_of(traced.traces.all[0]), 2000 << 10, "most of the disk is unused");
	traced_release(&traced);
	remove_disk(disk);
}

/* The file that fills the disk is in the same folder. Reports on the trace alone. */
static void expect_full_disk_later(const char *blocks, bool exact)
{
	char *disk = disk_of("size=4m"), trace_path[4096], filler[4096];
	struct traced traced = { 0 };
	char option[4200];

	join(trace_path, disk, "a.trace");
	join(filler, disk, "filler");
	snprintf(option, sizeof(option), "--output=%s", trace_path);
	traced.run = traced_bare(COMMAND(LSATRACE, "record", "--ring=16M", option, "--", ODD_HOST,
					 "full-disk-later", filler, blocks));
	cr_expect_eq(traced.run.status, 0, "%d", traced.run.status);
	cr_expect_str_empty(traced.run.err);
	traced.report = traced_report(COMMAND(trace_path), &traced.report_status);
	cr_expect_eq(findings_of(&traced, NULL), findings_of(&traced, "block-leak"));
	cr_expect_eq(json_is_true(json_at(traced.report, "summary.exact")), exact);
	if (exact)
		expect_leaks(&traced, 1 + atoi(blocks), 11 + 8 * atoi(blocks));
	json_decref(traced.report);
	run_release(&traced.run);
	remove_disk(disk);
}

Test(files, a_disk_that_fills_up_takes_history_and_no_results, .timeout = 60)
{
	expect_full_disk_later("1000", true);
}

Test(files, a_full_disk_without_room_for_the_results_makes_them_a_lower_bound, .timeout = 60)
{
	expect_full_disk_later("100000", false);
}

Test(files, a_disk_that_may_not_be_written_leaves_the_host_untraced, .timeout = 60)
{
	char *disk = disk_of("size=1m,ro"), option[4200];

	snprintf(option, sizeof(option), "--output=%s/a.trace", disk);
	expect_untraced(COMMAND(option), ODD("end", "return"), "Read-only file system");
	remove_disk(disk);
}
