/* SPDX-License-Identifier: MIT */
/*
 * Two threads that do the same, each with blocks of its own, must not write to the same cache lines:
 * such a line takes 40 ns from one processor to another, or 200. tests/sharing/observer.c counts
 * how often one would, which does not depend on the machine.
 *
 * What threads share is the file. When a lane takes the next chunk of the ring, it touches some lines of the pool
 * of chunks, of the header and of the clock. As many are allowed, and no more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "include/trace_format.h"
#include "tests/support/run.h"

#define LIBRARY BUILD_DIR "/tests/sharing/liblsatrace.so"

enum { LINES_OF_CHUNK = 10 }; /* 8.3, as measured */

static void expect_few_moves(const char *family)
{
	struct arguments command = { 0 };
	unsigned long moves, calls, most;
	char *folder;
	struct run run;

	if (access(LIBRARY, R_OK) != 0)
		cr_skip_test("it is not gcc that builds, or it is for a sanitizer");
	folder = temporary_folder_new();
	arguments_add(&command, "env");
	arguments_add(&command, "LD_PRELOAD=%s", LIBRARY);
	arguments_add(&command, "LSATRACE_OPTIONS=output=%s/%%p.trace", folder);
	arguments_add_all(&command, (const char *const[]){ BUILD_DIR "/tests/bench/calls", "cost",
							   "threads=2", "inner=4", "warm=20",
							   "rounds=5", family, NULL });
	run = run_command((const char *const *)command.all);
	cr_assert(run.status == 0 &&
			  sscanf(run.err, "observer: %lu moves in %lu calls", &moves, &calls) == 2,
		  "status %d: %s", run.status, run.err);
	most = calls * LINES_OF_CHUNK / TRACE_ITEMS(struct trace_event);
	cr_expect_gt(calls, 0);
	cr_expect_leq(moves, most, "%s: not at most %lu. Code, for addr2line -fie %s:\n%s", family,
		      most, LIBRARY, run.err);
	run_release(&run);
	arguments_release(&command);
	temporary_folder_remove(folder);
}

Test(sharing, threads_that_use_the_lsa_heap)
{
	expect_few_moves("family=0");
}

Test(sharing, threads_that_use_one_section_of_shared_memory)
{
	expect_few_moves("family=1");
}

Test(sharing, threads_that_use_client_buffers)
{
	expect_few_moves("family=3");
}
