/* SPDX-License-Identifier: MIT */
/* `lsatrace diff` of two traces that are built here: of one process, or of two. */
#include <criterion/criterion.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/json.h"
#include "tests/support/trace_builder.h"
#include "viewer/commands/commands.h"

/* A section, and in it a number of blocks of 10 bytes; and how often AllocateSharedMemory was called. */
static struct trace_builder *build_of(const char *build_id, unsigned blocks, uint64_t calls,
				      int32_t pid)
{
	struct trace_builder *b = trace_builder_new();
	uint32_t stack, section;

	trace_builder_module(b, 1, "/p.so", 0x1000, build_id);
	trace_builder_package(b, 0, "p", 1, 1);
	trace_builder_header(b)->pid = pid;
	trace_builder_counter(b, 0, SLOT_AllocateSharedMemory, calls, 0, 0);
	stack = trace_builder_place(b, 1, 0x10);
	section = trace_builder_entry(b, (struct trace_entry){ .address = 0x5000,
							       .size = 65536,
							       .stack = stack,
							       .state = TRACE_ENTRY_SECTION,
							       .family = FAMILY_SHARED_MEMORY });
	stack = trace_builder_place(b, 1, 0x20);
	for (unsigned i = 0; i < blocks; i++)
		trace_builder_entry(b, (struct trace_entry){ .address = 0x6000 + 16 * i,
							     .size = 10,
							     .section = section,
							     .stack = stack,
							     .state = TRACE_ENTRY_BLOCK,
							     .family = FAMILY_SHARED_MEMORY });
	return b;
}

static struct trace_builder *build(unsigned blocks, uint64_t calls, int32_t pid)
{
	return build_of("0123456789abcdef0123", blocks, calls, pid);
}

static json_t *diff(struct trace_builder *old, struct trace_builder *new, const char *per,
		    int status)
{
	char *argv[] = { (char *)"diff",
			 (char *)"--format=json",
			 (char *)trace_builder_write(old),
			 (char *)trace_builder_write(new),
			 (char *)(uintptr_t)per,
			 NULL };
	FILE *file = tmpfile();
	int saved = dup(STDOUT_FILENO);
	json_t *json;

	cr_assert(file && saved >= 0);
	fflush(stdout);
	dup2(fileno(file), STDOUT_FILENO);
	cr_expect_eq(command_diff(per ? 5 : 4, argv), status);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	rewind(file);
	json = json_loadf(file, JSON_REJECT_DUPLICATES, NULL);
	fclose(file);
	trace_builder_free(old);
	trace_builder_free(new);
	return json;
}

static void expect_row(const json_t *json, const char *row, const char *by, double per_call)
{
	const json_t *live = json_at(json, row);

	cr_assert(live, "%s", row);
	cr_expect_str_eq(json_text_at(live, "by"), by);
	cr_expect_str_eq(json_text_at(live, "package"), "p");
	cr_expect_str_eq(json_text_at(live, "family"), "shared-memory");
	cr_expect_eq(json_number_at(live, "old.blocks"), 100);
	cr_expect_eq(json_number_at(live, "new.blocks"), 300);
	cr_expect_eq(json_number_at(live, "new.bytes"), 3000);
	cr_expect_float_eq(json_real_value(json_at(live, "per_call.blocks")), per_call, 1e-9);
}

/* A snapshot is a copy of the trace of a running process: what came between two is divided by the calls
 * between them. */
Test(diff, of_two_snapshots_shows_what_grows_by_call_in_each_stack_and_section)
{
	json_t *json =
		diff(build(100, 1000, 7), build(300, 2000, 7), "--per=AllocateSharedMemory", 1);

	cr_assert(json);
	cr_expect(json_is_true(json_at(json, "one_process")));
	cr_expect_eq(json_array_size(json_at(json, "live")), 3u);
	expect_row(json, "live.0", "package", 0.2);
	expect_row(json, "live.1", "stack", 0.2);
	cr_expect_eq(json_array_size(json_at(json, "live.1.stack")), 1u);
	expect_row(json, "live.2", "section", 0.2);
	cr_expect_str_eq(json_text_at(json, "live.2.section"), "0x5000");
	cr_expect_str_eq(json_text_at(json, "findings.1.change"), "grown");
	cr_expect_eq(json_number_at(json, "summary.grown"), 1);
	json_decref(json);
}

