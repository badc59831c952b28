/* SPDX-License-Identifier: MIT */
/*
 * Tests of unusual hosts, packages and systems: oddhost does what real programs do and tests seldom
 * do. Each scenario runs untraced and traced. Its output and its end must be the same, and the
 * report must say what it did, and no more.
 */
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

#include "tests/odd/marker.h"
#include "tests/support/json.h"
#include "tests/support/traced.h"

#define LSATRACE BUILD_DIR "/lsatrace"
#define LIBRARY BUILD_DIR "/liblsatrace.so"
#define ODD_HOST BUILD_DIR "/tests/oddhost"
#define LSA_HOST BUILD_DIR "/tests/lsahost"
#define PACKAGE(name) BUILD_DIR "/tests/packages/" name ".so"

#define FOREIGN_FOLDER BUILD_DIR "/tests/foreign"
#define FOREIGN FOREIGN_FOLDER "/program"

#define ODD(...) COMMAND(ODD_HOST, __VA_ARGS__)
#define NO_OPTIONS ((const char *const[]){ NULL })

enum { MANY = 400000 }; /* rounds of the scenarios that make the file grow */

/* Comparing the two runs. */

static void expect_same_run(const struct run *traced, const struct run *bare)
{
	cr_expect_str_eq(traced->out, bare->out);
	cr_expect_str_eq(traced->err, bare->err);
	cr_expect_eq(traced->status, bare->status, "status %d, not %d", traced->status,
		     bare->status);
}

/* Runs the command untraced, then records it. */
static struct traced trace_with(const char *const options[], const char *const command[])
{
	struct run bare = traced_bare(command);
	struct traced traced = traced_record(options, command);

	expect_same_run(&traced.run, &bare);
	run_release(&bare);
	return traced;
}

static struct traced trace(const char *const command[])
{
	return trace_with(NO_OPTIONS, command);
}

/* What the report says. */

static long long calls_of(const struct traced *traced, const char *function)
{
	char path[128];
	long long calls;

	snprintf(path, sizeof(path), "traces.0.calls.%s", function);
	calls = json_number_at(traced->report, path);
	return calls < 0 ? 0 : calls;
}

static long long events_of(const struct traced *traced, const char *what)
{
	char path[128];

	snprintf(path, sizeof(path), "traces.0.events.%s", what);
	return json_number_at(traced->report, path);
}

static void expect_traces(const struct traced *traced, size_t count)
{
	cr_assert_eq(traced->traces.count, count, "%zu traces, not %zu: %s", traced->traces.count,
		     count, traced->run.err);
}

static void expect_exact(const struct traced *traced)
{
	cr_expect(json_is_true(json_at(traced->report, "summary.exact")), "not exact");
}

static void expect_end(const struct traced *traced, const char *end, long long status)
{
	const char *found = json_text_at(traced->report, "traces.0.end");

	cr_expect(json_same_text(found, end), "%s, not %s", found, end);
	cr_expect_eq(json_number_at(traced->report, "traces.0.exit_status"), status);
}

/* Returns the number of findings of a kind, or of all if `kind` is NULL. */
static long long findings_of(const struct traced *traced, const char *kind)
{
	const json_t *findings = json_at(traced->report, "findings"), *finding;
	long long count = 0;
	size_t i;

	json_array_foreach(findings, i,
			   finding) if (!kind || json_same_text(json_text_at(finding, "kind"), kind))
		count += json_number_at(finding, "count");
	return count;
}

/* Expects leaks of blocks, and nothing else. */
static void expect_leaks(const struct traced *traced, long long blocks, long long bytes)
{
	const json_t *summary = json_at(traced->report, "summary");

	cr_expect_eq(json_number_at(summary, "leaked_blocks"), blocks, "%lld blocks leaked",
		     json_number_at(summary, "leaked_blocks"));
	cr_expect_eq(json_number_at(summary, "leaked_bytes"), bytes, "%lld bytes leaked",
		     json_number_at(summary, "leaked_bytes"));
	cr_expect_eq(findings_of(traced, NULL), blocks, "%lld findings", findings_of(traced, NULL));
}

static void expect_leaks_exactly(const struct traced *traced, long long blocks, long long bytes)
{
	expect_leaks(traced, blocks, bytes);
	expect_exact(traced);
}

/* Expects one trace in which everything is known. */
static void expect_one(const struct traced *traced, long long blocks, long long bytes)
{
	expect_traces(traced, 1);
	expect_leaks_exactly(traced, blocks, bytes);
	cr_expect_eq(json_array_size(json_at(traced->report, "traces.0.in_flight")), 0u);
}

static void expect_line(const char *text, const char *start, const char *end)
{
	size_t length = strcspn(text, "\n");

	cr_expect(text[length] == '\n' && text[length + 1] == '\0', "not one line: %s", text);
	cr_expect_eq(strncmp(text, start, strlen(start)), 0, "%s", text);
	cr_expect(length >= strlen(end) &&
			  strncmp(text + length - strlen(end), end, strlen(end)) == 0,
		  "%s", text);
}

/* The command runs as without the tracer, except for one line that says why it is not traced. */
static void expect_untraced(const char *const options[], const char *const command[],
			    const char *why)
{
	struct run bare = traced_bare(command);
	struct traced traced = traced_record(options, command);

	expect_traces(&traced, 0);
	expect_line(traced.run.err, "lsatrace: not tracing: ", why);
	cr_expect_str_eq(traced.run.out, bare.out);
	cr_expect_eq(traced.run.status, bare.status);
	run_release(&bare);
	traced_release(&traced);
}

static long long size_of(const char *path)
{
	struct stat status;

	cr_assert_eq(stat(path, &status), 0, "%s", path);
	return (long long)status.st_size;
}

static void join(char path[4096], const char *folder, const char *name)
{
	snprintf(path, 4096, "%s/%s", folder, name);
}

static void need_root(void)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
}

/* Threads and control flow. */

