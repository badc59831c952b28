/* SPDX-License-Identifier: MIT */
/*
 * The bounds that trace_format.h gives a reader: traces that are well formed and hostile. Each test
 * allows itself as much memory as the trace may take, and is ended after so much processor time that
 * the work cannot be linear in the size of the trace: the work of a square would take hours.
 */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/trace_builder.h"
#include "viewer/commands/commands.h"
#include "viewer/export/export.h"
#include "viewer/report/report.h"

#define PROCESSOR_SECONDS 120
#define ENTRIES (200 * (unsigned)TRACE_ITEMS(struct trace_entry)) /* 3.3 MB of them */

/* From now on this process may take 64 MiB + 4n more than now. */
static void limit_memory(uint64_t trace_bytes)
{
#ifndef __SANITIZE_ADDRESS__ /* which reserves terabytes */
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	struct rlimit limit;

	cr_assert(file && fscanf(file, "%lu", &pages) == 1);
	fclose(file);
	limit.rlim_cur = pages * (uint64_t)getpagesize() + (64u << 20) + 4 * trace_bytes;
	limit.rlim_max = limit.rlim_cur;
	cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
#else
	(void)trace_bytes;
#endif
}

static void limit_time(void)
{
	const struct rlimit limit = { PROCESSOR_SECONDS, PROCESSOR_SECONDS + 1 };

	cr_assert_eq(setrlimit(RLIMIT_CPU, &limit), 0);
}

/* Returns how many bytes the report in a format has. */
static uint64_t report(const char *path, enum report_format format)
{
	struct report_options options = { .format = format, .fail_on = REPORT_FAIL_ON_NEVER };
	char *paths[] = { strdup(path) };
	FILE *out = tmpfile();
	struct stat status;

	cr_assert_neq(report_traces(&options, paths, 1, out), REPORT_TROUBLE);
	cr_assert_eq(fstat(fileno(out), &status), 0);
	fclose(out);
	free(paths[0]);
	return (uint64_t)status.st_size;
}

#define REPORT(name, ...) bytes[REPORT_FORMAT_##name] = report(path, REPORT_FORMAT_##name);
#define COUNT(...) +1

/* Every format and command reads the trace within the bounds. Returns the bytes of the JSON report. */
static uint64_t read_within_bounds(struct trace_builder *b)
{
	uint64_t bytes[REPORT_FORMATS(COUNT, COUNT)];
	char folder[] = "/tmp/lsatrace-test-XXXXXX", *removal;
	const char *path = trace_builder_write(b);
	char *arguments[] = { (char *)"", strdup(path), NULL };
	size_t size;

	cr_assert(mkdtemp(folder));
	trace_builder_bytes(b, &size);
	limit_time();
	limit_memory(size);
	cr_assert(freopen("/dev/null", "w", stdout));
	REPORT_FORMATS(REPORT, REPORT)
	/* GitHub shows none of a longer one. */
	cr_expect_leq(bytes[REPORT_FORMAT_markdown], 1u << 20);
	cr_assert_eq(command_stat(2, arguments), 0);
	cr_assert_eq(command_events(2, arguments), 0);
	cr_assert_eq(command_baseline(2, arguments), 0);
	for (unsigned i = 0; i < EXPORT_COUNT; i++)
		cr_assert(export_traces((enum export_format)i, i == EXPORT_ctf ? folder : "/dev/null",
					NULL, &arguments[1], 1));
	cr_assert(asprintf(&removal, "rm -r %s", folder) > 0 && system(removal) == 0);
	free(removal);
	free(arguments[1]);
	trace_builder_free(b);
	return bytes[REPORT_FORMAT_json];
}

static struct trace_entry block(uint64_t address, uint32_t section, uint32_t stack)
{
	return (struct trace_entry){ .address = address,
				     .size = 8,
				     .section = section,
				     .stack = stack,
				     .state = TRACE_ENTRY_BLOCK,
				     .family = FAMILY_SHARED_MEMORY };
}

/* Adds `count` stacks of one frame each. */
static void add_places(struct trace_builder *b, uint32_t *refs, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		refs[i] = trace_builder_place(b, 0, 0x1000 + i);
}

Test(bounds, each_entry_may_be_a_leak_of_its_own, .timeout = 300)
{
	struct trace_builder *b = trace_builder_new();
	uint32_t stacks[400], sections[400];

	add_places(b, stacks, 400);
	for (unsigned i = 0; i < 400; i++)
		sections[i] = trace_builder_entry(
			b, (struct trace_entry){ .address = 0x1000000 + i * 4096,
						 .stack = stacks[i],
						 .state = TRACE_ENTRY_SECTION,
						 .family = FAMILY_SHARED_MEMORY });
	for (unsigned i = 0; i < ENTRIES; i++)
		trace_builder_entry(b,
				    block(0x1000000 + i, sections[i / 400 % 400], stacks[i % 400]));
	read_within_bounds(b);
}

