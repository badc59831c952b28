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

static char *report(struct trace_builder *b, enum report_format format)
{
	struct report_options options = { .format = format };
	char *path = strdup(trace_builder_write(b)), *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	cr_expect_neq(report_traces(&options, &path, 1, out), REPORT_TROUBLE);
	fclose(out);
	free(path);
	return text;
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

/* Returns the data of the scripts. */
static json_t *find_data(const char *page)
{
	const char *start = strstr(page, "id=data>"), *end;
	json_error_t error;
	json_t *json;

	cr_assert(start);
	start += strlen("id=data>");
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
	cr_expect_eq(scripts, 2);
	json_decref(find_data(page));
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

/* Sums up a column of the tree. */
static json_int_t sum_values(json_t *json, size_t column)
{
	json_t *values = json_array_get(json_object_get(json, "values"), column), *value;
	json_int_t sum = 0;
	size_t i;

	cr_expect_eq(json_array_size(values), json_array_size(json_object_get(json, "nodes")));
	json_array_foreach(values, i, value) sum += json_integer_value(value);
	return sum;
}

Test(page, stacks_are_a_tree_with_the_sums_of_the_report)
{
	struct trace_builder *b = hostile_trace();
	char *page = report(b, REPORT_FORMAT_html);
	json_t *json = find_data(page);

	cr_expect_eq(sum_values(json, 0), 33);
	cr_expect_eq(sum_values(json, 1), 3);
	/* The package, and the one function. */
	cr_expect_eq(json_array_size(json_object_get(json, "parent")), 2);
	cr_expect_eq(json_array_size(json_object_get(json, "names")), 2);
	json_decref(json);
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
	cr_expect(strstr(page, "<p>It was killed by SIGSEGV. "));
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
	cr_expect(strstr(page, "<p>It exited with status 0. "));
	free(page);
	trace_builder_free(b);
}
