/* SPDX-License-Identifier: MIT */
/* The page as a text. `make readers` looks at it in a browser. */
#include <criterion/criterion.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/trace_builder.h"
#include "viewer/report/report.h"

#define HOSTILE "</script><img src=x onerror=alert(1)>&amp;\"'"

/* Reports `count` times the same trace. */
static char *report_often(struct trace_builder *b, enum report_format format, size_t count)
{
	struct report_options options = { .format = format };
	char *path = strdup(trace_builder_write(b)), *text = NULL;
	char **paths = calloc(count, sizeof(*paths));
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < count; i++)
		paths[i] = path;
	cr_expect_neq(report_traces(&options, paths, count, out), REPORT_TROUBLE);
	fclose(out);
	free(paths);
	free(path);
	return text;
}

static char *report(struct trace_builder *b, enum report_format format)
{
	return report_often(b, format, 1);
}

static struct trace_builder *hostile_trace(void)
{
	struct trace_builder *b = trace_builder_new();
	uint32_t stack, section;

	trace_builder_module(b, 1, "/p/" HOSTILE ".so", 0x10000, NULL);
	trace_builder_package(b, 0, HOSTILE, 1, 1);
	trace_builder_text(b, TRACE_RECORD_EXE, 0, "/bin/" HOSTILE);
	trace_builder_text(b, TRACE_RECORD_ARGUMENT, 0, HOSTILE);
	stack = trace_builder_place(b, 1, 0x10);
	section = trace_builder_entry(b, (struct trace_entry){ .address = 0x1000,
							       .size = 4096,
							       .stack = stack,
							       .state = TRACE_ENTRY_SECTION,
							       .family = FAMILY_SHARED_MEMORY });
	for (unsigned i = 0; i < 3; i++)
		trace_builder_entry(b, (struct trace_entry){ .address = 0x1100 + i * 64,
							     .size = 10 + i,
							     .stack = stack,
							     .section = section,
							     .state = TRACE_ENTRY_BLOCK,
							     .family = FAMILY_SHARED_MEMORY });
	trace_builder_finding(b, (struct trace_finding){ .kind = TRACE_KIND_NULL_FREE,
							 .family = FAMILY_LSA_HEAP,
							 .function = SLOT_FreeLsaHeap,
							 .stack = { stack } });
	return b;
}

/* Returns the data in an element, where `tag` is the end of its start. */
static json_t *find_data(const char *page, const char *tag)
{
	const char *start = strstr(page, tag), *end;
	json_error_t error;
	json_t *json;

	cr_assert(start);
	start += strlen(tag);
	end = strstr(start, "</script>");
	cr_assert(end);
	json = json_loadb(start, (size_t)(end - start), 0, &error);
	cr_assert(json, "%s", error.text);
	return json;
}

Test(page, names_are_never_markup)
{
	struct trace_builder *b = hostile_trace();
	char *page = report(b, REPORT_FORMAT_html);
	unsigned scripts = 0;

	cr_expect(!strstr(page, "<img"));
	cr_expect(strstr(page,
			 "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&amp;amp;&quot;&#39;"));
	for (const char *at = page; (at = strstr(at, "</script>")) != NULL; at++)
		scripts++;
	cr_expect_eq(scripts, 3);
	json_decref(find_data(page, "id=flame-data>"));
	json_decref(find_data(page, "id=data>"));
	free(page);
	trace_builder_free(b);
}

Test(page, asks_for_nothing)
{
	struct trace_builder *b = hostile_trace();
	char *page = report(b, REPORT_FORMAT_html);

	cr_expect(strstr(page, "content=\"default-src 'none';"));
	cr_expect(!strstr(page, "http:") && !strstr(page, "https:"));
	cr_expect(!strstr(page, "url(") && !strstr(page, "@import") && !strstr(page, "fetch("));
	free(page);
	trace_builder_free(b);
}

/* Returns the text as it is in HTML, as far as messages need it. */
static void expect_message(const char *page, const char *message)
{
	char *html = calloc(6, strlen(message) + 1), *to = html;

	for (; *message; message++) {
		const char *entity = *message == '<'    ? "&lt;"
				     : *message == '>'  ? "&gt;"
				     : *message == '&'  ? "&amp;"
				     : *message == '"'  ? "&quot;"
				     : *message == '\'' ? "&#39;"
							: NULL;

		if (entity)
			to = stpcpy(to, entity);
		else
			*to++ = *message;
	}
	cr_expect(strstr(page, html), "%s", html);
	free(html);
}

