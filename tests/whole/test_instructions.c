/* SPDX-License-Identifier: MIT */
/*
 * How many instructions tracing adds to a call, counted by valgrind's callgrind: the same on every
 * machine, however busy it is. Start-up is left out: it is what a run of more rounds has as well.
 *
 * The limits are for gcc 12 and what the Makefile builds. Where a change makes a call dearer for a
 * good reason, raise the limit; where it makes it cheaper, lower it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "tests/support/run.h"

#define CALLS BUILD_DIR "/tests/bench/calls"
#define LIBRARY BUILD_DIR "/liblsatrace.so"

enum {
	FEW_ROUNDS = 10, /* as many are run before, so that every stack is known */
	MANY_ROUNDS = 20,
	CALLS_OF_ROUND = 2000,
	ROOM_PERCENT = __GNUC__ == 12 ? 3 : 15, /* others make other code */
};

enum family {
	LSA_HEAP,
	SHARED_MEMORY,
	PRIVATE_HEAP,
	CLIENT_BUFFER
}; /* as tests/bench/calls.c has it */

struct cell {
	const char *build; /* of tests/bench/calls: "", or "-O2-pointer" for code with frame pointers */
	enum family family;
	unsigned depth, stacks, inner, sections; /* options of tests/bench/calls.c */
	long instructions;                       /* that tracing adds to a call, as measured */
};

/* The instructions of the whole run of a command, which begins with env. */
static long count_command(struct arguments *command)
{
	struct run run = run_command((const char *const *)command->all);
	const char *text;
	long count;

	if (run.status == 127)
		cr_skip_test("valgrind is not installed");
	text = strstr(run.err, "Collected : ");
	cr_assert(run.status == 0 && text, "status %d: %s", run.status, run.err);
	count = atol(text + strlen("Collected : "));
	run_release(&run);
	arguments_release(command);
	return count;
}

static long count_run(const struct cell *cell, unsigned rounds, const char *folder)
{
	struct arguments command = { 0 };

	arguments_add(&command, "env");
	if (folder) {
		arguments_add(&command, "LD_PRELOAD=%s", LIBRARY);
		arguments_add(&command, "LSATRACE_OPTIONS=output=%s/%%p.trace", folder);
	}
	arguments_add_all(&command, (const char *const[]){ "valgrind", "--tool=callgrind",
							   "--callgrind-out-file=/dev/null", NULL });
	arguments_add(&command, "%s%s", CALLS, cell->build);
	arguments_add(&command, "cost");
	arguments_add(&command, "family=%d", cell->family);
	arguments_add(&command, "depth=%u", cell->depth);
	arguments_add(&command, "stacks=%u", cell->stacks);
	arguments_add(&command, "inner=%u", cell->inner);
	arguments_add(&command, "sections=%u", cell->sections);
	arguments_add(&command, "warm=%d", FEW_ROUNDS);
	arguments_add(&command, "rounds=%u", rounds);
	return count_command(&command);
}

static long count_rounds(const struct cell *cell, const char *folder)
{
	return count_run(cell, MANY_ROUNDS, folder) - count_run(cell, FEW_ROUNDS, folder);
}

/* Skips the calling test where the code is another one. */
static void need_the_build(void)
{
#if defined(__clang__) || !defined(__OPTIMIZE__) || defined(__SANITIZE_ADDRESS__)
	cr_skip_test("the limits are for gcc, and what the Makefile builds");
#endif
}

static void expect_at_most(const struct cell *cell)
{
	long most, bare, traced, count;
	char *folder;

	need_the_build();
	most = cell->instructions * (100 + ROOM_PERCENT) / 100;
	bare = count_rounds(cell, NULL);
	folder = temporary_folder_new();
	traced = count_rounds(cell, folder);
	temporary_folder_remove(folder);
	count = (traced - bare) / ((MANY_ROUNDS - FEW_ROUNDS) * CALLS_OF_ROUND);
	cr_expect_leq(
		count, most,
		"calls%s, family %d, depth %u, %u stacks, %u inner frames differ: tracing adds "
		"%ld instructions to a call, not at most %ld",
		cell->build, cell->family, cell->depth, cell->stacks, cell->inner, count, most);
	cr_expect_gt(count, 0);
}

