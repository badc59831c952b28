/* SPDX-License-Identifier: MIT */
/* Each format is read by a program that its users have, if that is installed. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/json.h"
#include "tests/support/run.h"
#include "tests/support/trace_builder.h"
#include "viewer/base/buffer.h"
#include "viewer/base/progress.h"
#include "viewer/export/export.h"
#include "viewer/model/model.h"
#include "viewer/read/trouble.h"
#include "viewer/symbols/symbols.h"

struct exported {
	char *folder, *path; /* where it was written */
	char *text;          /* if it is a text */
};

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	cr_assert(file && getdelim(&text, &size, EOF, file) >= 0, "%s is empty", path);
	fclose(file);
	return text;
}

static struct exported export_as(enum export_format format, struct trace_builder *b)
{
	struct exported e = { .folder = temporary_folder_new() };
	char *path = strdup(trace_builder_write(b));

	cr_assert(asprintf(&e.path, "%s/exported", e.folder) > 0);
	cr_assert(export_traces(format, e.path, NULL, &path, 1));
	if (format != EXPORT_pprof && format != EXPORT_perfetto && format != EXPORT_ctf)
		e.text = read_file(e.path);
	free(path);
	return e;
}

static void release(struct exported *e, struct trace_builder *b)
{
	temporary_folder_remove(e->folder);
	free(e->path);
	free(e->text);
	trace_builder_free(b);
}

static uint32_t add_block(struct trace_builder *b, uint64_t address, uint64_t size, uint32_t stack)
{
	return trace_builder_entry(b, (struct trace_entry){ .address = address,
							    .size = size,
							    .stack = stack,
							    .state = TRACE_ENTRY_BLOCK,
							    .family = FAMILY_LSA_HEAP });
}

static void add_allocation(struct trace_builder *b, uint64_t address, uint64_t size, uint32_t stack)
{
	trace_builder_event(
		b, 0,
		(struct trace_event){ .function = SLOT_AllocateLsaHeap,
				      .address = address,
				      .size = size,
				      .stack = stack,
				      .state = TRACE_EVENT_COMMITTED | TRACE_EVENT_RETURNED });
}

/*
 * A package that leaks 100 + 20 bytes in one place and 3 in another, and has a block of 1000 bytes that
 * was freed wrongly and one of 7 that it inherited. The ring has 2 of its 10 allocations. Nothing points to
 * the first one.
 */
static struct trace_builder *leaking_trace(void)
{
	struct trace_builder *b = trace_builder_new();
	uint64_t frames[] = { trace_builder_frame(1, 0x10), trace_builder_frame(2, 0x20) };
	uint32_t often, once;

	trace_builder_module(b, 1, "/p/a;b.so", 0x10000, "\x12\x34");
	trace_builder_module(b, 2, "/bin/host", 0x20000, NULL);
	trace_builder_package(b, 0, "p", 1, 1);
	trace_builder_text(b, TRACE_RECORD_EXE, 0, "/bin/host");
	often = trace_builder_stack(b, frames, 2);
	once = trace_builder_place(b, 2, 0x30);
	trace_builder_era(b, add_block(b, 0x1000, 100, often),
			  7 | (uint32_t)TRACE_REACH_LOST << TRACE_ERA_BITS);
	trace_builder_header(b)->search = TRACE_SEARCH_DONE;
	add_block(b, 0x2000, 20, often);
	add_block(b, 0x3000, 3, once);
	trace_builder_entry(b, (struct trace_entry){ .address = 0x4000,
						     .size = 1000,
						     .stack = once,
						     .state = TRACE_ENTRY_SUSPECT,
						     .family = FAMILY_LSA_HEAP });
	trace_builder_entry(b, (struct trace_entry){ .address = 0x5000,
						     .size = 7,
						     .stack = once,
						     .state = TRACE_ENTRY_BLOCK,
						     .flags = TRACE_ENTRY_INHERITED,
						     .family = FAMILY_LSA_HEAP });
	add_allocation(b, 0x1000, 100, often);
	add_allocation(b, 0x3000, 3, once);
	trace_builder_counter(b, 0, SLOT_AllocateLsaHeap, 11, 1, 500);
	trace_builder_counter(b, 0, SLOT_FreeLsaHeap, 4, 0, 0);
	return b;
}

#define WRITER(name, help) export_write_##name,

