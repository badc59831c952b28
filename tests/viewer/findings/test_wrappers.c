/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "tests/support/judged.h"
#include "viewer/base/arguments.h"

/* The package is named.so, and the host is /p/host. */

static struct trace_builder *new_package(void)
{
	struct trace_builder *b = named_trace();

	trace_builder_module(b, 2, "/p/host", 0x560000000000, "98765432109876543210");
	trace_builder_package(b, 0, "p", 1, 1);
	return b;
}

/* A leaked block. The frames are those of functions at these offsets, the last one in the host. */
static void leak_from(struct trace_builder *b, uint64_t size, uint64_t inner, uint64_t outer,
		      uint64_t host)
{
	const uint64_t frames[] = { trace_builder_frame(1, inner), trace_builder_frame(1, outer),
				    trace_builder_frame(2, host) };

	trace_builder_entry(
		b, live_block(0x5000 + size * 0x100, size,
			      outer ? trace_builder_stack(b, frames, 3)
				    : trace_builder_stack(
					      b, (const uint64_t[]){ frames[0], frames[2] }, 2)));
}

/* Judges the trace, and compares the message of the most costly finding. */
static void expect_first(struct trace_builder *b, const struct argument_list *globs,
			 const char *message)
{
	struct judged j = judge_with(&b, 1, globs);

	cr_assert_gt(j.f->count, 0u);
	cr_expect_str_eq(findings_get(j.f, 0)->message, message);
	judged_release(&j, b);
}

Test(wrappers, a_wrapper_is_skipped_in_the_message_and_named_beside_its_caller)
{
	struct trace_builder *b = new_package();

	leak_from(b, 40, 0x1010, 0x1020, 1);
	leak_from(b, 24, 0x1010, 0x1030, 1);
	expect_first(b, NULL,
		     "block of 40 bytes, allocated at named.c:32 through f1010, is never freed");
}

Test(wrappers, a_function_that_allocates_for_one_caller_is_no_wrapper)
{
	struct trace_builder *b = new_package();

	leak_from(b, 40, 0x1010, 0x1020, 1);
	leak_from(b, 24, 0x1010, 0x1020, 2);
	expect_first(b, NULL, "block of 40 bytes, allocated at named.c:16, is never freed");
}

/* One layer calls the other, which has no other caller. */
static void leak_through_layers(struct trace_builder *b, uint64_t size, uint64_t caller)
{
	const uint64_t frames[] = { trace_builder_frame(1, 0x1010), trace_builder_frame(1, 0x1020),
				    trace_builder_frame(1, caller), trace_builder_frame(2, 1) };

	trace_builder_entry(
		b, live_block(0x5000 + size * 0x100, size, trace_builder_stack(b, frames, 4)));
}

Test(wrappers, a_wrapper_may_have_two_layers)
{
	struct trace_builder *b = new_package();

	leak_through_layers(b, 40, 0x1030);
	leak_through_layers(b, 24, 0x1040);
	expect_first(b, NULL,
		     "block of 40 bytes, allocated at named.c:48 through f1020, is never freed");
}

Test(wrappers, a_function_of_another_library_is_skipped_if_the_package_calls_it)
{
	struct trace_builder *b = new_package();
	uint64_t frames[] = { 0, trace_builder_frame(1, 0x1020), trace_builder_frame(2, 1) };

	trace_builder_module(b, 3, "/p/libhelp.so", 0x570000000000, "55555555555555555555");
	frames[0] = trace_builder_frame(3, 0x10);
	trace_builder_entry(b, live_block(0x5000, 40, trace_builder_stack(b, frames, 3)));
	expect_first(b, NULL,
		     "block of 40 bytes, allocated at named.c:32 through libhelp.so+0x10, is never "
		     "freed");
}

Test(wrappers, all_instances_of_a_template_are_one_function)
{
	struct trace_builder *b = new_package();

	leak_from(b, 40, 0x2100, 0x1020, 1);
	leak_from(b, 24, 0x2101, 0x1030, 1);
	expect_first(b, NULL,
		     "block of 40 bytes, allocated at named.c:32 through int *make<...>(unsigned "
		     "long), is never freed");
}

/* f1010 is the allocator of a vector. */
Test(wrappers, what_the_cxx_library_allocates_with_is_a_wrapper)
{
	struct trace_builder *b = new_package();
	const uint64_t frames[] = { trace_builder_frame(1, 0x1010), trace_builder_frame(1, 0x2102),
				    trace_builder_frame(1, 0x2103), trace_builder_frame(1, 0x1020) };

	trace_builder_entry(b, live_block(0x5000, 40, trace_builder_stack(b, frames, 4)));
	expect_first(b, NULL,
		     "block of 40 bytes, allocated at named.c:32 through std::vector<...>::resize("
		     "unsigned long), is never freed");
}

Test(wrappers, a_function_that_allocates_blocks_of_one_size_is_no_wrapper)
{
	struct trace_builder *b = new_package();

	leak_from(b, 40, 0x1010, 0x1020, 1);
	leak_from(b, 40, 0x1010, 0x1030, 1);
	expect_first(b, NULL, "block of 40 bytes, allocated at named.c:16, is never freed");
}

Test(wrappers, a_function_that_the_host_calls_is_no_wrapper)
{
	struct trace_builder *b = new_package();

	leak_from(b, 40, 0x1010, 0, 1);
	leak_from(b, 24, 0x1010, 0, 2);
	expect_first(b, NULL, "block of 40 bytes, allocated at named.c:16, is never freed");
}

Test(wrappers, a_function_that_also_calls_another_slot_is_no_wrapper)
{
	struct trace_builder *b = new_package();
	const uint64_t frames[] = { trace_builder_frame(1, 0x1050), trace_builder_frame(1, 0x1010),
				    trace_builder_frame(1, 0x1020) };

	trace_builder_lane(b, 0, 4711);
	leak_from(b, 40, 0x1010, 0x1020, 1);
	leak_from(b, 24, 0x1010, 0x1030, 1);
	trace_builder_event(b, 0,
			    (struct trace_event){ .stack = trace_builder_stack(b, frames, 3),
						  .function = SLOT_FreeLsaHeap,
						  .state = TRACE_EVENT_COMMITTED });
	expect_first(b, NULL, "block of 40 bytes, allocated at named.c:16, is never freed");
}

Test(wrappers, a_wrapper_that_the_user_names_is_skipped_with_all_that_it_calls)
{
	const struct argument_list globs = { { "g*", "f102?" }, 2 };
	struct trace_builder *b = new_package();

	leak_from(b, 40, 0x1010, 0x1020, 1);
	expect_first(b, &globs,
		     "block of 40 bytes, allocated at host+0x1 through f1020, is never freed");
}

Test(wrappers, a_frame_that_is_passed_over_may_be_without_a_name)
{
	struct trace_builder *b = new_package();
	const uint64_t frames[] = { trace_builder_frame(2, 8), trace_builder_frame(1, 0x1010) };

	trace_builder_entry(b, live_block(0x5000, 40, trace_builder_stack(b, frames, 2)));
	expect_first(b, NULL,
		     "block of 40 bytes, allocated at named.c:16 through host+0x8, is never freed");
}

Test(wrappers, a_named_wrapper_without_a_caller_is_not_skipped)
{
	const struct argument_list globs = { { "f1010" }, 1 };
	struct trace_builder *b = new_package();

	trace_builder_entry(b, live_block(0x5000, 64, trace_builder_place(b, 1, 0x1010)));
	expect_first(b, &globs, "block of 64 bytes, allocated at named.c:16, is never freed");
}
