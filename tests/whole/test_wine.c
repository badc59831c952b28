/* SPDX-License-Identifier: MIT */
/*
 * Hosts and packages for Windows, under Wine: the ways to a package that test_wine_packages.c has not, and
 * what only programs for Windows do. Everywhere the command must do what it does untraced.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "tests/support/expect.h"
#include "tests/support/json.h"
#include "tests/support/wine.h"

#define PE_HOST_EXE BUILD_DIR "/tests/pehost.exe"
#define PE_HOST(...) COMMAND("wine", PE_HOST_EXE, __VA_ARGS__)

enum { LEAK_BYTES = 44, ONE_BYTES = 61, TWO_BYTES = 62, FAULT_BYTES = 33, THROWN_BYTES = 56 };

/* Where Windows looks for the DLLs that a package leads to. */
static void start_wine(void)
{
	wine_start(PE_HOST_EXE);
	cr_assert_eq(chdir(BUILD_DIR "/tests/packages"), 0);
}

TestSuite(wine, .init = start_wine, .fini = wine_stop, .timeout = 280);

static const char *leaking_function(const struct traced *traced, size_t finding)
{
	char path[64];

	snprintf(path, sizeof(path), "findings.%zu.stacks.allocate.0.function", finding);
	return json_text_at(traced->report, path);
}

/* The package that leaks an account's name. */
static void expect_leaking_package(const char *const command[])
{
	struct traced traced = trace_one(command);

	expect_one(&traced, 1, LEAK_BYTES);
	cr_expect_str_eq(leaking_function(&traced, 0), "leak_account_name");
	traced_release(&traced);
}

Test(wine, an_entry_point_is_found_by_name)
{
	expect_leaking_package(PE_HOST("name", DLL("lsa_heap_leak")));
}

Test(wine, a_library_with_a_clients_half_only_is_traced)
{
	struct traced traced = trace_one(COMMAND(LSATRACE, "host", DLL("client_half")));

	expect_one(&traced, 1, 24);
	cr_expect_str_eq(leaking_function(&traced, 0), "keep_block");
	cr_expect_eq(calls_of(&traced, "AllocateHeap"), 2);
	cr_expect_eq(calls_of(&traced, "FreeHeap"), 1);
	traced_release(&traced);
}

Test(wine, an_entry_point_is_found_by_its_number)
{
	expect_leaking_package(PE_HOST("ordinal", DLL("lsa_heap_leak")));
}

Test(wine, an_entry_point_is_found_in_a_dll_that_forwards_it)
{
	expect_leaking_package(PE_HOST("name", DLL("forwarder")));
}

/* As everywhere but in tests. Where the kernel has put the heap into Wine's way, Wine says so, and is started
 * again. If the tracer lay there, it would do so each time. */
Test(wine, a_program_with_random_addresses_is_traced)
{
	struct traced traced;
	int tries = 0;
	bool has_room;

	cr_assert(personality(0) >= 0 && setenv("WINEDEBUG", "-all,err+virtual", 1) == 0);
	do {
		if (tries > 0)
			traced_release(&traced);
		traced = traced_record(NO_OPTIONS, PE_HOST("name", DLL("lsa_heap_leak")));
		has_room = !strstr(traced.run.err, "failed to map the shared user data");
	} while (!has_room && ++tries < 3);
	cr_assert(has_room, "%s", traced.run.err);
	cr_expect_eq(traced.run.status, 0, "%s", traced.run.err);
	expect_one(&traced, 1, LEAK_BYTES);
	cr_expect_str_eq(leaking_function(&traced, 0), "leak_account_name");
	traced_release(&traced);
}

/* Both DLLs want to lie at one address: Wine moves the second one. The host calls its package twice. */
Test(wine, packages_that_are_relocated_are_traced)
{
	struct traced traced = trace_one(PE_HOST("pair", DLL("twin_one"), DLL("twin_two")));

	expect_one(&traced, 3, ONE_BYTES + 2 * TWO_BYTES);
	cr_expect_eq(json_array_size(json_at(traced.report, "findings")), 3u);
	traced_release(&traced);
}

