/* SPDX-License-Identifier: MIT */
/* Tests of how processes are made, become other programs, and end. */
#include "tests/support/expect.h"
#include "tests/support/json.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define FOREIGN_FOLDER BUILD_DIR "/tests/foreign"
#define FOREIGN FOREIGN_FOLDER "/program"

static const char *const exec_functions[] = { "execl",  "execlp",  "execle",  "execv",   "execvp",
					      "execve", "execvpe", "fexecve", "execveat" };

Test(processes, each_exec_function_ends_the_trace, .timeout = 120)
{
	for (size_t i = 0; i < sizeof(exec_functions) / sizeof(exec_functions[0]); i++) {
		struct traced traced = trace(ODD("become", exec_functions[i], "/bin/sh"));

		expect_one(&traced, 1, 11);
		expect_end(&traced, "exec", -1);
		cr_expect_eq(traced.run.status, 5);
		traced_release(&traced);
	}
}

Test(processes, a_trace_goes_on_when_exec_fails, .timeout = 120)
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

Test(processes, a_program_of_another_c_library_is_executed_untraced, .timeout = 120)
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

/* The session is remembered. */
Test(processes, a_host_that_clears_its_environment_is_found, .timeout = 60)
{
	struct traced traced = traced_record(NO_OPTIONS, ODD("clear-environment"));

	expect_one(&traced, 1, 11);
	cr_expect_eq(traced.run.status, 9);
	cr_expect_str_eq(traced.run.err, "");
	traced_release(&traced);
}

Test(processes, a_program_that_is_executed_without_the_library_is_named, .timeout = 60)
{
	struct traced traced =
		traced_record(NO_OPTIONS, COMMAND("sh", "-c",
						  ODD_HOST " end _exit; env -i " ODD_HOST
							   " end _exit; env -i " ODD_HOST
							   " end _exit; env -i not-there; exit 3"));

	expect_one(&traced, 1, 11);
	cr_expect_eq(traced.run.status, 3);
	cr_expect(strstr(traced.run.err, "lsatrace: not traced: " ODD_HOST
					 " was executed in an environment without the library"),
		  "%s", traced.run.err);
	cr_expect_null(strstr(traced.run.err, "not traced: not-there"), "%s", traced.run.err);
	traced_release(&traced);
}

/* Without a session there is nobody to tell. */
Test(processes, a_library_that_is_preloaded_by_its_name_alone_is_kept_out_as_well, .timeout = 60)
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

Test(processes, a_script_for_such_a_program_is_executed_untraced, .timeout = 60)
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

Test(processes, a_process_that_becomes_another_host_has_two_traces, .timeout = 60)
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

Test(processes, a_vforked_childs_exec_and_exit_do_not_end_the_parents_trace, .timeout = 60)
{
	expect_killed_later("vforks");
}

Test(processes, spawned_programs_do_not_end_the_trace, .timeout = 60)
{
	expect_killed_later("spawns");
}

Test(processes, children_that_never_call_have_no_trace_and_leave_the_parents_alone, .timeout = 60)
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

Test(processes, a_child_that_the_c_library_does_not_know_of_has_its_own_trace, .timeout = 60)
{
	struct traced traced = trace(ODD("raw-forks"));

	expect_traces(&traced, 2);
	expect_leaks_exactly(&traced, 2, 13 + 17);
	expect_leak_of_child(&traced, 17);
	for (size_t i = 0; i < 2; i++)
		cr_expect_str_eq(
			json_text_at(json_array_get(json_object_get(traced.report, "traces"), i),
				     "end"),
			"exit");
	traced_release(&traced);
}

/* What happened is not in the future, and not before the trace was begun. Texts of times have an order. */
Test(processes, times_of_a_child_are_those_of_the_clock, .timeout = 60)
{
	struct traced traced = traced_record(COMMAND(NULL), ODD("forks-later")), child = { 0 };
	struct timespec now;
	char end[40];
	const char *path, *start, *last;
	size_t length;

	clock_gettime(CLOCK_REALTIME, &now);
	traced_look(&traced);
	path = find_child(&traced);
	cr_assert_not_null(path);
	child.report = traced_report(COMMAND(path), &child.report_status);
	expect_leaks_exactly(&child, 1, 17);
	length = strftime(end, sizeof(end), "%Y-%m-%dT%H:%M:%S", gmtime(&now.tv_sec));
	snprintf(end + length, sizeof(end) - length, ".%06ldZ", now.tv_nsec / 1000);
	start = json_text_at(child.report, "traces.0.start_time");
	last = json_text_at(child.report, "findings.0.last_time");
	cr_expect_leq(strcmp(start, last), 0, "%s, %s", start, last);
	cr_expect_leq(strcmp(last, end), 0, "%s, %s", last, end);
	json_decref(child.report);
	traced_release(&traced);
}

Test(processes, a_host_that_forks_in_a_call_returns_from_it_twice, .timeout = 60)
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

Test(processes, a_host_that_becomes_a_daemon_is_traced_on, .timeout = 60)
{
	struct traced traced = trace(ODD("daemon"));

	await_end_of_all(&traced, 2);
	expect_leaks_exactly(&traced, 2, 13 + 77);
	traced_release(&traced);
}

