/* SPDX-License-Identifier: MIT */
/*
 * Criterion: a test that is written with LeakTest() fails if it leaks. Criterion ignores assertions in a
 * .fini fixture, so the check is made at the end of the test. Run the program under `lsatrace record`;
 * without it, nothing is checked. Each test is a process, and has a trace of its own.
 */
#include <criterion/criterion.h>
#include <lsatrace.h>

#include "host.h"

static void start(void)
{
	cr_assert(host_open("./package.so"));
	lsatrace_checkpoint("start");
}

/* What follows is the body of the test. */
#define LeakTest(Suite, Name) \
	static void Suite##_##Name(void); \
\
	Test(Suite, Name, .init = start, .fini = host_close) \
	{ \
		Suite##_##Name(); \
		cr_expect_eq(lsatrace_leaks_since("start"), 0u, \
			     "it leaks; lsatrace report --since=start shows what"); \
	} \
\
	static void Suite##_##Name(void)

LeakTest(package, logs_on_and_off)
{
	host_call("log on");
	host_call("log off");
}