static long long count_of_leaks_in(const struct traced *traced, const char *function)
{
	long long count = 0;

	for (size_t i = 0; i < json_array_size(json_at(traced->report, "findings")); i++) {
		char path[64];

		snprintf(path, sizeof(path), "findings.%zu.count", i);
		if (json_same_text(leaking_function(traced, i), function))
			count += json_number_at(traced->report, path);
	}
	return count;
}

/* Rules, backtraces, packages and modules of one are never taken for those of the other. */
Test(wine, what_is_loaded_where_something_else_was_is_told_apart)
{
	enum { ROUNDS = 100 };
	struct traced traced = trace_one(PE_HOST("reload", "100", DLL("twin_one"), DLL("twin_two")));

	cr_expect(strstr(traced.run.err, "200 times at the first base"), "%s", traced.run.err);
	expect_one(&traced, 2 * ROUNDS, ROUNDS * (ONE_BYTES + TWO_BYTES));
	cr_expect_eq(json_array_size(json_at(traced.report, "findings")), 2u);
	cr_expect_eq(count_of_leaks_in(&traced, "leak_of_one"), ROUNDS);
	cr_expect_eq(count_of_leaks_in(&traced, "leak_of_two"), ROUNDS);
	traced_release(&traced);
}

/* Three threads call a package all the time. */
Test(wine, packages_come_and_go_while_threads_call_another_one)
{
	struct traced traced =
		trace_one(PE_HOST("threads", "200", DLL("load"), DLL("twin_one"), DLL("twin_two")));

	expect_one(&traced, 400, 200 * (ONE_BYTES + TWO_BYTES));
	cr_expect_eq(count_of_leaks_in(&traced, "leak_of_two"), 200);
	cr_expect_eq(calls_of(&traced, "CreateSharedMemory"), 900);
	traced_release(&traced);
}

Test(wine, threads_may_be_suspended_wherever_they_are)
{
	struct traced traced = trace_one(PE_HOST("suspend", "300", DLL("load")));

	cr_expect(strstr(traced.run.out, "seen: 1"), "%s", traced.run.out);
	expect_one(&traced, 0, 0);
	cr_expect_eq(events_of(&traced, "recorded"), 3 * 30 * 10000);
	traced_release(&traced);
}

/* By CreateProcess(). */
Test(wine, a_program_that_a_program_starts_is_traced)
{
	expect_leaking_package(
		COMMAND("wine", "cmd", "/c", "..\\pehost.exe", "name", "lsa_heap_leak.dll"));
}

/* Wine unwinds through functions of the tracer, to a handler of the host's. */
Test(wine, access_violations_are_handled_as_without_the_tracer)
{
	struct traced traced = trace_one(PE_HOST("fault", DLL("fault")));

	cr_expect(strstr(traced.run.out, "entry point: 1"), "%s", traced.run.out);
	cr_expect(strstr(traced.run.out, "call: 1"), "%s", traced.run.out);
	expect_one(&traced, 3, 3 * FAULT_BYTES);
	cr_expect_str_eq(leaking_function(&traced, 0), "run_into_fault");
	traced_release(&traced);
}

/* Without a debugger, which a crash takes seconds to start, and which may end the program with status 0. */
static struct traced trace_crash(const char *command)
{
	struct traced traced;
	struct run bare;

	cr_assert_eq(setenv("WINEDLLOVERRIDES", "winedbg.exe=d", 1), 0);
	bare = traced_bare(PE_HOST("crash", command, DLL("fault")));
	traced = traced_record(NO_OPTIONS, PE_HOST("crash", command, DLL("fault")));
	cr_expect_eq(traced.run.status, bare.status);
	cr_expect_str_eq(traced.run.out, bare.out);
	expect_traces(&traced, 1);
	expect_exact(&traced);
	expect_end(&traced, "exit", bare.status);
	run_release(&bare);
	return traced;
}

static void expect_crash(const char *command, const char *code, const char *function)
{
	struct traced traced = trace_crash(command);
	const json_t *stack = json_at(traced.report, "traces.0.exception.stack");
	bool is_there = false;

	cr_expect(json_same_text(json_text_at(traced.report, "traces.0.exception.code"), code));
	for (size_t i = 0; i < json_array_size(stack); i++) {
		char path[64];

		snprintf(path, sizeof(path), "traces.0.exception.stack.%zu.function", i);
		is_there |= json_same_text(json_text_at(traced.report, path), function);
	}
	cr_expect(is_there, "%s: %s", command, function);
	traced_release(&traced);
}