Test(page, has_every_finding_without_scripts)
{
	struct trace_builder *b = hostile_trace();
	char *page = report(b, REPORT_FORMAT_html), *text = report(b, REPORT_FORMAT_json);
	json_t *json = json_loads(text, 0, NULL), *finding;
	char anchor[64];
	size_t i;

	cr_assert_eq(json_array_size(json_object_get(json, "findings")), 3);
	json_array_foreach(json_object_get(json, "findings"), i, finding)
	{
		expect_message(page, json_string_value(json_object_get(finding, "message")));
		snprintf(anchor, sizeof(anchor), "id=\"f-%s\"",
			 json_string_value(json_object_get(finding, "fingerprint")));
		cr_expect(strstr(page, anchor), "%s", anchor);
	}
	cr_expect(strstr(page, "leaked; exact"));
	json_decref(json);
	free(text);
	free(page);
	trace_builder_free(b);
}

Test(page, says_that_a_result_is_a_lower_bound)
{
	struct trace_builder *b = hostile_trace();
	char *page;

	trace_builder_header(b)->lost[TRACE_LOST_BLOCKS] = 5;
	page = report(b, REPORT_FORMAT_html);
	cr_expect(strstr(page, "<strong>a lower bound</strong>"));
	cr_expect(strstr(page, "Lost: 5 "));
	free(page);
	trace_builder_free(b);
}

Test(page, says_whose_symbols_are_missing)
{
	struct trace_builder *b = hostile_trace();
	char *page = report(b, REPORT_FORMAT_html);

	cr_expect(strstr(page, ".so has no symbols: it is not at /p/"));
	free(page);
	trace_builder_free(b);
}

/* Returns the number that a column of the tree has for a node, or for the root if that is 0. Checks that
 * no node has less than its children. */
static json_int_t value_of(json_t *tree, size_t column, size_t node)
{
	json_t *values = json_array_get(json_object_get(tree, "values"), column);
	json_t *parents = json_object_get(tree, "parent"), *parent;
	size_t count = json_array_size(parents), i;
	json_int_t *left = calloc(count + 1, sizeof(*left)), value;

	cr_expect_eq(json_array_size(values), count);
	for (i = 0; i < count; i++)
		left[i + 1] = json_integer_value(json_array_get(values, i));
	value = node ? left[node] : 0;
	json_array_foreach(parents, i, parent)
	{
		size_t above = i + 1 - (size_t)json_integer_value(parent);

		cr_assert_leq(above, i);
		left[above] -= json_integer_value(json_array_get(values, i));
	}
	for (i = 1; i <= count; i++)
		cr_expect_geq(left[i], 0);
	value = node ? value : -left[0];
	free(left);
	return value;
}

/* Adds the columns that the page has for the tree in another place: all but the first one. */
static void complete(json_t *tree, json_t *data)
{
	json_t *values = json_object_get(tree, "values"), *rest = json_object_get(data, "values");
	json_t *column;
	size_t i, first = 0;

	cr_expect_eq(json_array_size(rest), json_array_size(values));
	json_array_foreach(values, i, column)
	{
		first += json_is_array(column);
		if (json_is_null(column))
			json_array_set(values, i, json_array_get(rest, i));
		else
			cr_expect(json_is_null(json_array_get(rest, i)));
	}
	cr_expect_eq(first, 1);
}

/* Returns the name of a node. */
static const char *name_of(json_t *tree, size_t node)
{
	json_t *number = json_array_get(json_object_get(tree, "name"), node - 1);
	json_t *name =
		json_array_get(json_object_get(tree, "names"), (size_t)json_integer_value(number));

	return json_string_value(json_array_get(name, 0));
}