Test(instructions, shared_memory_from_one_stack)
{
	expect_at_most(&(struct cell){ "", SHARED_MEMORY, 16, 1, 4, 1, 380 });
}

Test(instructions, shared_memory_from_a_hundred_stacks)
{
	expect_at_most(&(struct cell){ "", SHARED_MEMORY, 16, 100, 4, 1, 659 });
}

Test(instructions, shared_memory_from_ten_thousand_stacks)
{
	expect_at_most(&(struct cell){ "", SHARED_MEMORY, 16, 10000, 4, 1, 652 });
}

Test(instructions, shared_memory_from_code_with_frame_pointers)
{
	expect_at_most(&(struct cell){ "-O2-pointer", SHARED_MEMORY, 16, 100, 4, 1, 1053 });
}

Test(instructions, shared_memory_from_deep_stacks)
{
	expect_at_most(&(struct cell){ "", SHARED_MEMORY, 64, 100, 4, 1, 857 });
}

/* Most addresses are handed out for another section than before. */
Test(instructions, shared_memory_in_ten_sections)
{
	expect_at_most(&(struct cell){ "", SHARED_MEMORY, 16, 100, 2, 10, 724 });
}

Test(instructions, lsa_heap)
{
	expect_at_most(&(struct cell){ "", LSA_HEAP, 16, 100, 2, 1, 556 });
}

Test(instructions, private_heap)
{
	expect_at_most(&(struct cell){ "", PRIVATE_HEAP, 16, 100, 2, 1, 556 });
}

Test(instructions, client_buffers)
{
	expect_at_most(&(struct cell){ "", CLIENT_BUFFER, 16, 100, 2, 1, 639 });
}

/* What tracing adds to a whole process, which is `calls` with these arguments. */
static long count_process(const char *const *arguments)
{
	char *folder;
	long count[2];

	need_the_build();
	folder = temporary_folder_new();
	for (int i = 0; i < 2; i++) {
		struct arguments command = { 0 };

		arguments_add(&command, "env");
		if (i > 0) {
			arguments_add(&command, "LD_PRELOAD=%s", LIBRARY);
			arguments_add(&command, "LSATRACE_OPTIONS=output=%s/%%p.trace", folder);
		}
		arguments_add_all(&command, (const char *const[]){ "valgrind", "--tool=callgrind",
								   "--callgrind-out-file=/dev/null",
								   CALLS, NULL });
		arguments_add_all(&command, arguments);
		count[i] = count_command(&command);
	}
	temporary_folder_remove(folder);
	return count[1] - count[0];
}

/* The first calls of a process, and those of so many threads, one after another. */
static long count_first(const char *threads)
{
	return count_process((const char *const[]){ "first", threads, NULL });
}

/* More room: what else is mapped matters here. */
static void expect_few(long count, long instructions)
{
	long most = instructions * (100 + 2 * ROOM_PERCENT) / 100;

	cr_expect_leq(count, most, "tracing adds %ld instructions, not at most %ld", count, most);
	cr_expect_gt(count, 0);
}

Test(instructions, the_start_of_a_process)
{
	expect_few(count_first("threads=1"), 255000);
}

Test(instructions, the_first_calls_of_a_thread)
{
	expect_few((count_first("threads=64") - count_first("threads=1")) / 63, 2450);
}

/* The first thousand blocks and two hundred stacks as well, and the end of the blocks' section. */
Test(instructions, a_short_run)
{
	expect_few(count_process((const char *const[]){ "cost", "family=1", "inner=4", "rounds=1",
							"warm=0", NULL }),
		   3680000);
}
