/* SPDX-License-Identifier: MIT */
/* Tests of what dlsym() finds in a traced host, beside other preloaded libraries and sanitizers. */
#include "tests/support/expect.h"
#include "tests/support/json.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void copy_file(const char *from, const char *to)
{
	struct run run = run_command(COMMAND("cp", from, to));

	cr_assert_eq(run.status, 0, "%s", run.err);
	run_release(&run);
}

Test(libraries, libraries_find_the_entry_points_that_they_find_bare, .timeout = 60)
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

Test(libraries, other_libraries_that_get_in_front_of_functions_find_the_same_ones, .timeout = 60)
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
Test(libraries, a_program_with_a_sanitizer_in_it_begins_before_us, .timeout = 60)
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
		 "%s -O0 -w -D_GNU_SOURCE= -I" SOURCE_DIR " -I" SOURCE_DIR
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

Test(libraries, a_program_with_a_shared_address_sanitizer_is_traced, .timeout = 120)
{
	const char *library = library_of_gcc("libasan.so");

	expect_traced_with("gcc -fsanitize=address", *library ? library : NULL);
}

Test(libraries, a_program_with_a_shared_thread_sanitizer_is_traced, .timeout = 120)
{
	const char *library = library_of_gcc("libtsan.so");

	expect_traced_with("gcc -fsanitize=thread", *library ? library : NULL);
}

Test(libraries, a_program_with_a_thread_sanitizer_in_it_is_traced, .timeout = 120)
{
	expect_traced_with("clang -fsanitize=thread", "");
}

Test(libraries, a_program_with_an_undefined_behaviour_sanitizer_is_traced, .timeout = 120)
{
	expect_traced_with("gcc -fsanitize=undefined", "");
}

Test(libraries, a_program_with_memory_sanitizer_is_left_alone, .timeout = 120)
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