Test(page, stacks_are_a_tree_with_the_sums_of_the_report)
{
	struct trace_builder *b = hostile_trace();
	char *page = report(b, REPORT_FORMAT_html);
	json_t *outward = find_data(page, "id=flame-data>"), *inward = find_data(page, "id=data>");
	json_t *tree[] = { json_object_get(outward, "tree"), json_object_get(inward, "inverted") };

	complete(tree[0], inward);
	for (unsigned i = 0; i < 2; i++) {
		cr_expect_eq(value_of(tree[i], 0, 0), 33);
		cr_expect_eq(value_of(tree[i], 1, 0), 3);
		/* The package, and the one function. */
		cr_expect_eq(json_array_size(json_object_get(tree[i], "parent")), 2);
		cr_expect_str_eq(name_of(tree[i], i ? 2 : 1), HOSTILE);
		cr_expect_eq(json_integer_value(json_object_get(tree[i], "left_out")), 0);
	}
	json_decref(outward);
	json_decref(inward);
	free(page);
	trace_builder_free(b);
}

/* Each stack has a large block, or a small one, which is one of `count`. */
static struct trace_builder *trace_of_many_stacks(unsigned count)
{
	struct trace_builder *b = trace_builder_new();

	trace_builder_module(b, 1, "/p/alpha.so", 0x10000, NULL);
	trace_builder_package(b, 0, "alpha", 1, 1);
	for (unsigned i = 0; i < count; i++) {
		uint64_t frames[] = { trace_builder_frame(1, 0x100000 + i),
				      trace_builder_frame(1, 0x10000 + i / 7),
				      trace_builder_frame(1, 0x1000 + i / 1000) };

		trace_builder_entry(
			b, (struct trace_entry){ .address = 0x1000000 + i * 64,
						 .size = i == 5 ? count : 1,
						 .stack = trace_builder_stack(b, frames, 3),
						 .state = TRACE_ENTRY_BLOCK,
						 .family = FAMILY_LSA_HEAP });
	}
	return b;
}

Test(page, small_stacks_are_summed_up_and_counted, .timeout = 120)
{
	enum { STACKS = 150000 };
	struct trace_builder *b = trace_of_many_stacks(STACKS);
	char *page = report(b, REPORT_FORMAT_html);
	json_t *outward = find_data(page, "id=flame-data>"), *inward = find_data(page, "id=data>");
	json_t *tree[] = { json_object_get(outward, "tree"), json_object_get(inward, "inverted") };

	cr_expect_lt(strlen(page), 25u << 20);
	complete(tree[0], inward);
	for (unsigned i = 0; i < 2; i++) {
		size_t nodes = json_array_size(json_object_get(tree[i], "parent"));
		json_int_t left_out = json_integer_value(json_object_get(tree[i], "left_out"));

		cr_expect_lt(nodes, 20000, "%zu", nodes);
		cr_expect_gt(left_out, STACKS / 2);
		cr_expect_leq(left_out, STACKS - 1);
		cr_expect_eq(value_of(tree[i], 0, 0), 2 * STACKS - 1);
		cr_expect_eq(value_of(tree[i], 1, 0), STACKS);
		cr_expect_str_eq(name_of(tree[i], nodes), "(small stacks)");
	}
	/* The large block is there down to its innermost function. */
	cr_expect_eq(value_of(tree[0], 0, 4), STACKS);
	cr_expect_str_eq(name_of(tree[0], 4), "alpha.so+0x100005");
	json_decref(outward);
	json_decref(inward);
	free(page);
	trace_builder_free(b);
}

