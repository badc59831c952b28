/* SPDX-License-Identifier: MIT */
/*
 * Runs what tests/recipes/ shows, on the sample package there: without a leak it passes, and with one it
 * fails and shows where. A build system or test framework that is not installed is a skipped test.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/run.h"
#include "tests/support/traced.h"
#include "tests/support/wine.h"

#define RECIPES SOURCE_DIR "/tests/recipes"
#define PYTHON "/usr/bin/python3"

static char *folder; /* a copy of the sample */

/* Runs a shell command there, with lsatrace in PATH. With `leaks` the package is built so that it does. */
static struct run run_there(bool leaks, const char *command)
{
	struct arguments line = { 0 };
	struct run run;

	arguments_add_all(&line, COMMAND("timeout", "-k", "1", "250", "env", "-u", "BXFI_MAP"));
	arguments_add(&line, "PATH=" BUILD_DIR ":%s", getenv("PATH"));
	arguments_add(&line, "CFLAGS=%s", leaks ? "-DLEAK" : "");
	arguments_add_all(&line, COMMAND("CPATH=" SOURCE_DIR "/include",
					 "MAKEFLAGS=", "GITHUB_STEP_SUMMARY=shown.md"));
	arguments_add_all(&line,
			  COMMAND("sh", "-c", "cd \"$0\" && eval \"$1\" 2>&1", folder, command));
	run = run_command((const char *const *)line.all);
	arguments_release(&line);
	return run;
}

static void expect(bool leaks, const char *command, bool passes, const char *words)
{
	struct run run = run_there(leaks, command);

	cr_expect_eq(run.status == 0, passes, "%s: status %d\n%s", command, run.status, run.out);
	cr_expect(strstr(run.out, words), "%s: not \"%s\" in\n%s", command, words, run.out);
	run_release(&run);
}

static void start(void)
{
	struct run run;

	folder = temporary_folder_new();
	run = run_command(COMMAND("cp", "-R", RECIPES "/.", folder));
	cr_assert_eq(run.status, 0, "%s", run.err);
	run_release(&run);
}

static void end(void)
{
	temporary_folder_remove(folder);
}

TestSuite(recipes, .init = start, .fini = end, .timeout = 290);

static void need(const char *command, const char *what)
{
	struct run run = run_there(false, command);
	int status = run.status;

	run_release(&run);
	if (status != 0)
		cr_skip_test("%s is not installed", what);
}

/* Runs the shell steps of a recipe, which fail with `words` if there is a leak. Then the trace is kept, and
 * what the recipe hands to the CI system is there. */
static void expect_job(const char *recipe, const char *words)
{
	char command[128];

	need(PYTHON " -c 'import yaml'", "python3-yaml");
	snprintf(command, sizeof(command), PYTHON " steps.py %s >said; s=$?; cat said; exit $s",
		 recipe);
	expect(false, command, true, "exact\n");
	expect(false, "ls traces; rm -f package.so", true, "");
	expect(true, command, false, words);
	expect(true,
	       "for f in $(sed -n 's/^artifact: //p' said); do test -s $f || exit 1; done; "
	       "ls traces/*.trace",
	       true, "traces/lsatrace.host.");
}

Test(recipes, github_actions)
{
	expect_job("github.yml", "::error file=package.c,line=");
	expect(true, "cat shown.md", true,
	       "| block-leak | 1 | 40 B | <code>make\\_ticket</code> at ");
	expect(true, "cat leaks.sarif", true, "\"uri\": \"package.c\"");
}

Test(recipes, github_actions_for_windows)
{
	need("wine --version && wineserver --version", "Wine");
	need("x86_64-w64-mingw32-gcc --version", "mingw-w64");
	wine_fix_addresses();
	/* As in tests/support/wine.c, but Wine fills the folder: the recipe has a new one. */
	setenv("TMPDIR", folder, 1);
	setenv("WINEPREFIX", folder, 1);
	setenv("WINEDEBUG", "-all", 1);
	expect_job("windows.yml", "::error file=package.c,line=");
	expect(true, "cat shown.md", true,
	       "| block-leak | 1 | 40 B | <code>make\\_ticket</code> at ");
	expect(true, "cat leaks.sarif", true, "\"uri\": \"package.c\"");
	expect(true, "wineserver -k; wineserver -w", true, "");
}

Test(recipes, gitlab_ci)
{
	expect_job("gitlab-ci.yml", "error: block-leak: ");
	expect(true, "cat leaks.json", true, "\"path\": \"package.c\"");
	expect(true, "cat leaks.xml", true, "<failure message=\"block-leak: ");
}

Test(recipes, jenkins)
{
	expect_job("Jenkinsfile", "error: block-leak: ");
	expect(true, "cat leaks.txt", true, ": error: block of 40 bytes");
	expect(true, "cat leaks.xml", true, "<failure message=\"block-leak: ");
}

Test(recipes, plain_make)
{
	expect(false, "make check", true, "; exact\n");
	expect(true, "rm package.so; make check", false, "error: block-leak: ");
}

Test(recipes, ctest)
{
	need("cmake --version", "cmake");
	expect(false, "cmake -S . -B clean && cmake --build clean && ctest --test-dir clean", true,
	       "100% tests passed");
	expect(true,
	       "cmake -S . -B leaky && cmake --build leaky && "
	       "ctest --test-dir leaky --output-on-failure",
	       false, "error: block-leak: ");
}

#define WRAP "--print-errorlogs --wrap='lsatrace run --error-exitcode=99 --'"

Test(recipes, meson)
{
	need("meson --version && ninja --version", "meson");
	expect(false, "meson setup clean && meson test -C clean " WRAP, true, "Ok:");
	expect(true, "meson setup leaky && meson test -C leaky", true, "Ok:");
	expect(true, "meson test -C leaky " WRAP, false, "error: block-leak: ");
}

/* A program of tests passes untraced, and if there is no leak; `since` is its checkpoint. */
static void expect_framework(const char *build, const char *words, const char *since)
{
	static const char package[] = "make -B package.so >/dev/null && ";
	char command[512];

	snprintf(command, sizeof(command), "%s && %s ./t", build, package);
	expect(true, command, true, "");
	snprintf(command, sizeof(command), "%s lsatrace record --output-dir=traces ./t", package);
	expect(false, command, true, "");
	expect(true, "rm -r traces", true, "");
	expect(true, command, false, words);
	snprintf(command, sizeof(command), "lsatrace report --since='%s' traces/*", since);
	expect(true, command, false, " block-leak ");
}

Test(recipes, criterion)
{
	expect_framework("cc -o t criterion.c host.c -lcriterion -ldl", "it leaks; ", "start");
}

Test(recipes, googletest)
{
	need("g++ -E -include gtest/gtest.h -x c++ /dev/null", "libgtest-dev");
	expect_framework("cc -c host.c && g++ -o t gtest.cc host.o -lgtest -lpthread -ldl",
			 "logs_on_and_off shows what leaks", "logs_on_and_off");
}

Test(recipes, catch2)
{
	need("echo '#include <catch2/catch.hpp>' | g++ -M -x c++ -", "catch2");
	/* It takes long to compile, and a third of it are matchers, which are not used. */
	expect_framework("cc -c host.c && g++ -DCATCH_CONFIG_DISABLE_MATCHERS "
			 "-DCATCH_CONFIG_FAST_COMPILE -o t catch2.cc host.o -ldl",
			 "logs on and off leaks; ", "logs on and off");
}