Test(bounds, each_leak_may_have_a_stack_of_its_own, .timeout = 300)
{
	struct trace_builder *b = trace_builder_new();

	for (unsigned i = 0; i < ENTRIES; i++)
		trace_builder_entry(b, block(0x1000000 + i, 0, trace_builder_place(b, 0, 16 + i)));
	read_within_bounds(b);
}

/* An overflow of a block in the heap, whose neighbours are to be found. */
static struct trace_finding overflow(const uint32_t *stacks, unsigned i)
{
	return (struct trace_finding){ .kind = TRACE_KIND_OVERFLOW,
				       .reason = TRACE_REASON_WRITE,
				       .family = FAMILY_SHARED_MEMORY,
				       .function = SLOT_AllocateSharedMemory,
				       .address = 0x1000000 + i + 8,
				       .block = 0x1000000 + i,
				       .flags = TRACE_FINDING_HAS_ADDRESS,
				       .stack = { stacks[i % 400], stacks[i / 400 % 400] } };
}

Test(bounds, neighbours_of_many_blocks_are_found_for_many_findings, .timeout = 300)
{
	struct trace_builder *b = trace_builder_new();
	uint32_t stacks[400];

	add_places(b, stacks, 400);
	for (unsigned i = 0; i < ENTRIES; i++)
		trace_builder_entry(b, block(0x1000000 + i, 0, stacks[0]));
	for (unsigned i = 0; i < 20000; i++)
		trace_builder_finding(b, overflow(stacks, i));
	read_within_bounds(b);
}

Test(bounds, a_long_name_is_not_repeated_in_full, .timeout = 300)
{
	enum { STACKS = 7, FRAMES = TRACE_FRAMES_MAX, FINDINGS = 60 };
	struct trace_builder *b = trace_builder_new();
	char path[TRACE_TEXT_MAX + 1];
	uint64_t frames[FRAMES];
	uint32_t stacks[STACKS];

	memset(path, 'n', TRACE_TEXT_MAX);
	path[0] = '/';
	path[TRACE_TEXT_MAX] = '\0';
	trace_builder_module(b, 1, path, 0, NULL);
	for (unsigned i = 0; i < STACKS; i++) {
		for (unsigned j = 0; j < FRAMES; j++)
			frames[j] = trace_builder_frame(1, 0x1000 + i * FRAMES + j);
		stacks[i] = trace_builder_stack(b, frames, FRAMES);
	}
	for (unsigned i = 0; i < FINDINGS; i++) {
		struct trace_finding finding = { .kind = TRACE_KIND_DOUBLE_FREE,
						 .family = FAMILY_SHARED_MEMORY,
						 .function = SLOT_FreeSharedMemory };

		for (unsigned j = 0, left = i; j < TRACE_FINDING_STACKS; j++, left /= STACKS)
			finding.stack[j] = stacks[left % STACKS];
		trace_builder_finding(b, finding);
	}
	cr_expect_lt(read_within_bounds(b),
		     FINDINGS * TRACE_FINDING_STACKS * FRAMES * (TRACE_NAME_MAX + 400ull));
}

/* The page draws a flame graph. */
Test(bounds, each_of_many_frames_may_have_a_long_name_of_its_own, .timeout = 300)
{
	enum { STACKS = 500, FRAMES = TRACE_FRAMES_MAX };
	struct trace_builder *b = trace_builder_new();
	char path[TRACE_NAME_MAX + 1];
	uint64_t frames[FRAMES];
	const char *file;
	size_t size;

	memset(path, 'n', TRACE_NAME_MAX);
	path[TRACE_NAME_MAX] = '\0';
	trace_builder_module(b, 1, path, 0, NULL);
	for (unsigned i = 0; i < STACKS; i++) {
		for (unsigned j = 0; j < FRAMES; j++)
			frames[j] = trace_builder_frame(1, 0x1000 + i * FRAMES + j);
		trace_builder_entry(
			b, block(0x1000000 + i * 64, 0, trace_builder_stack(b, frames, FRAMES)));
	}
	file = trace_builder_write(b);
	trace_builder_bytes(b, &size);
	limit_time();
	limit_memory(size);
	cr_expect_gt(report(file, REPORT_FORMAT_html), 0);
	trace_builder_free(b);
}

Test(bounds, each_package_may_name_an_allocator_again_and_again, .timeout = 300)
{
	struct trace_builder *b = trace_builder_new();

	for (uint32_t family = 1; family < 256; family++)
		trace_builder_text(b, TRACE_RECORD_FAMILY, family, "");
	for (uint32_t i = 0; i < 2 * ENTRIES; i++)
		trace_builder_text(b, TRACE_RECORD_ALLOCATOR, i % 65 | (1 + i / 65 % 255) << 8, "");
	read_within_bounds(b);
}

Test(bounds, a_command_line_may_have_any_number_of_arguments, .timeout = 300)
{
	struct trace_builder *b = trace_builder_new();

	for (uint32_t i = 0; i < 2 * ENTRIES; i++)
		trace_builder_text(b, TRACE_RECORD_ARGUMENT, i, "");
	read_within_bounds(b);
}