/* What was handled before is none. */
Test(wine, an_exception_that_ends_a_program_is_told_with_its_stack)
{
	expect_crash("fault", "0xc0000005", "run_into_fault");
	expect_crash("raise", "0xe0001234", "call_package");
	expect_crash("overflow", "0xc00000fd", "fill_stack");
}

Test(wine, a_program_that_ends_by_a_status_of_functions_has_not_crashed)
{
	struct traced traced = trace_crash("status");

	cr_expect(json_is_null(json_at(traced.report, "traces.0.exception")));
	traced_release(&traced);
}

static void expect_stack(const struct traced *traced, size_t finding, const char *const functions[])
{
	for (size_t i = 0; functions[i]; i++) {
		char path[64];

		snprintf(path, sizeof(path), "findings.%zu.stacks.allocate.%zu.function", finding,
			 i);
		cr_expect(json_same_text(json_text_at(traced->report, path), functions[i]),
			  "%s: %s", path, functions[i]);
	}
}

/* A program of winelib: each package is called by its own convention, by one host, on one stack. */
Test(wine, packages_for_windows_and_for_linux_are_traced_in_one_process)
{
	static const char *const windows[] = {
		"leak_account_name",    "run",  "call_package",
		"winelib_call_windows", "main", "__wine_spec_exe_entry",
		"BaseThreadInitThunk",  NULL
	};
	static const char *const native[] = { "leak_account_name",   "run",  "call_package",
					      "winelib_call_native", "main", NULL };
	struct traced traced;

	if (access(BUILD_DIR "/tests/winelib.exe.so", F_OK) != 0)
		cr_skip_test("winegcc is not installed");
	traced = trace_one(COMMAND("wine", BUILD_DIR "/tests/winelib.exe.so", DLL("lsa_heap_leak"),
				   PACKAGE("lsa_heap_leak")));
	expect_one(&traced, 3, 3 * LEAK_BYTES);
	expect_stack(&traced, 0, windows);
	expect_stack(&traced, 1, native);
	expect_stack(&traced, 2, windows);
	cr_expect_eq(calls_of(&traced, "AllocateLsaHeap"), 3);
	traced_release(&traced);
}

static void need_guest(void)
{
	if (access(DLL("guest"), F_OK) != 0)
		cr_skip_test("mingw-w64 has no g++: NO EXCEPTION IS THROWN");
}

/* While Windows unwinds, destructors call the table: on stacks that go on in its functions. */
static void expect_leaking_destructor(const struct traced *traced)
{
	const char *caller = json_text_at(traced->report, "findings.0.stacks.allocate.1.function");

	expect_one(traced, 1, THROWN_BYTES);
	cr_expect(caller && strstr(caller, "::~holder"), "%s", caller);
}

Test(wine, destructors_of_an_exception_are_traced)
{
	struct traced traced;

	need_guest();
	traced = trace_one(PE_HOST("call", "throw=100 leak", DLL("guest")));
	expect_leaking_destructor(&traced);
	cr_expect_eq(calls_of(&traced, "AllocateLsaHeap"), 100 * 19 + 20);
	cr_expect_eq(calls_of(&traced, "FreeLsaHeap"), 100 * 19 + 19);
	traced_release(&traced);
}

/* SIGSEGV is Wine's: it gets the very context, in which it lets the thread go on in its own code. */
Test(wine, a_fault_of_a_guarded_block_is_handled_by_the_program)
{
	struct traced traced;

	need_guest();
	traced = traced_record((const char *const[]){ "--allocator=guard", NULL },
			       PE_HOST("overrun", DLL("guest")));
	cr_expect(strstr(traced.run.out, "handled: 1\r\nhandled: 1\r\nhandled: 1\r\n"), "%s",
		  traced.run.out);
	cr_expect_eq(traced.run.status, 0);
	expect_exact(&traced);
	cr_expect_eq(findings_of(&traced, "overflow"), 3);
	cr_expect_eq(findings_of(&traced, NULL), 3);
	cr_expect(json_same_text(json_text_at(traced.report, "findings.0.stacks.call.0.function"),
				 "overrun"));
	traced_release(&traced);
}