/* Nothing that takes more than a second is silent: here, that second is over at once. */
static void expect_progress(enum export_format format, const char *words)
{
	static bool (*const writers[])(const struct export *,
				       struct buffer *) = { EXPORT_FORMATS(WRITER) };
	struct trace_builder *b = leaking_trace();
	struct progress progress = { .started_ns = 1 };
	struct model_events events;
	struct trouble trouble;
	struct model *model = model_open(trace_builder_write(b), NULL, &trouble);
	char *folder = temporary_folder_new(), shown[4096] = "";
	struct export e = { .models = &model,
			    .events = &events,
			    .count = 1,
			    .symbols = symbols_new(NULL),
			    .progress = &progress,
			    .file = folder };
	struct buffer out = { 0 };
	FILE *bar;

	cr_assert(model && model_count_events(model, &events, NULL, &trouble));
	cr_redirect_stderr();
	cr_expect(writers[format](&e, &out));
	progress_end(&progress);
	bar = cr_get_redirected_stderr();
	cr_assert(fread(shown, 1, sizeof(shown) - 1, bar) > 0, "%s: nothing", words);
	cr_expect(strstr(shown, words), "%s", shown);
	buffer_release(&out);
	symbols_free(e.symbols);
	model_close(model);
	temporary_folder_remove(folder);
	trace_builder_free(b);
}

Test(progress, a_profile_shows_it_while_calls_are_read)
{
	expect_progress(EXPORT_pprof, "reading events");
}

Test(progress, a_trace_for_babeltrace_shows_it_while_it_is_written)
{
	expect_progress(EXPORT_ctf, "writing: ");
}

Test(folded, has_a_line_for_each_stack_that_leaks)
{
	struct trace_builder *b = leaking_trace();
	struct exported e = export_as(EXPORT_folded, b);

	cr_expect_str_eq(e.text, "p;host+0x20;a,b.so+0x10 120\n"
				 "p;host+0x30 3\n");
	release(&e, b);
}

Test(folded, stacks_with_equal_names_are_one_line)
{
	struct trace_builder *b = trace_builder_new();
	struct exported e;

	trace_builder_module(b, 1, "/p/a.so", 0x10000, NULL);
	trace_builder_module(b, 2, "/q/a.so", 0x90000, NULL);
	add_block(b, 0x1000, 1, trace_builder_place(b, 1, 0x10));
	add_block(b, 0x2000, 2, trace_builder_place(b, 1, 0x20));
	add_block(b, 0x3000, 4, trace_builder_place(b, 2, 0x10));
	add_block(b, 0x4000, 8, 0);
	e = export_as(EXPORT_folded, b);
	cr_expect_str_eq(e.text, "#0;a.so+0x10 5\n#0;a.so+0x20 2\n#0;(no backtrace) 8\n");
	release(&e, b);
}

static json_int_t sum_of(const json_t *numbers)
{
	json_int_t sum = 0;
	json_t *number;
	size_t i;

	json_array_foreach(numbers, i, number) sum += json_integer_value(number);
	return sum;
}

static void expect_profile(const json_t *profiles, size_t i, const char *name, json_int_t sum)
{
	const json_t *profile = json_array_get(profiles, i);

	cr_expect_str_eq(json_string_value(json_object_get(profile, "name")), name);
	cr_expect_eq(json_integer_value(json_object_get(profile, "endValue")), sum, "%s", name);
	cr_expect_eq(sum_of(json_object_get(profile, "weights")), sum, "%s", name);
	cr_expect_eq(json_array_size(json_object_get(profile, "weights")),
		     json_array_size(json_object_get(profile, "samples")));
}

/* The ring has lost 8 allocations, and the counters have not. */
Test(speedscope, has_the_sums_of_the_report)
{
	struct trace_builder *b = leaking_trace();
	struct exported e = export_as(EXPORT_speedscope, b);
	json_t *json = json_loads(e.text, 0, NULL), *profiles, *stack, *frame;
	size_t frames, i, j;

	cr_assert(json);
	profiles = json_object_get(json, "profiles");
	expect_profile(profiles, 0, "leaked bytes", 123);
	expect_profile(profiles, 1, "leaked blocks", 3);
	expect_profile(profiles, 2, "allocated bytes", 500);
	expect_profile(profiles, 3, "allocated blocks", 10);
	expect_profile(profiles, 4, "calls", 15);
	frames = json_array_size(json_object_get(json_object_get(json, "shared"), "frames"));
	json_array_foreach(json_object_get(json_array_get(profiles, 4), "samples"), i, stack)
		json_array_foreach(stack, j, frame)
			cr_expect_lt((size_t)json_integer_value(frame), frames);
	json_decref(json);
	release(&e, b);
}