Test(bounds, there_may_be_as_many_modules_as_there_are_ids, .timeout = 300)
{
	struct trace_builder *b = trace_builder_new();

	for (uint32_t i = 1; i <= UINT16_MAX; i++) {
		uint64_t frame = trace_builder_frame(i, 0x1000);

		trace_builder_module(b, i, "/\xff\xff\xff\xff", 0, NULL);
		trace_builder_entry(b, block(0x1000000 + i, 0, trace_builder_stack(b, &frame, 1)));
	}
	read_within_bounds(b);
}

Test(bounds, each_lane_may_have_calls_in_flight_and_one_chunk_of_the_ring, .timeout = 300)
{
	struct trace_builder *b = trace_builder_new();
	uint32_t stack = trace_builder_place(b, 0, 0x1234);

	for (unsigned i = 0; i < 10000; i++) {
		struct trace_lane *lane = trace_builder_lane(b, i, 1);

		lane->depth = TRACE_IN_FLIGHT;
		for (unsigned j = 0; j < TRACE_IN_FLIGHT; j++)
			lane->in_flight[j].stack = stack;
	}
	for (unsigned i = 0; i < 1000; i++) {
		struct trace_event *event = trace_builder_event(
			b, 0, (struct trace_event){ .time = i, .state = TRACE_EVENT_COMMITTED });

		trace_builder_chunk(b, event)->lane = i;
		trace_builder_close_ring(b, 0);
	}
	read_within_bounds(b);
}

Test(bounds, many_leaks_may_have_one_address, .timeout = 300)
{
	struct trace_builder *b = trace_builder_new();
	uint32_t stack = trace_builder_place(b, 0, 0x1234);

	for (unsigned i = 0; i < ENTRIES; i++) {
		struct trace_entry entry = block(0x1000000, 0, stack);

		entry.size = i;
		trace_builder_entry(b, entry);
	}
	read_within_bounds(b);
}

Test(bounds, the_header_of_a_full_chunk_of_the_ring_may_say_less_than_it_holds, .timeout = 300)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_event *event = NULL;

	for (unsigned i = 0; i < TRACE_ITEMS(struct trace_event); i++)
		event = trace_builder_event(
			b, 0,
			(struct trace_event){ .time = i,
					      .stack = trace_builder_place(b, 0, 0x1000 + i),
					      .state = TRACE_EVENT_COMMITTED });
	trace_builder_chunk(b, event)->records = TRACE_ITEMS(struct trace_event);
	trace_builder_chunk(b, event)->transfers = TRACE_ITEMS(struct trace_event);
	read_within_bounds(b);
}

/* So many that 4n is more than what the program takes for a small trace. */
Test(bounds, each_chunk_of_the_ring_may_be_of_its_own_lane_and_each_free_in_its_own_section,
     .timeout = 300)
{
	enum { CHUNKS = 2500, EVENTS = TRACE_ITEMS(struct trace_event) };
	struct trace_builder *b = trace_builder_new();
	struct trace_event *event = NULL;
	char *path;
	size_t size;

	for (unsigned i = 0; i < CHUNKS * EVENTS; i++) {
		event = trace_builder_event(
			b, 0,
			(struct trace_event){ .time = i % EVENTS * CHUNKS + i / EVENTS,
					      .address = 0x10000 + i,
					      .section = 0x10000 + i,
					      .function = SLOT_FreeSharedMemory,
					      .state = TRACE_EVENT_COMMITTED });
		if (i % EVENTS == EVENTS - 1) {
			trace_builder_chunk(b, event)->lane = i / EVENTS;
			trace_builder_close_ring(b, 0);
		}
	}
	path = strdup(trace_builder_write(b));
	trace_builder_bytes(b, &size);
	limit_time();
	limit_memory(size);
	cr_expect(export_traces(EXPORT_perfetto, "/dev/null", NULL, &path, 1));
	free(path);
	trace_builder_free(b);
}

/* n is what is in the file, not how long it is. */
Test(bounds, holes_of_a_sparse_file_cost_nothing, .timeout = 300)
{
	struct trace_builder *b = trace_builder_new();
	const uint32_t chunks = 1u << 20; /* 16 GiB */
	struct trace_header *h = trace_builder_header(b);
	char *arguments[] = { (char *)"", NULL, NULL };
	uint64_t frame = 0x1000;

	trace_builder_entry(b, block(0x5000, 0, trace_builder_stack(b, &frame, 1)));
	h->chunks = chunks;
	h->mode = TRACE_MODE_FULL;
	h->max_chunks = 0;
	arguments[1] = strdup(trace_builder_write(b));
	cr_assert_eq(truncate(arguments[1], (off_t)chunks * TRACE_CHUNK_BYTES), 0);
	limit_time();
	limit_memory(0);
	cr_assert(freopen("/dev/null", "w", stdout));
	cr_expect_lt(report(arguments[1], REPORT_FORMAT_json), 8192);
	cr_expect_eq(command_stat(2, arguments), 0);
	cr_expect_eq(command_events(2, arguments), 0);
	free(arguments[1]);
	trace_builder_free(b);
}