Test(odd, ten_thousand_threads_one_after_another_need_no_more_room_than_one, .timeout = 120)
{
	struct traced one = trace(ODD("in-turn", "1", "50000"));
	struct traced many = trace(ODD("in-turn", "10000", "5"));

	expect_one(&one, 0, 0);
	expect_one(&many, 0, 0);
	cr_expect_eq(calls_of(&many, "AllocateLsaHeap"), 50000);
	cr_expect_eq(events_of(&many, "retained"), 100000);
	cr_expect_eq(size_of(many.traces.all[0]), size_of(one.traces.all[0]));
	traced_release(&one);
	traced_release(&many);
}

/* Each thread needs room in the ring. Results come first. */
Test(odd, three_hundred_threads_at_once_leave_exact_results_in_a_small_ring, .timeout = 60)
{
	struct traced traced = trace_with(COMMAND("--ring=1M"), ODD("crowd"));

	expect_one(&traced, 1, 21);
	cr_expect_eq(calls_of(&traced, "AllocateLsaHeap"), 30001);
	cr_expect_eq(calls_of(&traced, "FreeLsaHeap"), 30000);
	cr_expect_eq(events_of(&traced, "recorded"), 60001);
	cr_expect_leq(size_of(traced.traces.all[0]), 1 << 20);
	traced_release(&traced);
}

Test(odd, threads_with_the_smallest_of_stacks_are_traced, .timeout = 60)
{
	struct traced traced = trace(ODD("small-stack", "16384"));

	expect_one(&traced, 0, 0);
	cr_expect_eq(calls_of(&traced, "AllocateLsaHeap"), 1000);
	traced_release(&traced);
}

Test(odd, a_package_may_be_initialised_on_the_smallest_of_stacks, .timeout = 60)
{
	struct traced traced = trace(ODD("small-start", "16384"));

	expect_one(&traced, 0, 0);
	cr_expect_eq(calls_of(&traced, "AllocateLsaHeap"), 20);
	traced_release(&traced);
}

/* To the tracer, a signal handler that interrupts it is a thread of its own. */
static void expect_exact_in_handlers(const char *scenario)
{
	struct traced traced = trace(ODD(scenario));

	expect_one(&traced, 0, 0);
	traced_release(&traced);
}

Test(odd, signal_handlers_that_call_the_table_are_traced, .timeout = 120)
{
	expect_exact_in_handlers("signals");
}

Test(odd, signal_handlers_on_a_stack_of_their_own_are_traced, .timeout = 120)
{
	expect_exact_in_handlers("signals-on-own-stack");
}

/* Sections that lsatrace makes cost system calls. A handler may come upon a lock: then it gets none. */
Test(odd, a_handler_that_makes_sections_all_the_time_leaves_time_for_the_host, .timeout = 120)
{
	const char *const options[] = { "--allocator=host", "--allocator=embedded",
					"--allocator=guard" };

	for (size_t i = 0; i < 3; i++) {
		struct traced traced = trace_with((const char *const[]){ options[i], NULL },
						  ODD("sections-in-handlers", "1000"));

		expect_traces(&traced, 1);
		expect_exact(&traced);
		cr_expect_geq(calls_of(&traced, "DeleteSharedMemory"), 1000);
		cr_expect_eq(findings_of(&traced, NULL), findings_of(&traced, "failed-call"));
		traced_release(&traced);
	}
}

Test(odd, calls_that_a_longjmp_has_left_are_not_in_flight, .timeout = 60)
{
	struct traced traced = trace(ODD("jump"));

	expect_one(&traced, 0, 0);
	cr_expect_eq(calls_of(&traced, "AllocateLsaHeap"), 3);
	traced_release(&traced);
}

static bool is_leaked(const struct traced *traced, long long bytes)
{
	const json_t *findings = json_at(traced->report, "findings"), *finding;
	size_t i;

	json_array_foreach(findings, i, finding)
	{
		if (json_same_text(json_text_at(finding, "kind"), "block-leak") &&
		    json_number_at(finding, "size") == bytes)
			return true;
	}
	return false;
}

/* A call that a handler has left may be lost, but no later call. */
Test(odd, a_thread_that_a_longjmp_took_out_of_the_tracer_is_traced_again, .timeout = 120)
{
	static const char *const ways[] = { "--unwind=auto", "--unwind=libunwind",
					    "--unwind=check" };

	for (size_t i = 0; i < 3; i++) {
		const char *const options[] = { ways[i], NULL };
		struct traced traced = trace_with(options, ODD("jump-out-of-handlers"));

		cr_expect(is_leaked(&traced, 77), "%s", ways[i]);
		cr_expect_geq(calls_of(&traced, "AllocateLsaHeap"), 100, "%s", ways[i]);
		traced_release(&traced);
	}
}

/* Even if another thread waits for this one and holds the loader's lock. */
Test(odd, a_thread_that_calls_waits_for_no_lock_of_the_loaders, .timeout = 120)
{
	static const char *const ways[] = { "--unwind=auto", "--unwind=libunwind",
					    "--unwind=check" };

	for (size_t i = 0; i < 3; i++) {
		const char *const options[] = { ways[i], NULL };
		struct traced traced = trace_with(options, ODD("wait-in-callback"));

		cr_expect_eq(calls_of(&traced, "AllocateLsaHeap"), 2, "%s", ways[i]);
		traced_release(&traced);
	}
}

/* The tracer opens, reads and writes files meanwhile, and makes new stacks. */
Test(odd, a_thread_that_is_cancelled_is_not_cancelled_in_the_tracer, .timeout = 60)
{
	struct traced traced = trace(ODD("cancelled-later"));

	expect_one(&traced, 1, 31);
	cr_expect_str_eq(traced.run.out, "finished 1, cancelled 1\n");
	traced_release(&traced);
}