/* Wine cannot map there, and reads. wineserver, which opens files, has to be started there as well. */
Test(wine, packages_that_wine_reads_and_does_not_map_are_traced)
{
	static const char script[] =
		"mount --bind \"$0\" \"$0\" && mount -o remount,bind,noexec \"$0\" && "
		"cp \"$2\" \"$3\" \"$0\" && "
		"exec wine \"$1\" reload 3 \"$0/twin_one.dll\" \"$0/twin_two.dll\"";
	char *folder = temporary_folder_new();
	struct traced traced;
	struct run run = run_command(COMMAND("unshare", "-Urm", "true"));

	if (run.status != 0)
		cr_skip_test("nothing can be mounted here: NO IMAGE IS READ");
	run_release(&run);
	wine_stop_server();
	traced = traced_record(NO_OPTIONS, COMMAND("unshare", "-Urm", "sh", "-c", script, folder,
						   PE_HOST_EXE, DLL("twin_one"), DLL("twin_two")));
	cr_expect(strstr(traced.run.err, "6 times at the first base"), "%s", traced.run.err);
	expect_one(&traced, 6, 3 * (ONE_BYTES + TWO_BYTES));
	cr_expect_eq(count_of_leaks_in(&traced, "leak_of_one"), 3);
	cr_expect_eq(count_of_leaks_in(&traced, "leak_of_two"), 3);
	traced_release(&traced);
	temporary_folder_remove(folder);
}

/* NULL: it is no leak. */
static const char *reachability_of(const struct traced *traced, long long bytes)
{
	for (size_t i = 0; i < json_array_size(json_at(traced->report, "findings")); i++) {
		char path[64];

		snprintf(path, sizeof(path), "findings.%zu.bytes", i);
		if (json_number_at(traced->report, path) != bytes)
			continue;
		snprintf(path, sizeof(path), "findings.%zu.reachability", i);
		return json_text_at(traced->report, path);
	}
	return NULL;
}

static void expect_reachability(const struct traced *traced, const char *command, int bytes,
				const char *expected)
{
	const char *found = reachability_of(traced, bytes);

	cr_expect(json_same_text(found, expected), "%s: %d bytes: %s, not %s", command, bytes,
		  found ? found : "no leak", expected);
}

/* `from` to `to` are reachable, by the size of each; 201 is what it is. */
static void expect_reachable(const char *command, int from, int to, const char *what_is_lost)
{
	struct traced traced = trace_with((const char *const[]){ "--leak-check=yes", NULL },
					  PE_HOST("forget", command, DLL("keeper")));

	expect_exact(&traced);
	for (int bytes = from; bytes <= to; bytes++)
		expect_reachability(&traced, command, bytes, "reachable");
	expect_reachability(&traced, command, 201, what_is_lost);
	traced_release(&traced);
}

/* keeper_windows.c has the blocks. Of threads that Wine ends, not all registers are kept. */
Test(wine, what_a_program_keeps_in_any_of_its_memory_is_reachable)
{
	expect_reachable("keep", 100, 106, "lost");
	expect_reachable("keep", 112, 112, "lost");
	expect_reachable("threads", 100, 106, "possible");
	expect_reachable("threads", 109, 112, "possible");
	expect_reachable("waiters", 109, 110, "possible");
	expect_reachable("ended", 100, 106, "lost");
	expect_reachable("thread", 113, 113, "possible");
}

Test(wine, headers_that_a_program_protects_are_no_new_image)
{
	struct traced traced = trace_one(PE_HOST("headers", DLL("lsa_heap_leak")));

	cr_expect_null(strstr(traced.run.out, ": 0\r\n"), "%s", traced.run.out);
	cr_expect(strstr(traced.run.out, "same: 1\r\n"), "%s", traced.run.out);
	expect_one(&traced, 1, LEAK_BYTES);
	traced_release(&traced);
}

