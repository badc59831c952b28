/* SPDX-License-Identifier: MIT */
/* Traces of older versions of the format are read as they were when they were the newest. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "tests/support/run.h"
#include "tests/support/trace_builder.h"

/* A package that leaks one block, frees another one twice, hands one over, and is in a call. */
static struct trace_builder *build_trace(uint32_t version)
{
	struct trace_builder *b = trace_builder_of_slots();
	uint32_t stack, section;
	struct trace_lane *lane;

	trace_builder_header(b)->version = version;
	trace_builder_module(b, 1, "/nowhere/alpha.so", 0x7000, NULL);
	trace_builder_package(b, 0, "alpha", 1, 1);
	stack = trace_builder_place(b, 1, 0x1234);
	section = trace_builder_entry(b, (struct trace_entry){ .address = 0x10000,
							       .size = 65536 | 4096ull << 32,
							       .stack = stack,
							       .state = TRACE_ENTRY_SECTION,
							       .family = FAMILY_SHARED_MEMORY });
	trace_builder_entry(b, (struct trace_entry){ .address = 0x10040,
						     .size = 64,
						     .section = section,
						     .stack = stack,
						     .state = TRACE_ENTRY_BLOCK,
						     .family = FAMILY_SHARED_MEMORY });
	trace_builder_finding(b, (struct trace_finding){ .address = 0x20000,
							 .stack = { stack, stack, stack },
							 .kind = TRACE_KIND_DOUBLE_FREE,
							 .family = FAMILY_LSA_HEAP,
							 .function = SLOT_FreeLsaHeap });
	trace_builder_counter(b, 0, SLOT_AllocateSharedMemory, 10, 1, 640);
	trace_builder_counter(b, 0, SLOT_FreeLsaHeap, 1000, 0, 0);
	trace_builder_text(b, TRACE_RECORD_FUNCTION,
			   TRANSFER_InitializePackage | TRACE_ROLE_TRANSFER << 16,
			   "LsaApInitializePackage");
	trace_builder_counter(b, 0, TRANSFER_InitializePackage, 3, 0, 99);
	lane = trace_builder_lane(b, 0, 4711);
	lane->depth = 1;
	lane->in_flight[0].function = SLOT_AllocateLsaHeap;
	lane->in_flight[0].stack = stack;
	for (unsigned i = 0; i < 300; i++)
		trace_builder_event(b, 0,
				    (struct trace_event){ .time = 2000 + i,
							  .address = 0x20000 + i,
							  .size = 32,
							  .stack = stack,
							  .tid = 4711,
							  .function = SLOT_AllocateLsaHeap,
							  .state = TRACE_EVENT_COMMITTED });
	return b;
}

/* Runs a command of lsatrace on a trace. Its output is without the name of the file. */
static struct run run_on(const char *path, const char *command, const char *option)
{
	const char *argv[] = { BUILD_DIR "/lsatrace", command, option, path, NULL };
	struct run run = run_command(argv);
	char *name;

	while ((name = strstr(run.out, path)) != NULL)
		memset(name, '-', strlen(path));
	return run;
}

static void expect_same(const char *command, const char *option)
{
	struct trace_builder *old = build_trace(TRACE_VERSION_OLDEST);
	struct trace_builder *new = build_trace(TRACE_VERSION);
	struct run by_old = run_on(trace_builder_write(old), command, option);
	struct run by_new = run_on(trace_builder_write(new), command, option);

	cr_expect_eq(by_old.status, by_new.status);
	cr_expect_gt(strlen(by_old.out), 100, "%s", by_old.err);
	cr_expect_str_eq(by_old.out, by_new.out);
	cr_expect_str_eq(by_old.err, by_new.err);
	run_release(&by_old);
	run_release(&by_new);
	trace_builder_free(old);
	trace_builder_free(new);
}

Test(versions, a_report_is_the_same_from_the_oldest_version)
{
	expect_same("report", "--format=text");
	expect_same("report", "--format=json");
}

Test(versions, events_are_the_same_from_the_oldest_version)
{
	expect_same("events", "--stacks");
	expect_same("events", "--");
}

Test(versions, totals_are_the_same_from_the_oldest_version)
{
	expect_same("stat", "--");
}

Test(versions, a_newer_version_is_refused_in_one_line)
{
	struct trace_builder *b = build_trace(TRACE_VERSION + 1);
	struct run run = run_on(trace_builder_write(b), "report", "--format=text");
	char refused[80];

	cr_expect_eq(run.status, 2);
	snprintf(refused, sizeof(refused), "of format version %u, this lsatrace reads %u to %u",
		 TRACE_VERSION + 1, TRACE_VERSION_OLDEST, TRACE_VERSION);
	cr_expect(strstr(run.err, refused), "%s", run.err);
	cr_expect_eq(strchr(run.err, '\n') - run.err + 1, (long)strlen(run.err), "%s", run.err);
	run_release(&run);
	trace_builder_free(b);
}

/* Version 1 had numbers up to 31. */
Test(versions, functions_have_numbers_up_to_127)
{
	struct trace_builder *b = build_trace(TRACE_VERSION);
	const uint8_t last = TRACE_FUNCTIONS - 1;
	struct run run;

	trace_builder_text(b, TRACE_RECORD_FUNCTION,
			   last | FAMILY_LSA_HEAP << 8 | TRACE_ROLE_ALLOCATE << 16, "LastFunction");
	trace_builder_counter(b, 0, last, 77, 7, 7777);
	trace_builder_event(
		b, 0,
		(struct trace_event){ .time = 9000,
				      .address = 0x30000,
				      .size = 16,
				      .function = last,
				      .state = TRACE_EVENT_COMMITTED | TRACE_EVENT_RETURNED });
	run = run_on(trace_builder_write(b), "stat", "--");
	cr_expect(strstr(run.out, "LastFunction             77       7   7777\n"), "%s", run.out);
	run_release(&run);
	run = run_on(trace_builder_write(b), "events", "--function=LastFunction");
	cr_expect(strstr(run.out, "LastFunction(16) = 0x30000"), "%s%s", run.out, run.err);
	run_release(&run);
	run = run_on(trace_builder_write(b), "report", "--format=json");
	cr_expect(strstr(run.out, "\"LastFunction\": 77"), "%s", run.out);
	run_release(&run);
	trace_builder_free(b);
}