/* The tracer's code was left so deep on the stack that nothing ever uses that part again. */
Test(odd, a_thread_that_recovers_from_a_stack_overflow_is_traced_on, .timeout = 120)
{
	static const char *const overflows[] = { "1", "3" };

	for (size_t i = 0; i < 2; i++) {
		struct traced traced = traced_record(NO_OPTIONS, ODD("overflowed", overflows[i]));
		long long made = -1;

		expect_traces(&traced, 1);
		cr_assert_eq(sscanf(traced.run.out, "made %lld", &made), 1);
		cr_expect_geq(calls_of(&traced, "AllocatePrivateHeap"), made - 10);
		cr_expect(is_leaked(&traced, 31));
		traced_release(&traced);
	}
}

Test(odd, a_call_that_never_returns_is_in_flight, .timeout = 60)
{
	struct traced traced = trace(ODD("never-return"));
	const json_t *in_flight = json_at(traced.report, "traces.0.in_flight");

	expect_traces(&traced, 1);
	expect_leaks_exactly(&traced, 0, 0);
	expect_end(&traced, "exit", 4);
	cr_assert_eq(json_array_size(in_flight), 1u);
	cr_expect(json_same_text(json_text_at(in_flight, "0.function"), "AllocateLsaHeap"));
	cr_expect(json_same_text(json_text_at(in_flight, "0.stack.0.function"), "leak"));
	traced_release(&traced);
}

Test(odd, coroutines_that_leave_each_other_in_the_midst_of_calls_are_traced, .timeout = 60)
{
	struct traced traced = trace(ODD("coroutines"));

	expect_one(&traced, 0, 0);
	cr_expect_eq(calls_of(&traced, "AllocateLsaHeap"), 21);
	cr_expect_eq(calls_of(&traced, "FreeLsaHeap"), 21);
	traced_release(&traced);
}

/* Processes. */

static const char *const exec_functions[] = { "execl",  "execlp",  "execle",  "execv",   "execvp",
					      "execve", "execvpe", "fexecve", "execveat" };

Test(odd, each_exec_function_ends_the_trace, .timeout = 120)
{
	for (size_t i = 0; i < sizeof(exec_functions) / sizeof(exec_functions[0]); i++) {
		struct traced traced = trace(ODD("become", exec_functions[i], "/bin/sh"));

		expect_one(&traced, 1, 11);
		expect_end(&traced, "exec", -1);
		cr_expect_eq(traced.run.status, 5);
		traced_release(&traced);
	}
}

Test(odd, a_trace_goes_on_when_exec_fails, .timeout = 120)
{
	for (size_t i = 0; i < sizeof(exec_functions) / sizeof(exec_functions[0]); i++) {
		struct traced traced = trace(ODD("become", exec_functions[i], "/"));

		expect_one(&traced, 1, 11);
		expect_end(&traced, "killed", 137);
		cr_expect_eq(calls_of(&traced, "FreeLsaHeap"), 3, "%s", exec_functions[i]);
		traced_release(&traced);
	}
}

/* Traces an oddhost that executes a program whose loader could not load the library. Nothing comes
 * on its standard error but the line of `lsatrace record`, which names what was executed. */
static void expect_foreign(const char *scenario, const char *function, const char *path,
			   const char *reason)
{
	char line[4096];
	struct traced traced =
		traced_record(NO_OPTIONS, COMMAND("env", "PATH=" FOREIGN_FOLDER ":/bin", ODD_HOST,
						  scenario, function, path));

	expect_one(&traced, 1, 11);
	cr_expect_eq(traced.run.status, 5, "%s: %d", function, traced.run.status);
	snprintf(line, sizeof(line), "lsatrace: not traced: %s\n", reason);
	cr_expect_str_eq(traced.run.err, line, "%s", function);
	traced_release(&traced);
}

#define FOREIGN_REASON " is built for another C library than glibc"

Test(odd, a_program_of_another_c_library_is_executed_untraced, .timeout = 120)
{
	static const char *const spawners[] = { "posix_spawn", "posix_spawnp", "system", "popen" };

	for (size_t i = 0; i < sizeof(exec_functions) / sizeof(exec_functions[0]); i++)
		expect_foreign("become", exec_functions[i], FOREIGN,
			       strcmp(exec_functions[i], "fexecve") == 0 ? "sh" FOREIGN_REASON
									 : FOREIGN FOREIGN_REASON);
	for (size_t i = 0; i < sizeof(spawners) / sizeof(spawners[0]); i++)
		expect_foreign("spawn", spawners[i], FOREIGN, FOREIGN FOREIGN_REASON);
	expect_foreign("become", "execvp", "program", "program" FOREIGN_REASON);
	expect_foreign("spawn", "posix_spawnp", "program", "program" FOREIGN_REASON);
}

/* Without a session there is nobody to tell. */
Test(odd, a_library_that_is_preloaded_by_its_name_alone_is_kept_out_as_well, .timeout = 60)
{
	char *folder = temporary_folder_new(), options[4200];
	struct traced traced;

	snprintf(options, sizeof(options), "LSATRACE_OPTIONS=output=%s/%%p.trace", folder);
	traced = traced_run(folder, COMMAND("env", "LD_LIBRARY_PATH=" BUILD_DIR,
					    "LD_PRELOAD=liblsatrace.so", options, ODD_HOST, "spawn",
					    "posix_spawn", FOREIGN));
	expect_one(&traced, 1, 11);
	cr_expect_eq(traced.run.status, 5);
	cr_expect_str_eq(traced.run.err, "");
	traced_release(&traced);
}

Test(odd, a_script_for_such_a_program_is_executed_untraced, .timeout = 60)
{
	char *folder = temporary_folder_new(), *script, *reason;
	FILE *file;

	cr_assert_gt(asprintf(&script, "%s/script", folder), 0);
	cr_assert_gt(asprintf(&reason, "%s: its interpreter %s", script, FOREIGN FOREIGN_REASON), 0);
	file = fopen(script, "w");
	cr_assert(file && fputs("#! " FOREIGN " -x\n", file) >= 0 && fclose(file) == 0);
	cr_assert_eq(chmod(script, 0755), 0);
	expect_foreign("become", "execve", script, reason);
	expect_foreign("spawn", "posix_spawn", script, reason);
	free(reason);
	free(script);
	temporary_folder_remove(folder);
}