Test(wine, a_killed_process_leaves_its_trace)
{
	struct traced traced = trace_one(PE_HOST("kill", DLL("lsa_heap_leak")));

	cr_expect_eq(traced.run.status, 137);
	expect_end(&traced, "killed", 137);
	expect_one(&traced, 1, LEAK_BYTES);
	cr_expect_str_eq(leaking_function(&traced, 0), "leak_account_name");
	traced_release(&traced);
}

static void add_to_lsa(const char *package)
{
	struct run run;
	char key[128];

	snprintf(key, sizeof(key), "HKLM\\System\\CurrentControlSet\\Control\\Lsa\\%s", package);
	run = traced_bare(COMMAND("wine", "reg", "add", key, "/f"));
	cr_assert_eq(run.status, 0, "%s", run.err);
	run_release(&run);
}

/* Wine's secur32 is the host, which hands out a dispatch table, and then no table. */
Test(wine, packages_that_wines_own_host_loads_are_traced)
{
	struct traced traced;
	const char *name;

	add_to_lsa("clean.dll");
	add_to_lsa("Kerberos");
	add_to_lsa("msv1_0");
	traced = trace_one(PE_HOST("secur32", ""));
	expect_one(&traced, 0, 0);
	cr_expect(strstr(traced.run.out, "clean"), "%s", traced.run.out);
	name = json_text_at(traced.report, "traces.0.packages.0.name");
	cr_expect_str_eq(name, "clean");
	cr_expect_geq(calls_of(&traced, "AllocateLsaHeap"), 2);
	cr_expect_geq(json_array_size(json_at(traced.report, "traces.0.packages")), 3u);
	traced_release(&traced);
}

static void expect_no_trace(const char *const command[], const char *why)
{
	struct traced traced = traced_record(NO_OPTIONS, command);

	expect_traces(&traced, 0);
	cr_expect(strstr(traced.run.err, "lsatrace: no security package was initialised in 'wine': "
					 "Wine was seen, and mapped "),
		  "%s", traced.run.err);
	cr_expect(strstr(traced.run.err, why), "%s", traced.run.err);
	traced_release(&traced);
}

Test(wine, what_was_mapped_is_told_if_there_is_no_trace)
{
	static const char has_one[] =
		": 1 exports an entry point of packages, which was not called, or failed\n";

	expect_no_trace(COMMAND("wine", BUILD_DIR "/tests/lsahost.exe"),
			" images for lsahost.exe: none exports an entry point of packages\n");
	expect_no_trace(COMMAND("wine", BUILD_DIR "/tests/packages/lsahost-linked.exe"), has_one);
	/* It was called, and did not return. */
	cr_assert_eq(setenv("WINEDLLOVERRIDES", "winedbg.exe=d", 1), 0);
	expect_no_trace(PE_HOST("call", "", DLL("fault")),
			", or failed; it crashed by exception 0xc0000005\n");
}

/* Without the tracer, secur32 calls NULL. */
Test(wine, a_package_that_wines_own_host_cannot_initialise_is_helped)
{
	struct traced traced;

	add_to_lsa("lsa_heap_leak.dll");
	traced = traced_record(NO_OPTIONS, PE_HOST("secur32", ""));
	cr_expect_eq(traced.run.status, 0, "%s", traced.run.err);
	cr_expect(strstr(traced.run.out, "lsa_heap_leak"), "%s", traced.run.out);
	expect_one(&traced, 0, 0);
	cr_expect_str_eq(json_text_at(traced.report, "traces.0.packages.0.name"), "lsa_heap_leak");
	traced_release(&traced);
}

/* The entry points of the time before tables are exports as well. */
Test(wine, exports_of_authentication_packages_are_wrapped)
{
	struct traced traced =
		trace_one(COMMAND("wine", BUILD_DIR "/tests/aphost.exe", "handle", DLL("ap")));

	expect_traces(&traced, 1);
	expect_exact(&traced);
	cr_expect_str_eq(json_text_at(traced.report, "traces.0.packages.0.name"), "ap");
	cr_expect_eq(json_number_at(traced.report, "traces.0.transfers.LsaApLogonUser.blocks"), 6);
	traced_release(&traced);
}