Test(processes, each_way_to_end_is_in_the_trace, .timeout = 120)
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

/* exit(3) had begun, but the process did not end by it. */
Test(processes, a_process_that_ends_in_a_destructor_has_that_end, .timeout = 60)
{
	static const struct {
		const char *how, *end;
		int status;
	} ends[] = { { "9", "killed", 128 + 9 },
		     { "11", "killed", 128 + 11 },
		     { "8", "killed", 128 + 8 },
		     { "abort", "killed", 128 + 6 },
		     { "_exit", "exit", 4 } };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct traced traced = trace(ODD("ended-in-destructor", ends[i].how));

		expect_one(&traced, 1, 31);
		expect_end(&traced, ends[i].end, ends[i].status);
		traced_release(&traced);
	}
}

/* In a file that grows, in one that is overwritten, with the host's memory and with each allocator. */
Test(processes, no_allocator_no_loader_and_no_cancellation_point_is_on_the_way_of_a_call,
     .timeout = 240)
{
	static const char *const options[] = { "--mode=full", "--ring=1M", "--allocator=embedded",
					       "--allocator=guard" };

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct traced traced = trace_with((const char *const[]){ options[i], NULL },
						  COMMAND(BUILD_DIR "/tests/stricthost"));

		expect_traces(&traced, 2);
		expect_exact(&traced);
		cr_expect_eq(json_number_at(traced.report, "summary.leaked_blocks"), 1);
		cr_expect_eq(json_number_at(traced.report, "summary.leaked_bytes"), 31);
		cr_expect_gt(findings_of(&traced, NULL), findings_of(&traced, "block-leak"));
		traced_release(&traced);
	}
}

/* What the library could call at all. */
Test(processes, the_library_imports_no_allocator_no_lock_and_no_cancellation_point)
{
	static const char forbidden[] =
		" malloc calloc realloc free posix_memalign aligned_alloc strdup __tls_get_addr"
		" dl_iterate_phdr dladdr dlerror dlsym dlvsym dlclose pthread_mutex_lock "
		"pthread_once"
		" pthread_cond_wait pthread_rwlock_rdlock sem_wait pthread_join pthread_testcancel"
		" open openat creat close read readv pread pread64 write writev pwrite pwritev2 "
		"fcntl"
		" fcntl64 fallocate posix_fallocate fsync msync nanosleep clock_nanosleep usleep "
		"sleep"
		" poll select pause sigsuspend wait waitpid fopen printf exit _exit syscall ";
	struct run run = run_command(COMMAND("nm", "-D", "--undefined-only", LIBRARY));
	char *line, *rest = run.out;

	cr_assert_eq(run.status, 0, "%s", run.err);
	while ((line = strtok_r(rest, "\n", &rest)) != NULL) {
		char *name = strrchr(line, ' ');
		size_t bytes = strcspn(name, "@");
		const char *found;

		name[bytes] = '\0';
		found = strstr(forbidden, name);
		cr_expect_not(found && found[bytes] == ' ', "%s", name);
	}
	run_release(&run);
}

/* What the tracer has to say is not said there. */
Test(processes, a_file_that_is_the_hosts_descriptor_2_is_not_written_to, .timeout = 60)
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
Test(processes, a_file_that_is_the_hosts_descriptor_2_is_not_written_to_without_record,
     .timeout = 60)
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
Test(processes, a_host_under_a_filter_that_kills_is_traced_without_system_calls, .timeout = 60)
{
	static const char *const ways[][2] = { { "prctl", "10" },
					       { "prctl", "100000" },
					       { "seccomp", "100000" },
					       { "syscall", "100000" } };

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct traced traced = trace(ODD("confined", ways[i][0], ways[i][1]));

		expect_traces(&traced, 1);
		expect_end(&traced, "exit", 0);
		expect_exact(&traced);
		cr_expect_eq(json_number_at(traced.report, "summary.leaked_blocks"), 1);
		cr_expect_eq(findings_of(&traced, "double-free"), 1);
		cr_expect_eq(calls_of(&traced, "AllocatePrivateHeap"),
			     212 + strtoll(ways[i][1], NULL, 10));
		traced_release(&traced);
	}
}

Test(processes, a_host_without_the_time_stamp_counter_is_traced_on, .timeout = 60)
{
	struct traced traced = trace(ODD("without-counter"));

	expect_traces(&traced, 2);
	expect_leaks_exactly(&traced, 1, 31);
	traced_release(&traced);
}

/* What would need a system call, fails; only with the guard it is the host's. */
Test(processes, a_host_under_a_filter_that_kills_may_use_each_allocator, .timeout = 60)
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

Test(processes, what_is_freed_after_the_tracers_own_end_is_no_leak, .timeout = 60)
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

Test(processes, children_are_traced_as_well, .timeout = 60)
{
	struct traced traced = trace_children(NO_OPTIONS, LIBRARY ":");

	expect_traces(&traced, 3);
	expect_leaks_exactly(&traced, 1, 11);
	cr_expect_not_null(strstr(traced.run.out, LIBRARY), "%s", traced.run.out);
	traced_release(&traced);
}

Test(processes, children_that_are_not_to_be_traced_know_nothing_of_the_tracer, .timeout = 60)
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