/* Runs `go tool pprof` for one type of sample. */
static void expect_pprof(const char *path, const char *how, const char *type, const char *part)
{
	char *option;
	struct run run;

	cr_assert(asprintf(&option, "-sample_index=%s", type) > 0);
	run = run_command((const char *const[]){ "go", "tool", "pprof", how, option, path, NULL });
	cr_expect_eq(run.status, 0, "%s", run.err);
	cr_expect(strstr(run.out, part), "no %s in %s", part, run.out);
	run_release(&run);
	free(option);
}

Test(pprof, is_read_by_its_own_tool, .timeout = 120)
{
	struct trace_builder *b = leaking_trace();
	struct exported e = export_as(EXPORT_pprof, b);
	struct run run = run_command((const char *const[]){ "go", "version", NULL });
	bool has_go = run.status == 0;

	run_release(&run);
	if (has_go) {
		expect_pprof(e.path, "-top", "inuse_space", "File: host");
		expect_pprof(e.path, "-top", "inuse_space", "of 123B total");
		expect_pprof(e.path, "-top", "inuse_objects", "of 3 total");
		expect_pprof(e.path, "-top", "alloc_space", "of 500B total");
		expect_pprof(e.path, "-top", "alloc_objects", "of 10 total");
		expect_pprof(e.path, "-top", "alloc_objects", "(overwritten calls)");
		expect_pprof(e.path, "-tags", "alloc_objects", "lsa-heap");
	}
	release(&e, b);
	if (!has_go)
		cr_skip_test("go, which has pprof, is not installed");
}

/* A field of a message: its number, and its bytes or its value. */
struct field {
	unsigned number;
	uint64_t value;
	const unsigned char *bytes; /* NULL: it has a value */
};

static uint64_t read_varint(const unsigned char **at)
{
	uint64_t value = 0;

	for (unsigned shift = 0;; shift += 7) {
		value |= (uint64_t)(**at & 0x7f) << shift;
		if (!(*(*at)++ & 0x80))
			return value;
	}
}

static struct field read_field(const unsigned char **at)
{
	uint64_t tag = read_varint(at);
	struct field field = { .number = (unsigned)(tag >> 3), .value = read_varint(at) };

	if ((tag & 7) == 2) {
		field.bytes = *at;
		*at += field.value;
	}
	return field;
}

/* Returns the last field of a message with this number, below those of the other numbers, or zeroes. */
static struct field find_field(struct field message, const unsigned *path)
{
	const unsigned char *at = message.bytes, *end = at + message.value;
	struct field found = { 0 };

	if (!*path || !at)
		return message;
	while (at < end) {
		struct field field = read_field(&at);

		if (field.number == *path)
			found = field;
	}
	return found.number ? find_field(found, path + 1) : found;
}

#define FIND(message, ...) find_field(message, (const unsigned[]){ __VA_ARGS__, 0 })

/* Returns the last value of a counter, or -1. */
static int64_t last_value(struct field trace, const char *name)
{
	const unsigned char *at = trace.bytes, *end = at + trace.value;
	uint64_t track = 0;
	int64_t value = -1;

	while (at < end) {
		struct field packet = read_field(&at), text = FIND(packet, 60, 2);

		if (text.bytes && text.value == strlen(name) &&
		    memcmp(text.bytes, name, text.value) == 0)
			track = FIND(packet, 60, 1).value;
		if (track && FIND(packet, 11, 11).value == track)
			value = (int64_t)FIND(packet, 11, 30).value;
	}
	return value;
}

static void add_in_section(struct trace_builder *b, unsigned function, uint64_t address,
			   uint64_t size, uint64_t time)
{
	trace_builder_event(
		b, 0,
		(struct trace_event){ .function = (uint8_t)function,
				      .time = time,
				      .section = 0x9000,
				      .address = address,
				      .size = size,
				      .tid = 5,
				      .state = TRACE_EVENT_COMMITTED | TRACE_EVENT_RETURNED });
}

Test(perfetto, counters_end_with_what_is_live)
{
	struct trace_builder *b = leaking_trace();
	struct exported e;
	struct field all = { 0 };
	static unsigned char room[1 << 16];
	FILE *file;

	add_in_section(b, SLOT_AllocateSharedMemory, 0x9100, 8, 1000);
	add_in_section(b, SLOT_AllocateSharedMemory, 0x9200, 16, 2000);
	add_in_section(b, SLOT_FreeSharedMemory, 0x9100, 0, 3000);
	/* Older than the ring: it was there at the start. */
	add_in_section(b, SLOT_FreeSharedMemory, 0x9300, 0, 4000);
	e = export_as(EXPORT_perfetto, b);
	file = fopen(e.path, "r");
	cr_assert(file);
	all.bytes = room;
	all.value = fread(room, 1, sizeof(room), file);
	fclose(file);
	cr_expect_eq(last_value(all, "live bytes of section 0x9000"), 16);
	cr_expect_eq(last_value(all, "live bytes of p"), 123 + 7 + 16);
	cr_expect_eq(last_value(all, "live blocks of p"), 3 + 1 + 1);
	release(&e, b);
}