Test(odd, a_process_that_becomes_another_host_has_two_traces, .timeout = 60)
{
	struct traced traced = trace(ODD("become-itself", "again"));

	expect_traces(&traced, 2);
	expect_leaks_exactly(&traced, 2, 22);
	expect_end(&traced, "exec", -1);
	cr_expect_eq(json_number_at(traced.report, "traces.1.exit_status"), 7);
	cr_expect_eq(json_number_at(traced.report, "traces.0.pid"),
		     json_number_at(traced.report, "traces.1.pid"));
	cr_expect(strstr(traced.traces.all[1], ".trace.1"), "%s", traced.traces.all[1]);
	traced_release(&traced);
}

/* If a child had marked the trace as ended, the trace would not say that the process was killed. */
static void expect_killed_later(const char *scenario)
{
	struct traced traced = trace(ODD(scenario));

	expect_one(&traced, 1, 11);
	expect_end(&traced, "killed", 137);
	cr_expect_eq(calls_of(&traced, "FreeLsaHeap"), 3);
	traced_release(&traced);
}

Test(odd, a_vforked_childs_exec_and_exit_do_not_end_the_parents_trace, .timeout = 60)
{
	expect_killed_later("vforks");
}

Test(odd, spawned_programs_do_not_end_the_trace, .timeout = 60)
{
	expect_killed_later("spawns");
}

Test(odd, children_that_never_call_have_no_trace_and_leave_the_parents_alone, .timeout = 60)
{
	expect_killed_later("silent-forks");
}

/* Returns a trace of the report that another process of the report is the parent of, or NULL. */
static const char *find_child(const struct traced *traced)
{
	const json_t *traces = json_at(traced->report, "traces");

	for (size_t i = 0; i < 2; i++) {
		const json_t *one = json_array_get(traces, i),
			     *other = json_array_get(traces, 1 - i);

		if (json_number_at(one, "ppid") == json_number_at(other, "pid"))
			return json_text_at(one, "path");
	}
	return NULL;
}

static void expect_leak_of_child(const struct traced *traced, long long bytes)
{
	const char *path = find_child(traced);
	struct traced child = { 0 };

	cr_assert_not_null(path);
	child.report = traced_report(COMMAND(path), &child.report_status);
	expect_leaks_exactly(&child, bytes ? 1 : 0, bytes);
	json_decref(child.report);
}

Test(odd, a_child_that_the_c_library_does_not_know_of_has_its_own_trace, .timeout = 60)
{
	struct traced traced = trace(ODD("raw-forks"));

	expect_traces(&traced, 2);
	expect_leaks_exactly(&traced, 2, 13 + 17);
	expect_leak_of_child(&traced, 17);
	traced_release(&traced);
}

Test(odd, a_host_that_forks_in_a_call_returns_from_it_twice, .timeout = 60)
{
	struct traced traced = trace(ODD("fork-in-host"));

	expect_traces(&traced, 2);
	expect_leaks(&traced, 0, 0);
	traced_release(&traced);
}

/* The daemon may still run when lsatrace has ended. */
static void await_end_of_all(struct traced *traced, size_t count)
{
	struct timespec nap = { .tv_nsec = 10000000 };

	for (int i = 0; i < 1000; i++) {
		const char *last;

		traced_look(traced);
		last = json_text_at(traced->report, "traces.1.end");
		if (traced->traces.count == count && json_same_text(last, "exit") &&
		    json_same_text(json_text_at(traced->report, "traces.0.end"), "exit"))
			return;
		nanosleep(&nap, NULL);
	}
	cr_assert_fail("no end");
}

Test(odd, a_host_that_becomes_a_daemon_is_traced_on, .timeout = 60)
{
	struct traced traced = trace(ODD("daemon"));

	await_end_of_all(&traced, 2);
	expect_leaks_exactly(&traced, 2, 13 + 77);
	traced_release(&traced);
}

Test(odd, each_way_to_end_is_in_the_trace, .timeout = 120)
{
	static const char *const ways[] = { "_exit",  "_Exit",  "quick_exit",  "exit_group",
					    "thread", "return", "pthread_exit" };

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct traced traced = trace(ODD("end", ways[i]));

		expect_one(&traced, 1, 11);
		expect_end(&traced, "exit", strcmp(ways[i], "pthread_exit") == 0 ? 0 : 9);
		traced_release(&traced);
	}
}

/* exit() had begun, but the process did not end by it. */
Test(odd, a_process_that_is_killed_in_a_destructor_was_killed, .timeout = 60)
{
	struct traced traced = trace(ODD("killed-in-destructor"));

	expect_one(&traced, 1, 31);
	expect_end(&traced, "killed", 137);
	traced_release(&traced);
}

/* With a backtrace of all frames, and in a file that grows. */
Test(odd, no_allocator_no_loader_and_no_cancellation_point_is_on_the_way_of_a_call, .timeout = 120)
{
	static const char *const modes[] = { "--mode=ring", "--mode=full" };

	for (size_t i = 0; i < 2; i++) {
		const char *const options[] = { modes[i], NULL };
		struct traced traced = trace_with(options, COMMAND(BUILD_DIR "/tests/stricthost"));

		expect_traces(&traced, 2);
		expect_leaks_exactly(&traced, 1, 31);
		traced_release(&traced);
	}
}

/* What the tracer has to say is not said there. */
Test(odd, a_file_that_is_the_hosts_descriptor_2_is_not_written_to, .timeout = 60)
{
	char *folder = temporary_folder_new(), own[4200];
	struct traced traced;

	snprintf(own, sizeof(own), "%s/own", folder);
	traced = traced_record(NO_OPTIONS, ODD("own-descriptor", own));
	expect_traces(&traced, 1);
	cr_expect_str_eq(traced.run.out, "0 bytes\n");
	traced_release(&traced);
	temporary_folder_remove(folder);
}

