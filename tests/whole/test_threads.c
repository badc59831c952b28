/* SPDX-License-Identifier: MIT */
/* Tests of threads, signal handlers, and control flow that leaves calls. */
#include "tests/support/expect.h"
#include "tests/support/json.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>

Test(threads, ten_thousand_threads_one_after_another_need_no_more_room_than_one, .timeout = 120)
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
Test(threads, three_hundred_threads_at_once_leave_exact_results_in_a_small_ring, .timeout = 60)
{
	struct traced traced = trace_with(COMMAND("--ring=1M"), ODD("crowd"));

	expect_one(&traced, 1, 21);
	cr_expect_eq(calls_of(&traced, "AllocateLsaHeap"), 30001);
	cr_expect_eq(calls_of(&traced, "FreeLsaHeap"), 30000);
	cr_expect_eq(events_of(&traced, "recorded"), 60001);
	cr_expect_leq(size_of(traced.traces.all[0]), 1 << 20);
	traced_release(&traced);
}

Test(threads, threads_with_the_smallest_of_stacks_are_traced, .timeout = 60)
{
	struct traced traced = trace(ODD("small-stack", "16384"));

	expect_one(&traced, 0, 0);
	cr_expect_eq(calls_of(&traced, "AllocateLsaHeap"), 1000);
	traced_release(&traced);
}

Test(threads, a_package_may_be_initialised_on_the_smallest_of_stacks, .timeout = 60)
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

Test(threads, signal_handlers_that_call_the_table_are_traced, .timeout = 120)
{
	expect_exact_in_handlers("signals");
}

Test(threads, signal_handlers_on_a_stack_of_their_own_are_traced, .timeout = 120)
{
	expect_exact_in_handlers("signals-on-own-stack");
}

/* Sections that lsatrace makes cost system calls. A handler may come upon a lock: then it gets none. */
Test(threads, a_handler_that_makes_sections_all_the_time_leaves_time_for_the_host, .timeout = 120)
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

/* Nothing of the host's is overwritten. A double free is found there. */
Test(threads, a_handler_may_call_on_a_small_alternate_stack, .timeout = 60)
{
	struct traced traced = trace(ODD("small-alternate", "4608"));

	cr_expect_str_eq(traced.run.out, "0 bytes below\n");
	cr_expect_eq(findings_of(&traced, "double-free"), 1);
	traced_release(&traced);
}

Test(threads, calls_that_a_longjmp_has_left_are_not_in_flight, .timeout = 60)
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
Test(threads, a_thread_that_a_longjmp_took_out_of_the_tracer_is_traced_again, .timeout = 120)
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
Test(threads, a_thread_that_calls_waits_for_no_lock_of_the_loaders, .timeout = 120)
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
Test(threads, a_thread_that_is_cancelled_is_not_cancelled_in_the_tracer, .timeout = 60)
{
	struct traced traced = trace(ODD("cancelled-later"));

	expect_traces(&traced, 2);
	expect_leaks_exactly(&traced, 1, 31);
	cr_expect_str_eq(traced.run.out, "finished 1, cancelled 1\nfinished 1, cancelled 1\n");
	traced_release(&traced);
}

/* The tracer's code was left so deep on the stack that nothing ever uses that part again. */
Test(threads, a_thread_that_recovers_from_a_stack_overflow_is_traced_on, .timeout = 120)
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

Test(threads, a_call_that_never_returns_is_in_flight, .timeout = 60)
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

Test(threads, coroutines_that_leave_each_other_in_the_midst_of_calls_are_traced, .timeout = 60)
{
	struct traced traced = trace(ODD("coroutines"));

	expect_one(&traced, 0, 0);
	cr_expect_eq(calls_of(&traced, "AllocateLsaHeap"), 21);
	cr_expect_eq(calls_of(&traced, "FreeLsaHeap"), 21);
	traced_release(&traced);
}

/* The main job, at its size. */

static void expect_bound(const char *path, double bytes)
{
	struct stat status;

	cr_assert_eq(stat(path, &status), 0);
	cr_expect_leq((double)status.st_size, bytes * 1.1);
	cr_expect_leq((double)status.st_blocks * 512, bytes * 1.1);
}

Test(threads, ten_million_calls_on_two_threads_are_exact_in_sixteen_megabytes, .timeout = 280)
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