Test(page, has_the_facts_of_every_finding_and_the_stacks_of_as_many_as_fit, .timeout = 120)
{
	enum { FINDINGS = 900, FRAMES = 60 };
	struct trace_builder *b = trace_builder_new();
	char path[200] = "/", *page, *flame;
	unsigned articles = 0, without = 0, rows = 0, before = 0;
	uint64_t frames[FRAMES];

	memset(path + 1, 'n', sizeof(path) - 2);
	trace_builder_module(b, 1, path, 0x10000, NULL);
	for (unsigned i = 0; i < FINDINGS; i++) {
		for (unsigned j = 0; j < FRAMES; j++)
			frames[j] = trace_builder_frame(1, i * FRAMES + j);
		trace_builder_finding(b, (struct trace_finding){ .kind = TRACE_KIND_NULL_FREE,
								 .family = FAMILY_LSA_HEAP,
								 .function = SLOT_FreeLsaHeap,
								 .stack = { trace_builder_stack(
									 b, frames, FRAMES) } });
	}
	page = report(b, REPORT_FORMAT_html);
	flame = strstr(page, "id=flame-data>");
	cr_assert(flame);
	for (const char *at = page; (at = strstr(at, "<tr class=")) != NULL; at++) {
		rows++;
		before += at < flame;
	}
	cr_expect_eq(rows, FINDINGS);
	cr_expect_lt(before, 200, "%u rows are read before the first picture", before);
	for (const char *at = page; (at = strstr(at, "<article ")) != NULL; at++)
		articles++;
	for (const char *at = page; (at = strstr(at, " shows its backtraces")) != NULL; at++)
		without++;
	cr_expect_eq(articles, FINDINGS);
	cr_expect_gt(without, 0);
	cr_expect_lt(without, FINDINGS);
	free(page);
	trace_builder_free(b);
}

Test(page, has_as_many_traces_as_fit_and_says_how_many_it_leaves_out)
{
	enum { TRACES = 700, ARGUMENTS = 10, BYTES = 2000 };
	struct trace_builder *b = trace_builder_new();
	char *argument = calloc(1, BYTES + 1), *page;

	memset(argument, 'n', BYTES);
	for (uint32_t i = 0; i < ARGUMENTS; i++)
		trace_builder_text(b, TRACE_RECORD_ARGUMENT, i, argument);
	page = report_often(b, REPORT_FORMAT_html, TRACES);
	cr_expect_lt(strlen(page), 8u << 20);
	cr_expect(strstr(page, " more traces are left out"));
	free(argument);
	free(page);
	trace_builder_free(b);
}

Test(page, says_how_many_sections_and_blocks_it_leaves_out)
{
	struct trace_builder *b = trace_builder_new();
	uint32_t section = 0;
	json_t *data, *map;
	char *page;

	for (unsigned i = 0; i < 600; i++) {
		uint32_t made = trace_builder_entry(
			b, (struct trace_entry){ .address = 0x10000000 + i * 0x10000,
						 .size = 0x10000,
						 .state = TRACE_ENTRY_SECTION,
						 .family = FAMILY_SHARED_MEMORY });

		section = i ? section : made;
	}
	for (unsigned i = 0; i < 20007; i++)
		trace_builder_entry(b, (struct trace_entry){ .address = 0x10000000 + i,
							     .size = 1,
							     .section = section,
							     .state = TRACE_ENTRY_BLOCK,
							     .family = FAMILY_SHARED_MEMORY });
	page = report(b, REPORT_FORMAT_html);
	cr_expect(strstr(page, "<p>100 more live sections are left out.</p>"));
	data = find_data(page, "id=data>");
	map = json_array_get(json_object_get(data, "maps"), 0);
	cr_expect_eq(json_integer_value(json_object_get(map, "left_out_sections")), 100);
	cr_expect_eq(json_integer_value(json_object_get(map, "left_out_blocks")), 7);
	json_decref(data);
	free(page);
	trace_builder_free(b);
}

static void add_in_section(struct trace_builder *b, uint16_t function, uint64_t address,
			   uint64_t size, uint64_t time)
{
	trace_builder_event(
		b, 0,
		(struct trace_event){ .time = time,
				      .function = function,
				      .section = 0x9000,
				      .address = address,
				      .size = size,
				      .state = TRACE_EVENT_COMMITTED | TRACE_EVENT_RETURNED });
}

static int64_t point(const json_t *lanes, const char *what, size_t i)
{
	const json_t *lane = json_array_get(lanes, 0);

	return json_integer_value(json_array_get(json_object_get(lane, what), i));
}