/* Without `record` there is nobody else to tell it to. */
Test(odd, a_file_that_is_the_hosts_descriptor_2_is_not_written_to_without_record, .timeout = 60)
{
	char *folder = temporary_folder_new(), *own, *options;
	struct run run;

	cr_assert_gt(asprintf(&own, "%s/own", folder), 0);
	cr_assert_gt(asprintf(&options, "LSATRACE_OPTIONS=output=%s/%%p.trace", folder), 0);
	run = traced_bare(COMMAND("env", "-u", "LSATRACE_SESSION", "LD_PRELOAD=" LIBRARY, options,
				  ODD_HOST, "own-descriptor", own));
	cr_expect_str_eq(run.out, "0 bytes\n");
	run_release(&run);
	free(own);
	free(options);
	temporary_folder_remove(folder);
}

/* The more rounds, the more room is asked for in vain. */
Test(odd, a_host_under_a_filter_that_kills_is_traced_without_system_calls, .timeout = 60)
{
	static const char *const rounds[] = { "10", "100000" };

	for (size_t i = 0; i < 2; i++) {
		struct traced traced = trace(ODD("confined", rounds[i]));

		expect_traces(&traced, 1);
		expect_end(&traced, "exit", 0);
		expect_exact(&traced);
		cr_expect_eq(json_number_at(traced.report, "summary.leaked_blocks"), 1);
		cr_expect_eq(findings_of(&traced, "double-free"), 1);
		cr_expect_eq(calls_of(&traced, "AllocatePrivateHeap"),
			     212 + strtoll(rounds[i], NULL, 10));
		traced_release(&traced);
	}
}

/* What would need a system call, fails; only with the guard it is the host's. */
Test(odd, a_host_under_a_filter_that_kills_may_use_each_allocator, .timeout = 60)
{
	const char *const options[] = { "--allocator=host", "--allocator=embedded",
					"--allocator=guard" };

	for (size_t i = 0; i < 3; i++) {
		struct traced traced = trace_with((const char *const[]){ options[i], NULL },
						  ODD("confined-sections"));

		expect_end(&traced, "exit", 0);
		cr_expect_eq(findings_of(&traced, NULL), findings_of(&traced, "failed-call"));
		traced_release(&traced);
	}
}

Test(odd, what_is_freed_after_the_tracers_own_end_is_no_leak, .timeout = 60)
{
	struct traced traced = trace(ODD("free-at-exit"));

	expect_one(&traced, 0, 0);
	expect_end(&traced, "exit", 0);
	traced_release(&traced);
}

/* Another path in LD_PRELOAD belongs to the command. */
static struct traced trace_children(const char *const options[], const char *own)
{
	struct arguments command = { 0 };
	struct traced traced;

	arguments_add(&command, "env");
	arguments_add(&command, "LD_PRELOAD=%s%s", own, PACKAGE("interposer"));
	arguments_add_all(&command, ODD("children"));
	traced = traced_record(options, (const char *const *)command.all);
	arguments_release(&command);
	return traced;
}

Test(odd, children_are_traced_as_well, .timeout = 60)
{
	struct traced traced = trace_children(NO_OPTIONS, LIBRARY ":");

	expect_traces(&traced, 3);
	expect_leaks_exactly(&traced, 1, 11);
	cr_expect_not_null(strstr(traced.run.out, LIBRARY), "%s", traced.run.out);
	traced_release(&traced);
}

Test(odd, children_that_are_not_to_be_traced_know_nothing_of_the_tracer, .timeout = 60)
{
	struct run bare = traced_bare(
		COMMAND("env", "LD_PRELOAD=" PACKAGE("interposer"), ODD_HOST, "children"));
	struct traced traced = trace_children(COMMAND("--no-follow"), LIBRARY ":");

	expect_one(&traced, 1, 11);
	expect_same_run(&traced.run, &bare);
	traced_release(&traced);
	traced = trace_with(COMMAND("--no-follow"), ODD("children"));
	expect_one(&traced, 1, 11);
	run_release(&bare);
	traced_release(&traced);
}

/* Limits. */

Test(odd, a_trace_needs_few_descriptors, .timeout = 60)
{
	struct traced traced = trace(ODD("few-descriptors", "8"));

	expect_one(&traced, 1, 11);
	cr_expect_eq(events_of(&traced, "retained"), 2 * MANY + 1);
	traced_release(&traced);
}

/* The library cannot tell lsatrace either, which then prints its own message. */
Test(odd, without_a_descriptor_the_host_runs_untraced, .timeout = 60)
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

Test(odd, a_trace_goes_on_when_descriptors_are_used_up, .timeout = 60)
{
	struct traced traced = trace(ODD("no-descriptors-later"));

	expect_one(&traced, 2, 11 + 12);
	cr_expect_eq(events_of(&traced, "retained"), 2 * MANY + 22);
	traced_release(&traced);
}

Test(odd, a_table_is_given_whole_when_descriptors_are_used_up, .timeout = 60)
{
	struct traced traced = trace(ODD("split-table"));

	expect_traces(&traced, 1);
	traced_release(&traced);
}

Test(odd, a_limit_of_file_sizes_bounds_the_trace, .timeout = 60)
{
	struct traced traced = trace(ODD("file-size", "2000000"));

	expect_one(&traced, 2, 11 + 12);
	cr_expect_leq(size_of(traced.traces.all[0]), 2000000);
	cr_expect_gt(size_of(traced.traces.all[0]), 1000000, "most of the room is unused");
	traced_release(&traced);
}

Test(odd, a_limit_of_file_sizes_too_low_for_a_trace_leaves_the_host_untraced, .timeout = 60)
{
	expect_untraced(NO_OPTIONS, ODD("file-size", "100000"), "File too large");
}