Test(diff, of_two_processes_compares_what_there_is_in_each_call)
{
	json_t *json =
		diff(build(100, 1000, 7), build(300, 2000, 8), "--per=AllocateSharedMemory", 1);

	cr_assert(json);
	cr_expect(json_is_false(json_at(json, "one_process")));
	expect_row(json, "live.0", "package", 0.05);
	cr_expect(json_is_null(json_at(json, "live.2.section")));
	cr_expect_eq(json_number_at(json, "findings.1.old_count"), 200);
	json_decref(json);
	json = diff(build(100, 1000, 7), build(300, 3000, 8), "--per=AllocateSharedMemory", 0);
	cr_assert(json);
	cr_expect_eq(json_number_at(json, "summary.grown"), 0);
	/* The one section is less by call. */
	cr_expect_eq(json_number_at(json, "live.0.old.sections"), 1);
	json_decref(json);
}

Test(diff, without_a_function_compares_what_there_is)
{
	json_t *json = diff(build(100, 1000, 7), build(300, 2000, 8), NULL, 1);

	cr_assert(json);
	cr_expect(json_is_null(json_at(json, "live.0.per_call")));
	cr_expect(json_is_null(json_at(json, "per")));
	cr_expect_eq(json_number_at(json, "findings.1.old_count"), 100);
	json_decref(json);
	json = diff(build(100, 1000, 7), build(100, 2000, 8), NULL, 0);
	cr_assert(json);
	cr_expect_eq(json_array_size(json_at(json, "live")), 0u);
	json_decref(json);
}

/* Its file is missing, so that offsets have to do: of one build they are the same. */
Test(diff, of_a_module_without_names_is_exact_only_of_one_build)
{
	json_t *json = diff(build(2, 10, 7), build(2, 10, 8), NULL, 0);

	cr_expect(json_is_true(json_at(json, "summary.exact")));
	cr_expect_eq(json_number_at(json, "summary.known"), 2);
	json_decref(json);
	json = diff(build(2, 10, 7), build_of("3210fedcba9876543210", 2, 10, 8), NULL, 0);
	cr_assert(json);
	cr_expect(json_is_false(json_at(json, "summary.exact")));
	json_decref(json);
}

/* One that has another leak as well, which the other one of the two families has not. */
static struct trace_builder *build_with(const char *build_id, unsigned family)
{
	struct trace_builder *b = build_of(build_id, 2, 10, 7);

	trace_builder_entry(b, (struct trace_entry){ .address = 0x9000,
						     .size = 10,
						     .stack = trace_builder_place(b, 1, 0x30),
						     .state = TRACE_ENTRY_BLOCK,
						     .family = (uint8_t)family });
	return b;
}

/* Of one build, what is both new and gone cannot be the same, not even without names. */
Test(diff, of_one_build_without_names_is_exact_also_of_what_is_new_and_gone)
{
	static const char one[] = "0123456789abcdef0123", other[] = "3210fedcba9876543210";
	json_t *json = diff(build_with(one, FAMILY_LSA_HEAP), build_with(one, FAMILY_PRIVATE_HEAP),
			    NULL, 1);

	cr_expect(json_is_true(json_at(json, "summary.exact")));
	cr_expect_eq(json_number_at(json, "summary.new"), 1);
	cr_expect_eq(json_number_at(json, "summary.gone"), 1);
	json_decref(json);
	json = diff(build_with(one, FAMILY_LSA_HEAP), build_with(other, FAMILY_PRIVATE_HEAP), NULL,
		    1);
	cr_expect(json_is_false(json_at(json, "summary.exact")));
	json_decref(json);
}

Test(diff, by_a_function_that_was_not_called_is_refused)
{
	cr_expect_null(diff(build(1, 10, 7), build(2, 10, 7), "--per=AllocateSharedMemory", 2));
	cr_expect_null(diff(build(1, 10, 7), build(2, 20, 7), "--per=FreeLsaHeap", 2));
}