Test(page, time_line_begins_with_what_was_there_before_the_ring)
{
	enum { LAST = 399 };
	struct trace_builder *b = trace_builder_new();
	json_t *data, *course, *packages, *sections;
	char *page;

	trace_builder_package(b, 0, "alpha", 1, 0);
	trace_builder_entry(b, (struct trace_entry){ .address = 0x5000,
						     .size = 50,
						     .state = TRACE_ENTRY_BLOCK,
						     .family = FAMILY_SHARED_MEMORY });
	add_in_section(b, SLOT_AllocateSharedMemory, 0x9100, 8, 1000);
	add_in_section(b, SLOT_FreeSharedMemory, 0x9300, 0, 2000);
	add_in_section(b, SLOT_DeleteSharedMemory, 0x9000, 0, 3000);
	page = report(b, REPORT_FORMAT_html);
	data = find_data(page, "id=data>");
	course = json_array_get(json_object_get(data, "courses"), 0);
	packages = json_object_get(course, "packages");
	sections = json_object_get(course, "sections");
	cr_expect_eq(point(packages, "blocks", 0), 3);
	cr_expect_eq(point(packages, "bytes", 0), 58);
	cr_expect_eq(point(packages, "blocks", LAST), 1);
	cr_expect_eq(point(packages, "bytes", LAST), 50);
	cr_expect_eq(point(sections, "blocks", 0), 2);
	cr_expect_eq(point(sections, "blocks", LAST - 1), 1);
	cr_expect_eq(point(sections, "blocks", LAST), 0);
	json_decref(data);
	free(page);
	trace_builder_free(b);
}

static struct trace_event call(uint64_t time, int32_t tid)
{
	return (struct trace_event){ .time = time,
				     .tid = tid,
				     .function = SLOT_FreeLsaHeap,
				     .state = TRACE_EVENT_COMMITTED | TRACE_EVENT_RETURNED };
}

Test(page, says_what_the_thread_did_last_that_ended_the_process)
{
	struct trace_builder *b = trace_builder_new();
	char *page;

	trace_builder_package(b, 0, "alpha", 1, 0);
	trace_builder_header(b)->end = TRACE_END_KILLED;
	trace_builder_header(b)->exit_status = 128 + 11;
	trace_builder_finding(b, (struct trace_finding){ .kind = TRACE_KIND_OVERFLOW,
							 .reason = TRACE_REASON_WRITE,
							 .family = FAMILY_SHARED_MEMORY,
							 .function = SLOT_AllocateSharedMemory,
							 .tid = 77 });
	for (unsigned i = 0; i < 50; i++)
		trace_builder_event(b, i & 1, call(1000 + i, i & 1 ? 77 : 78));
	page = report(b, REPORT_FORMAT_html);
	cr_expect(strstr(page, "The last calls of thread 77</h4>\n<pre class=calls>[+"));
	cr_expect_not(strstr(page, "] 78 alpha"));
	cr_expect(strstr(page, "<p>It was killed by SIGSEGV; the signal was for thread 77: "
			       "finding 1. Traced from 20"));
	free(page);
	trace_builder_free(b);
}

/* Nothing tells which thread the signal was for. */
Test(page, says_what_each_living_thread_did_last_before_a_signal)
{
	struct trace_builder *b = trace_builder_new();
	char *page;

	trace_builder_package(b, 0, "alpha", 1, 0);
	trace_builder_header(b)->end = TRACE_END_KILLED;
	trace_builder_header(b)->exit_status = 128 + 11;
	trace_builder_lane(b, 0, 77);
	trace_builder_lane(b, 1, 78);
	trace_builder_lane(b, 2, 79)->state = 2;
	for (unsigned i = 0; i < 30; i++)
		trace_builder_event(b, i % 3, call(1000 + i, 77 + (int32_t)(i % 3)));
	page = report(b, REPORT_FORMAT_html);
	cr_expect(strstr(page, "The last calls of thread 77</h4>\n"));
	cr_expect(strstr(page, "The last calls of thread 78</h4>\n"));
	cr_expect_not(strstr(page, "The last calls of thread 79"), "it had ended");
	cr_expect_not(strstr(page, "The last calls of the process"));
	free(page);
	trace_builder_free(b);
}

Test(page, says_nothing_of_the_last_calls_after_an_orderly_end)
{
	struct trace_builder *b = trace_builder_new();
	char *page;

	trace_builder_event(b, 0, call(1000, 77));
	page = report(b, REPORT_FORMAT_html);
	cr_expect_not(strstr(page, "The last calls"));
	cr_expect(strstr(page, "<p>It exited with status 0. Traced from 20"));
	free(page);
	trace_builder_free(b);
}