/* With any amount of memory: traced, or untraced with one line. */
Test(odd, a_limit_of_address_space_never_ends_the_host, .timeout = 120)
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
Test(odd, a_small_ring_fits_into_little_address_space, .timeout = 60)
{
	struct traced traced = trace_with(COMMAND("--ring=1M"), ODD("address-space", "300"));

	expect_one(&traced, 2, 11 + 12);
	traced_release(&traced);
}

Test(odd, a_trace_without_more_memory_to_be_had_is_a_lower_bound, .timeout = 60)
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
Test(odd, a_host_that_locks_its_memory_pays_little_for_the_tracers, .timeout = 60)
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
Test(odd, a_host_that_locks_its_memory_pays_little_with_each_allocator, .timeout = 120)
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

Test(odd, a_trace_grows_on_when_the_host_closes_every_descriptor, .timeout = 60)
{
	struct traced traced = trace(ODD("close-all"));

	expect_one(&traced, 1, 11);
	cr_expect_eq(events_of(&traced, "retained"), 2 * MANY + 1);
	traced_release(&traced);
}

Test(odd, a_descriptor_that_the_host_has_taken_over_is_the_hosts, .timeout = 60)
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

Test(odd, a_host_that_locks_itself_up_as_nobody_is_traced_on, .timeout = 60)
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

Test(odd, an_unwritable_folder_leaves_the_host_untraced, .timeout = 60)
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
Test(odd, a_host_that_is_nobody_by_then_is_traced_where_nobody_may_write, .timeout = 60)
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

Test(odd, a_host_that_is_nobody_by_then_goes_on_where_nobody_may_write, .timeout = 60)
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

Test(odd, who_empties_the_trace_harms_the_trace_only, .timeout = 120)
{
	char *path = expect_unharmed("harm-trace", COMMAND("empty"));

	cr_expect_eq(size_of(path), 0, "nothing more is written to it");
	remove_trace(path);
}

Test(odd, a_trace_that_somebody_has_shortened_is_no_result, .timeout = 120)
{
	char *path = expect_unharmed("harm-trace", COMMAND("shorten"));
	struct run report = run_command(COMMAND(LSATRACE, "report", path));

	cr_expect_eq(report.status, 2);
	cr_expect_not_null(strstr(report.err, "cut off"), "%s", report.err);
	run_release(&report);
	remove_trace(path);
}

Test(odd, who_overwrites_the_trace_harms_the_trace_only, .timeout = 120)
{
	remove_trace(expect_unharmed("harm-trace", COMMAND("overwrite", "overwrite", "overwrite")));
}

Test(odd, whatever_is_done_to_the_trace_the_host_goes_on, .timeout = 120)
{
	remove_trace(expect_unharmed("harm-trace", COMMAND("lengthen", "overwrite", "shorten")));
	remove_trace(expect_unharmed("harm-trace",
				     COMMAND("overwrite", "empty-and-lengthen", "overwrite")));
}

Test(odd, a_host_handles_sigbus_itself_where_the_trace_is_not_concerned, .timeout = 120)
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
Test(odd, a_trace_in_memory_leaves_room_for_a_host_that_may_have_little, .timeout = 60)
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

Test(odd, a_trace_holds_nothing_of_what_blocks_hold, .timeout = 60)
{
	struct traced traced = trace(ODD("marked-blocks"));

	expect_traces(&traced, 1);
	cr_expect_eq(findings_of(&traced, "block-leak"), 400);
	cr_expect_eq(findings_of(&traced, "invalid-section"), 1);
	cr_expect(file_holds(traced.traces.all[0], "marked-blocks"), "nothing is found at all");
	cr_expect_not(file_holds(traced.traces.all[0], MARKER_WORD));
	traced_release(&traced);
}

/* Tables. */

static void expect_short_table(const char *scenario)
{
	struct traced traced = trace(ODD(scenario));

	expect_traces(&traced, 1);
	expect_exact(&traced);
	cr_expect_eq(calls_of(&traced, "CreateSharedMemory"), 2);
	cr_expect_eq(calls_of(&traced, "DeleteSharedMemory"), 1);
	cr_expect_eq(findings_of(&traced, "block-leak"), 2);
	cr_expect_eq(findings_of(&traced, "section-leak"), 1);
	cr_expect_eq(findings_of(&traced, NULL), 3);
	traced_release(&traced);
}

Test(odd, a_table_shorter_than_any_that_is_known_is_read_to_its_end, .timeout = 60)
{
	expect_short_table("short-table");
}

Test(odd, a_package_may_copy_its_table, .timeout = 60)
{
	expect_short_table("copied-table");
}

Test(odd, a_package_may_copy_more_of_a_table_than_there_is, .timeout = 60)
{
	struct traced traced = trace(ODD("dispatch-table"));

	expect_one(&traced, 1, 11);
	cr_expect_eq(calls_of(&traced, "CreateSharedMemory"), 1,
		     "the host's table was the full one");
	traced_release(&traced);
}

Test(odd, a_long_table_without_shared_memory_is_traced_as_a_whole, .timeout = 60)
{
	struct traced traced = trace(ODD("long-table", "sure"));

	expect_one(&traced, 2, 28);
	traced_release(&traced);
}

/* What the untraced functions gave may be freed: nobody is accused. */
Test(odd, a_table_whose_length_is_in_doubt_is_said_to_be, .timeout = 60)
{
	struct traced traced = trace(ODD("long-table", "doubtful"));

	struct run report;

	expect_traces(&traced, 1);
	expect_leaks(&traced, 1, 11);
	cr_expect_eq(json_number_at(traced.report, "summary.lost.packages"), 1);
	report = run_command(COMMAND(LSATRACE, "report", traced.traces.all[0]));
	cr_expect(strstr(report.out, " was taken for 11 functions, because its slot 13 holds "),
		  "%s", report.out);
	run_release(&report);
	traced_release(&traced);
}