Test(ctf, is_read_by_babeltrace, .timeout = 120)
{
	struct trace_builder *b = leaking_trace();
	struct exported e = export_as(EXPORT_ctf, b);
	struct run run = run_command((const char *const[]){ "babeltrace2", e.path, NULL });

	cr_expect(run.status == 0 || run.status == 127, "%s", run.err);
	if (run.status == 0) {
		cr_expect(strstr(run.out, "AllocateLsaHeap: { vtid = 0, package = \"p\" }"), "%s",
			  run.out);
		cr_expect(strstr(run.out, "size = 100,"), "%s", run.out);
		cr_expect(strstr(run.err, "discarded 13 events"), "%s", run.err);
	}
	run_release(&run);
	release(&e, b);
	if (run.status == 127)
		cr_skip_test("babeltrace2 is not installed");
}

Test(ndjson, has_one_finding_a_line_with_the_same_keys)
{
	struct trace_builder *b = leaking_trace();
	struct exported e = export_as(EXPORT_ndjson, b);
	char *rest = e.text, *line, keys[512];
	json_int_t bytes = 0;
	json_t *json, *value;
	const char *key;
	unsigned lines;

	for (lines = 0; (line = strsep(&rest, "\n")) != NULL && *line; lines++) {
		json = json_loads(line, 0, NULL);
		cr_assert(json, "%s", line);
		*keys = '\0';
		json_object_foreach(json, key, value) strcat(strcat(keys, key), " ");
		cr_expect_str_eq(
			keys, "schema host boot_id exe build_id version pid start_time end_time "
			      "package module module_build_id kind reason family level leak_class "
			      "reachability fingerprint weak_fingerprint count bytes exact "
			      "function file line stack "
			      "offsets ");
		bytes += json_integer_value(json_object_get(json, "bytes"));
		cr_expect_str_eq(json_string_value(json_object_get(json, "start_time")),
				 "2023-11-14T22:13:20.123456Z");
		cr_expect_str_eq(json_text_at(json, "leak_class"), "direct");
		if (lines == 0)
			cr_expect_str_eq(json_text_at(json, "offsets.0"), "1234+0x10");
		cr_expect(json_same_text(json_text_at(json, "reachability"),
					 lines == 0 ? "lost" : NULL));
		json_decref(json);
	}
	cr_expect_eq(lines, 2);
	cr_expect_eq(bytes, 123);
	release(&e, b);
}

/* Formats that have no place for it are all the more told on standard error. */
Test(export, says_that_it_is_a_lower_bound)
{
	struct trace_builder *b[] = { leaking_trace(), leaking_trace() };
	static const char bound[] =
		"lsatrace: something was lost, so that what is exported is a lower bound\n";
	char said[2048] = "", *first;
	struct exported e;

	cr_redirect_stderr();
	for (int i = 0; i < 2; i++)
		trace_builder_header(b[i])->lost[TRACE_LOST_BLOCKS] = 1;
	e = export_as(EXPORT_speedscope, b[0]);
	cr_expect(strstr(e.text, "\"name\":\"/bin/host (a lower bound)\""), "%s", e.text);
	release(&e, b[0]);
	e = export_as(EXPORT_folded, b[1]);
	fflush(stderr);
	cr_expect_gt(fread(said, 1, sizeof(said) - 1, cr_get_redirected_stderr()), 0);
	first = strstr(said, bound);
	cr_expect(first && strstr(first + 1, bound), "%s", said);
	release(&e, b[1]);
}

Test(export, does_not_replace_a_trace)
{
	struct trace_builder *b = leaking_trace();
	char path[4096], *list = path, *before, *after;

	cr_assert_lt(strlen(trace_builder_write(b)), sizeof(path));
	strcpy(path, trace_builder_write(b));
	before = read_file(path);
	cr_redirect_stderr();
	cr_expect(!export_traces(EXPORT_folded, path, NULL, &list, 1));
	after = read_file(path);
	cr_expect_str_eq(before, after);
	free(before);
	free(after);
	trace_builder_free(b);
}
