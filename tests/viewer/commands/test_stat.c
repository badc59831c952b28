/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/trace_builder.h"
#include "viewer/commands/commands.h"

/* Returns what `lsatrace stat` prints for a trace. */
static char *stat_of(struct trace_builder *b, const char *option)
{
	char *argv[] = { (char *)"stat", (char *)option, (char *)trace_builder_write(b), NULL };
	char name[] = "/tmp/lsatrace-test-XXXXXX", *text;
	int file = mkstemp(name), saved = dup(STDOUT_FILENO);
	off_t size;

	cr_assert_geq(file, 0);
	fflush(stdout);
	dup2(file, STDOUT_FILENO);
	cr_expect_eq(command_stat(3, argv), 0);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	size = lseek(file, 0, SEEK_END);
	text = calloc(1, (size_t)size + 1);
	cr_assert_eq(pread(file, text, (size_t)size, 0), size);
	close(file);
	unlink(name);
	return text;
}

static void expect_text(struct trace_builder *b, const char *part)
{
	char *text = stat_of(b, "--");

	cr_expect(strstr(text, part), "%s", text);
	free(text);
	trace_builder_free(b);
}

Test(stat, shows_totals_by_package_function_and_family)
{
	struct trace_builder *b = trace_builder_new();

	trace_builder_package(b, 0, "alpha", 1, 0);
	trace_builder_counter(b, 0, SLOT_AllocateLsaHeap, 10, 1, 640);
	trace_builder_counter(b, 0, SLOT_FreeLsaHeap, 1000, 0, 0);
	trace_builder_entry(b, (struct trace_entry){ .size = 64,
						     .state = TRACE_ENTRY_BLOCK,
						     .family = FAMILY_LSA_HEAP });
	expect_text(b, "  package  calls  failed  bytes\n"
		       "  0 alpha   1010       1    640\n"
		       "\n"
		       "  function         calls  failed  bytes\n"
		       "  AllocateLsaHeap     10       1    640\n"
		       "  FreeLsaHeap       1000       0      0\n"
		       "\n"
		       "  family    calls  failed  bytes  live blocks  live bytes\n"
		       "  lsa-heap   1010       1    640            1          64\n");
}

Test(stat, says_when_the_trace_was_begun_and_ended)
{
	setenv("TZ", "UTC", 1);
	tzset();
	expect_text(trace_builder_new(),
		    "\n  from 2023-11-14 22:13:20.123 to 2023-11-14 22:13:22.123\n\n");
}

Test(stat, shows_what_each_package_handed_over_apart_from_the_calls)
{
	struct trace_builder *b = trace_builder_new();

	trace_builder_package(b, 0, "alpha", 1, 0);
	trace_builder_counter(b, 0, TRANSFER_LogonUser, 10, 0, 640);
	trace_builder_counter(b, 1, TRANSFER_CallPackage, 2, 0, 64);
	expect_text(b, "  package  calls  failed  bytes\n"
		       "  0 alpha      0       0      0\n"
		       "\n"
		       "  handed over by           blocks  bytes\n"
		       "  0 alpha, LsaApLogonUser      10    640\n"
		       "  1 ?, LsaApCallPackage         2     64\n"
		       "\n"
		       "  live sections      0\n");
}

Test(stat, is_one_json_document_on_demand)
{
	struct trace_builder *b = trace_builder_new();
	json_t *json, *trace, *row;
	char *text;

	trace_builder_package(b, 0, "alpha", 1, 0);
	trace_builder_counter(b, 0, SLOT_AllocateLsaHeap, 10, 1, 640);
	trace_builder_counter(b, 0, TRANSFER_LogonUser, 2, 0, 64);
	trace_builder_header(b)->lost[TRACE_LOST_BLOCKS] = 3;
	text = stat_of(b, "--json");
	json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	cr_assert(json, "%s", text);
	trace = json_array_get(json_object_get(json, "traces"), 0);
	row = json_array_get(json_object_get(trace, "functions"), 0);
	cr_expect_str_eq(json_string_value(json_object_get(row, "name")), "AllocateLsaHeap");
	cr_expect_eq(json_integer_value(json_object_get(row, "calls")), 10);
	cr_expect_eq(json_integer_value(json_object_get(row, "failed")), 1);
	cr_expect_eq(json_integer_value(json_object_get(row, "bytes")), 640);
	cr_expect_eq(json_array_size(json_object_get(trace, "functions")), 1u);
	row = json_array_get(json_object_get(trace, "transfers"), 0);
	cr_expect_eq(json_integer_value(json_object_get(row, "blocks")), 2);
	cr_expect(json_is_false(json_object_get(trace, "exact")));
	json_decref(json);
	free(text);
	trace_builder_free(b);
}

Test(stat, says_that_nothing_was_lost)
{
	expect_text(trace_builder_new(), "  lost               nothing\n");
}

Test(stat, says_what_was_lost_and_why_it_matters)
{
	struct trace_builder *b = trace_builder_new();

	trace_builder_header(b)->lost[TRACE_LOST_BLOCKS] = 3;
	expect_text(
		b,
		"  lost               3 blocks and sections could not be followed\n"
		"  The results are a lower bound: there may be more findings, and more leaks.\n");
}

Test(stat, knows_that_lost_history_does_not_matter)
{
	struct trace_builder *b = trace_builder_new();

	trace_builder_header(b)->lost[TRACE_LOST_EVENTS] = 3;
	expect_text(b, "3 calls are not in the history; the results are still exact\n");
}

Test(stat, shows_where_clients_find_the_memory_of_a_section)
{
	struct trace_builder *b = trace_builder_new();

	trace_builder_entry(b, (struct trace_entry){ .address = 0x7000,
						     .size = 65536,
						     .section = 1 + 600,
						     .state = TRACE_ENTRY_SECTION,
						     .family = FAMILY_SHARED_MEMORY });
	trace_builder_entry(b, (struct trace_entry){ .address = 0x9000,
						     .size = 4096,
						     .state = TRACE_ENTRY_SECTION,
						     .family = FAMILY_SHARED_MEMORY });
	trace_builder_text(b, TRACE_RECORD_ALLOCATOR, 0 | FAMILY_SHARED_MEMORY << 8, "");
	trace_builder_counter(b, 0, SLOT_CreateSharedMemory, 2, 0, 69632);
	expect_text(b, "  shared-memory: the host provides none, so lsatrace's own was used: #0\n"
		       "  section 0x7000 of at most 65536 bytes: /proc/4711/fd/600\n"
		       "\n"
		       "  live sections      2\n");
}

Test(stat, shows_how_backtraces_compared)
{
	struct trace_builder *b = trace_builder_new();

	trace_builder_header(b)->unwind_checked = 100;
	trace_builder_header(b)->unwind_differences = 2;
	expect_text(b, "  backtraces checked 100, 2 of them different\n");
}

Test(stat, says_what_could_not_be_guarded)
{
	struct trace_builder *b = trace_builder_new();

	trace_builder_header(b)->unguarded = 12;
	trace_builder_header(b)->unmoved = 3;
	expect_text(b, "  not guarded        12 blocks that should have been\n"
		       "  not moved          3 guarded blocks that the LSA got\n");
}