Test(odd, a_package_without_a_long_table_has_the_heap_of_its_short_one, .timeout = 60)
{
	struct traced traced = trace(ODD("eleven-then-null"));

	expect_one(&traced, 0, 0);
	traced_release(&traced);
}

Test(odd, a_package_that_is_given_no_table_has_none, .timeout = 60)
{
	struct traced traced = traced_record(COMMAND("--allocator=host"), ODD("null-table"));

	expect_traces(&traced, 0);
	cr_expect_eq(traced.run.status, 0);
	cr_expect_str_eq(traced.run.out, "0\ntable no\n");
	expect_line(traced.run.err, "lsatrace: no security package was initialised in ", "");
	traced_release(&traced);
}

Test(odd, slots_that_hold_no_function_stay_as_they_are, .timeout = 60)
{
	struct traced traced = trace_with(COMMAND("--allocator=host"), ODD("empty-slots"));

	expect_one(&traced, 1, 11);
	traced_release(&traced);
}

Test(odd, a_package_that_is_initialised_again_calls_the_table_that_it_was_given_last, .timeout = 60)
{
	struct traced traced = trace(ODD("twice"));

	expect_traces(&traced, 1);
	expect_exact(&traced);
	cr_expect_eq(findings_of(&traced, "block-leak"), 2);
	cr_expect_eq(findings_of(&traced, "failed-call"), 1);
	cr_expect_eq(json_array_size(json_at(traced.report, "traces.0.packages")), 1u);
	traced_release(&traced);
}

Test(odd, a_package_may_have_its_functions_only_when_it_is_initialised, .timeout = 60)
{
	struct traced traced = trace(ODD("late-functions"));

	expect_one(&traced, 1, 15);
	traced_release(&traced);
}

Test(odd, a_package_that_fails_to_initialise_is_heard_of_by_the_host, .timeout = 60)
{
	struct traced traced = trace(ODD("failing"));

	expect_one(&traced, 1, 14);
	traced_release(&traced);
}

Test(odd, a_packages_name_need_not_be_ascii, .timeout = 60)
{
	struct traced traced = trace(ODD("end", "return"));
	const char *name = json_text_at(traced.report, "traces.0.packages.0.name");

	cr_expect(name && strncmp(name, "odd-\u00e9-\u6f22-", 10) == 0, "%s", name);
	traced_release(&traced);
}

/* What dlsym() finds. */

static void copy_file(const char *from, const char *to)
{
	struct run run = run_command(COMMAND("cp", from, to));

	cr_assert_eq(run.status, 0, "%s", run.err);
	run_release(&run);
}

Test(odd, libraries_find_the_entry_points_that_they_find_bare, .timeout = 60)
{
	char *folder = temporary_folder_new(), path[4096];
	struct traced traced;

	join(path, folder, "other.so");
	copy_file(PACKAGE("itself"), path);
	traced = trace(COMMAND(LSA_HOST, PACKAGE("itself"), path));
	expect_one(&traced, 2, 2 * 29);
	traced_release(&traced);
	temporary_folder_remove(folder);
}

static void expect_same_symbols(const char *preload, const struct run *bare)
{
	struct arguments command = { 0 };
	struct traced traced;

	arguments_add(&command, "env");
	arguments_add(&command, "LD_PRELOAD=%s", preload);
	arguments_add_all(&command, ODD("resolve"));
	traced = traced_record(NO_OPTIONS, (const char *const *)command.all);
	expect_traces(&traced, 1);
	expect_same_run(&traced.run, bare);
	arguments_release(&command);
	traced_release(&traced);
}

Test(odd, other_libraries_that_get_in_front_of_functions_find_the_same_ones, .timeout = 60)
{
	struct run bare = traced_bare(
		COMMAND("env", "LD_PRELOAD=" PACKAGE("interposer"), ODD_HOST, "resolve"));

	cr_expect_not_null(strstr(bare.out, "interposer: next malloc: libc.so.6"), "%s", bare.out);
	expect_same_symbols(LIBRARY ":" PACKAGE("interposer"), &bare);
	expect_same_symbols(PACKAGE("interposer") ":" LIBRARY, &bare);
	run_release(&bare);
}

/* The sanitizer asks the tracer for the real functions, so the tracer cannot call them. There is
 * no environment yet. */
Test(odd, a_program_with_a_sanitizer_in_it_begins_before_us, .timeout = 60)
{
	struct traced traced = trace(ODD("sanitized"));

	expect_one(&traced, 1, 13);
	traced_release(&traced);
}

/* Builds lsahost with a sanitizer, as "host" in a new folder, and returns that. NULL: it cannot be
 * built. */
static char *build_host(const char *compiler, char *host, size_t bytes)
{
	char *folder = temporary_folder_new(), command[4096];

	snprintf(host, bytes, "%s/host", folder);
	snprintf(command, sizeof(command),
		 "%s -g -O1 -w -D_GNU_SOURCE= -I" SOURCE_DIR " -I" SOURCE_DIR
		 "/include -o %s " SOURCE_DIR "/tests/host/*.c -ldl -lpthread 2>/dev/null",
		 compiler, host);
	if (system(command) == 0)
		return folder;
	temporary_folder_remove(folder);
	return NULL;
}

/* The path of a library of gcc's; "": it has none. */
static const char *library_of_gcc(const char *name)
{
	static char path[4096];
	char command[256];
	FILE *answer;

	snprintf(command, sizeof(command), "readlink -e \"$(gcc -print-file-name=%s)\"", name);
	answer = popen(command, "r");
	cr_assert_not_null(answer);
	if (!fgets(path, sizeof(path), answer))
		path[0] = '\0';
	pclose(answer);
	path[strcspn(path, "\n")] = '\0';
	return path;
}

static void expect_sanitized_demo(const char *const command[])
{
	struct traced traced = trace(command);
	const char *preload = getenv("LD_PRELOAD");

	expect_traces(&traced, 1);
	cr_expect_eq(json_number_at(traced.report, "summary.errors"), 8, "%s", preload);
	traced_release(&traced);
}

/* A sanitizer's library must be the first of all. lsatrace puts it there, also where a program is
 * executed by another one; or the user has put it there. `library` is its path; "": it is linked
 * statically. */
static void expect_traced_with(const char *compiler, const char *library)
{
	char *folder, host[4096];
	const char *const command[] = { host, PACKAGE("demo"), NULL };
	const char *const by_shell[] = { "sh", "-c", "exec \"$0\" \"$1\"", host, PACKAGE("demo"),
					 NULL };

#if defined(__SANITIZE_ADDRESS__)
	cr_skip_test("lsatrace has a sanitizer of its own here");
#endif
	folder = library ? build_host(compiler, host, sizeof(host)) : NULL;
	if (!folder)
		cr_skip_test("%s does not work here", compiler);
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	expect_sanitized_demo(command);
	expect_sanitized_demo(by_shell);
	if (*library) {
		setenv("LD_PRELOAD", library, 1);
		expect_sanitized_demo(command);
		unsetenv("LD_PRELOAD");
	}
	temporary_folder_remove(folder);
}

Test(odd, a_program_with_a_shared_address_sanitizer_is_traced, .timeout = 120)
{
	const char *library = library_of_gcc("libasan.so");

	expect_traced_with("gcc -fsanitize=address", *library ? library : NULL);
}

Test(odd, a_program_with_a_shared_thread_sanitizer_is_traced, .timeout = 120)
{
	const char *library = library_of_gcc("libtsan.so");

	expect_traced_with("gcc -fsanitize=thread", *library ? library : NULL);
}

Test(odd, a_program_with_a_thread_sanitizer_in_it_is_traced, .timeout = 120)
{
	expect_traced_with("clang -fsanitize=thread", "");
}

Test(odd, a_program_with_an_undefined_behaviour_sanitizer_is_traced, .timeout = 120)
{
	expect_traced_with("gcc -fsanitize=undefined", "");
}

Test(odd, a_program_with_memory_sanitizer_is_left_alone, .timeout = 120)
{
	char host[4096], *folder = build_host("clang -fsanitize=memory", host, sizeof(host));
	const char *const command[] = { host, PACKAGE("demo"), NULL };
	struct traced traced;
	struct run bare;

	if (!folder)
		cr_skip_test("clang has no MemorySanitizer here");
	bare = traced_bare(command);
	traced = traced_record(NO_OPTIONS, command);
	expect_traces(&traced, 0);
	cr_expect_eq(traced.run.status, bare.status);
	cr_expect_str_eq(traced.run.out, bare.out);
	cr_expect_str_eq(traced.run.err, "lsatrace: not tracing: the program is built with "
					 "MemorySanitizer, which would end it\n");
	run_release(&bare);
	traced_release(&traced);
	temporary_folder_remove(folder);
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

Test(odd, a_backtrace_is_as_deep_as_was_asked_for, .timeout = 60)
{
	expect_frames("--depth=1", "300", 1);
	expect_frames("--depth=2", "300", 2);
	expect_frames("--depth=64", "300", 64);
	expect_frames("--depth=256", "300", 256);
	expect_frames("--depth=256", "1000", 256);
}

Test(odd, families_that_were_not_asked_for_are_not_traced, .timeout = 60)
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

Test(odd, a_name_is_made_of_what_the_pattern_says, .timeout = 60)
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

Test(odd, record_replaces_the_file_that_was_named, .timeout = 60)
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

Test(odd, a_traced_process_takes_no_files_place, .timeout = 60)
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

Test(odd, a_link_in_the_traces_place_is_not_followed, .timeout = 60)
{
	expect_link_left_alone("precious");
	expect_link_left_alone("");
}

Test(odd, a_file_is_its_owners_alone_whatever_the_umask, .timeout = 60)
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

Test(odd, a_full_disk_leaves_the_host_untraced, .timeout = 60)
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

Test(odd, a_disk_too_small_for_the_ring_is_used_as_far_as_it_goes, .timeout = 60)
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

Test(odd, a_disk_that_fills_up_takes_history_and_no_results, .timeout = 60)
{
	expect_full_disk_later("1000", true);
}

Test(odd, a_full_disk_without_room_for_the_results_makes_them_a_lower_bound, .timeout = 60)
{
	expect_full_disk_later("100000", false);
}

Test(odd, a_disk_that_may_not_be_written_leaves_the_host_untraced, .timeout = 60)
{
	char *disk = disk_of("size=1m,ro"), option[4200];

	snprintf(option, sizeof(option), "--output=%s/a.trace", disk);
	expect_untraced(COMMAND(option), ODD("end", "return"), "Read-only file system");
	remove_disk(disk);
}

/* The main job, at its size. */

static void expect_bound(const char *path, double bytes)
{
	struct stat status;

	cr_assert_eq(stat(path, &status), 0);
	cr_expect_leq((double)status.st_size, bytes * 1.1);
	cr_expect_leq((double)status.st_blocks * 512, bytes * 1.1);
}

Test(odd, ten_million_calls_on_two_threads_are_exact_in_sixteen_megabytes, .timeout = 280)
{
	struct traced traced = trace_with(COMMAND("--ring=16M"),
					  COMMAND(LSA_HOST, "--threads=2", "--repeat=50000",
						  "--command=calls=100 leaks=9", PACKAGE("load")));

	expect_one(&traced, 9, 9 * 24);
	cr_expect(
		json_same_text(json_text_at(traced.report, "findings.0.stacks.allocate.0.function"),
			       "plant_leak"));
	cr_expect_eq(events_of(&traced, "recorded"), 10000009);
	cr_expect_eq(events_of(&traced, "lost"), 0);
	cr_expect_eq(events_of(&traced, "torn"), 0);
	cr_expect_eq(events_of(&traced, "overwritten"), 10000009 - events_of(&traced, "retained"));
	expect_bound(traced.traces.all[0], 16 << 20);
	traced_release(&traced);
}
