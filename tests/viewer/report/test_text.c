/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/trace_builder.h"
#include "viewer/commands/commands.h"
#include "viewer/report/report.h"

/* Messages on standard error are not checked here. */
static void silence(void)
{
	cr_assert(freopen("/dev/null", "w", stderr));
}

static const struct report_options plain;

/* Takes an option. Returns NULL, or what its value must be, valid until the next call. */
static const char *take(struct report_options *options, const char *name, const char *value)
{
	struct argument_group group = strcmp(name, "color") == 0
					      ? report_color_arguments(&options->color)
					      : report_arguments(options);
	static char words[128];
	char *expected = arguments_take(&group, name, value);

	snprintf(words, sizeof(words), "%s", expected ? expected : "");
	free(expected);
	return *words ? words : NULL;
}

static char *report_with(const struct report_options *options, char *const *paths, size_t count,
			 int *status)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	*status = report_traces(options, paths, count, out);
	fclose(out);
	return text;
}

static char *report(struct trace_builder *b, int *status)
{
	char *path = strdup(trace_builder_write(b));
	char *text = report_with(&plain, &path, 1, status);

	free(path);
	return text;
}

static const char *last_line(const char *text)
{
	size_t length = strlen(text);

	cr_assert(length && text[length - 1] == '\n');
	for (length--; length && text[length - 1] != '\n';)
		length--;
	return text + length;
}

static unsigned times(const char *text, const char *word)
{
	unsigned count = 0;

	while ((text = strstr(text, word)) != NULL) {
		text += strlen(word);
		count++;
	}
	return count;
}

static void add_leak(struct trace_builder *b, uint64_t size)
{
	trace_builder_entry(b, (struct trace_entry){ .address = 0x5000,
						     .size = size,
						     .stack = trace_builder_place(b, 1, 0x123),
						     .state = TRACE_ENTRY_BLOCK,
						     .family = FAMILY_LSA_HEAP });
}

static struct trace_finding misuse(enum trace_kind kind, uint32_t stack)
{
	return (struct trace_finding){ .kind = (uint8_t)kind,
				       .family = FAMILY_SHARED_MEMORY,
				       .function = SLOT_DeleteSharedMemory,
				       .stack = { stack } };
}

Test(report_text, ends_in_a_line_for_scripts)
{
	struct trace_builder *b = trace_builder_new();
	int status;
	char *text = report(b, &status);

	cr_expect_eq(status, REPORT_EMPTY);
	cr_expect_str_eq(last_line(text), "lsatrace: 0 errors, 0 warnings, 0 notes; 0 blocks (0 "
					  "bytes) and 0 sections leaked; exact\n");
	free(text);
	trace_builder_free(b);
}

Test(report_text, counts_in_the_last_line)
{
	struct trace_builder *b = trace_builder_new();
	char *text;
	int status;

	add_leak(b, 64);
	trace_builder_finding(b, misuse(TRACE_KIND_NULL_FREE, 0));
	trace_builder_finding(b, misuse(TRACE_KIND_FAILED_CALL, 0))->count = 2;
	trace_builder_header(b)->lost[TRACE_LOST_STACKS] = 9;
	text = report(b, &status);
	cr_expect_eq(status, 1);
	cr_expect_str_eq(last_line(text), "lsatrace: 1 error, 1 warning, 2 notes; 1 block (64 "
					  "bytes) and 0 sections leaked; a lower bound\n");
	cr_expect(strstr(text, "not recorded: 9 calls have no backtrace"));
	free(text);
	trace_builder_free(b);
}

Test(report_text, says_what_a_package_held_when_it_was_unloaded)
{
	struct trace_builder *b = trace_builder_new();
	char *text;
	int status;

	trace_builder_package(b, 0, "alpha", 1, 0);
	trace_builder_text(b, TRACE_RECORD_PACKAGE_GONE, 0, "");
	trace_builder_package(b, 1, "beta", 2, 0);
	add_leak(b, 64);
	text = report(b, &status);
	cr_expect(strstr(text, "  packages: alpha [unloaded], beta\n"), "%s", text);
	cr_expect(
		strstr(text, " is never freed: still held when the package was unloaded (1 block,"),
		"%s", text);
	free(text);
	trace_builder_free(b);
}

/* Which functions the packages called. */
static void add_allocator(struct trace_builder *b, uint32_t package, enum family family,
			  enum trace_allocator allocator)
{
	trace_builder_text(b, TRACE_RECORD_ALLOCATOR,
			   package | (uint32_t)family << 8 | (uint32_t)allocator << 16, "");
}

Test(report_text, says_which_functions_were_not_the_hosts)
{
	struct trace_builder *b = trace_builder_new();
	char *text;
	int status;

	trace_builder_package(b, 0, "alpha", 1, 0);
	trace_builder_package(b, 1, "beta", 2, 0);
	add_allocator(b, 0, FAMILY_SHARED_MEMORY, TRACE_ALLOCATOR_EMBEDDED_INSTEAD);
	add_allocator(b, 2, FAMILY_SHARED_MEMORY, TRACE_ALLOCATOR_EMBEDDED_INSTEAD);
	add_allocator(b, 0, FAMILY_SHARED_MEMORY, TRACE_ALLOCATOR_EMBEDDED);
	add_allocator(b, 1, FAMILY_SHARED_MEMORY, TRACE_ALLOCATOR_EMBEDDED);
	add_allocator(b, 1, FAMILY_LSA_HEAP, TRACE_ALLOCATOR_EMBEDDED);
	add_allocator(b, 0, FAMILY_LSA_HEAP, TRACE_ALLOCATOR_EMBEDDED); /* and called none of it */
	trace_builder_counter(b, 0, SLOT_CreateSharedMemory, 1, 0, 0);
	trace_builder_counter(b, 1, SLOT_CreateSharedMemory, 1, 0, 0);
	trace_builder_counter(b, 1, SLOT_FreeLsaHeap, 1, 0, 0);
	text = report(b, &status);
	cr_expect(strstr(text,
			 "  packages: alpha, beta\n"
			 "  shared-memory: the host provides none, so lsatrace's own was "
			 "used: alpha, beta\n"
			 "  shared-memory: lsatrace's own was used in place of the host's: #2\n"
			 "  lsa-heap: the host provides none, so lsatrace's own was used: beta\n"
			 "  history: "),
		  "%s", text);
	free(text);
	trace_builder_free(b);
}

static void expect_span(struct trace_builder *b, const char *expected)
{
	char *text;
	int status;

	setenv("TZ", "UTC-2", 1); /* two hours east */
	tzset();
	text = report(b, &status);
	cr_expect(strstr(text, expected), "%s", text);
	free(text);
	trace_builder_free(b);
}

Test(report_text, says_when_the_trace_was_begun_and_ended)
{
	struct trace_builder *b = trace_builder_new();

	expect_span(b, " status 0\n  from 2023-11-15 00:13:20.123 to 2023-11-15 00:13:22.123\n");
}

Test(report_text, does_not_say_that_a_process_ended_with_its_last_call)
{
	struct trace_builder *b = trace_builder_new();

	trace_builder_header(b)->end = TRACE_END_KILLED;
	/* The clock of the trace is older. */
	trace_builder_event(b, 0,
			    (struct trace_event){ .time = 1000 + 2000000000,
						  .function = SLOT_FreeLsaHeap,
						  .state = TRACE_EVENT_COMMITTED });
	expect_span(b, "  from 2023-11-15 00:13:20.123 to 2023-11-15 00:13:24.123 or later\n");
}

Test(report_text, says_since_when_a_process_runs)
{
	struct trace_builder *b = trace_builder_new();

	trace_builder_running(b, getpid());
	expect_span(b, "\n  since 2023-11-15 00:13:20.123\n");
}

Test(report_text, names_kind_message_cost_and_package_in_one_line)
{
	struct trace_builder *b = trace_builder_new();
	char *text;
	int status;

	trace_builder_module(b, 1, "/nonexistent/a.so", 0, NULL);
	trace_builder_package(b, 0, "alpha", 1, 1);
	add_leak(b, 64);
	add_leak(b, 64);
	text = report(b, &status);
	cr_expect(strstr(text, "error: block-leak: block of 64 bytes, allocated at a.so+0x123, is "
			       "never freed (2 blocks, 128 bytes; package alpha (a.so))\n"),
		  "%s", text);
	cr_expect(strstr(text, "    #0 a.so+0x123\n"), "%s", text);
	free(text);
	trace_builder_free(b);
}

Test(report_text, does_not_show_one_stack_twice)
{
	struct trace_builder *b = trace_builder_new();
	char *text;
	int status;

	trace_builder_finding(
		b, misuse(TRACE_KIND_LIVE_AT_DELETE, trace_builder_place(b, 0, 0xabcdef)));
	text = report(b, &status);
	cr_expect_eq(times(text, "#0 0xabcdef"), 1, "%s", text);
	free(text);
	trace_builder_free(b);
}

Test(report_text, shows_notes_last_and_without_stacks)
{
	struct trace_builder *b = trace_builder_new();
	uint64_t frames[] = { 0xabc, 0xdef };
	char *text;
	int status;

	trace_builder_finding(b, misuse(TRACE_KIND_FAILED_CALL, trace_builder_stack(b, frames, 2)));
	add_leak(b, 1);
	text = report(b, &status);
	cr_expect(strstr(text, "note: failed-call: DeleteSharedMemory failed"));
	cr_expect_gt(strstr(text, "note:"), strstr(text, "error:"));
	cr_expect(strstr(text, "0xabc"));
	cr_expect_null(strstr(text, "0xdef"));
	free(text);
	trace_builder_free(b);
}

Test(report_text, shows_calls_in_flight)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_lane *lane = trace_builder_lane(b, 0, 1234);
	char *text;
	int status;

	lane->depth = 1;
	lane->in_flight[0].function = SLOT_FreeLsaHeap;
	lane->in_flight[0].stack = trace_builder_place(b, 0, 0xabcdef);
	text = report(b, &status);
	cr_expect(strstr(text, "in flight: FreeLsaHeap in thread 1234"), "%s", text);
	cr_expect(strstr(text, "#0 0xabcdef"), "%s", text);
	free(text);
	trace_builder_free(b);
}

Test(report_text, lets_no_text_of_the_trace_control_the_terminal)
{
	struct trace_builder *b = trace_builder_new();
	char *text;
	int status;

	trace_builder_text(b, TRACE_RECORD_ARGUMENT, 0, "host\033[2J\n\xc2\x9b");
	trace_builder_package(b, 0, "p\a\r", 1, 0);
	text = report(b, &status);
	cr_expect_null(strchr(text, '\033'));
	cr_expect_null(strchr(text, '\a'));
	cr_expect_null(strchr(text, '\r'));
	cr_expect_null(strstr(text, "\xc2\x9b"));
	cr_expect(strstr(text, "host?[2J??"), "%s", text);
	free(text);
	trace_builder_free(b);
}

Test(report_text, has_colours_only_when_asked_for_or_on_a_terminal)
{
	struct report_options always = { .color = REPORT_COLOR_ALWAYS };
	struct trace_builder *b = trace_builder_new();
	char *path, *text;
	int status;

	add_leak(b, 64);
	text = report(b, &status);
	cr_expect_null(strchr(text, '\033'));
	free(text);
	path = strdup(trace_builder_write(b));
	text = report_with(&always, &path, 1, &status);
	cr_expect(strstr(text, "\033[1;31merror: "));
	free(text);
	free(path);
	trace_builder_free(b);
}

Test(report_text, reports_the_other_traces_when_one_cannot_be_read)
{
	struct trace_builder *b = trace_builder_new();
	char *paths[] = { strdup(trace_builder_write(b)), (char *)"/nonexistent" };
	int status;
	char *text;

	silence();
	text = report_with(&plain, paths, 2, &status);
	cr_expect_eq(status, 2);
	cr_expect(strstr(text, "lsatrace: 0 errors"));
	free(text);
	free(paths[0]);
	trace_builder_free(b);
}

Test(report_text, fails_from_the_level_that_was_asked_for)
{
	struct trace_builder *b = trace_builder_new();
	struct report_options options = plain;
	char *path;
	int status;

	trace_builder_finding(b, misuse(TRACE_KIND_NULL_FREE, 0));
	path = strdup(trace_builder_write(b));
	free(report_with(&options, &path, 1, &status));
	cr_expect_eq(status, 0);
	cr_assert_null(take(&options, "fail-on", "warning"));
	free(report_with(&options, &path, 1, &status));
	cr_expect_eq(status, 1);
	cr_assert_null(take(&options, "fail-on", "never"));
	free(report_with(&options, &path, 1, &status));
	cr_expect_eq(status, 0);
	cr_assert_null(take(&options, "fail-on", "error"));
	free(report_with(&options, &path, 1, &status));
	cr_expect_eq(status, 0);
	free(path);
	trace_builder_free(b);
}

/* A process that has forked another, and one that has executed a program. */
Test(report_text, says_which_processes_had_a_finding_as_a_tree)
{
	static const struct {
		int32_t pid, ppid;
		uint64_t start;
		enum trace_end end;
		unsigned count;
	} processes[] = {
		{ 300, 200, 30, TRACE_END_EXIT, 1 }, { 100, 1, 10, TRACE_END_EXIT, 0 },
		{ 200, 100, 20, TRACE_END_EXEC, 0 }, { 200, 100, 25, TRACE_END_EXIT, 2 },
		{ 400, 999, 40, TRACE_END_EXIT, 3 }, { 100, 1, 50, TRACE_END_EXIT, 4 },
	};
	struct trace_builder *b[6];
	char *paths[6], *text;
	int status;

	for (int i = 0; i < 6; i++) {
		struct trace_header *header;

		b[i] = trace_builder_new();
		header = trace_builder_header(b[i]);
		header->pid = processes[i].pid;
		header->ppid = processes[i].ppid;
		header->start_time_ns = processes[i].start;
		header->end = processes[i].end;
		trace_builder_text(b[i], TRACE_RECORD_EXE, 0, "/bin/h");
		if (processes[i].count)
			trace_builder_finding(b[i], misuse(TRACE_KIND_NULL_FREE, 0))->count =
				processes[i].count;
		paths[i] = strdup(trace_builder_write(b[i]));
	}
	text = report_with(&plain, paths, 6, &status);
	cr_expect(strstr(text, "  it was found in:\n"
			       "    process 100 h\n"
			       "      process 200 h\n"
			       "        process 200 h (2 times)\n"
			       "          process 300 h (once)\n"
			       "    process 400 h (3 times)\n"
			       "    process 100 h (4 times)\n\n"),
		  "%s", text);
	free(text);
	for (int i = 0; i < 6; i++) {
		free(paths[i]);
		trace_builder_free(b[i]);
	}
}

Test(report_text, refuses_values_that_options_do_not_have)
{
	struct report_options options = plain;

	cr_expect_not_null(take(&options, "format", "xml"));
	cr_expect_str_eq(take(&options, "fail-on", "note"), "error, warning or never");
	cr_expect_str_eq(take(&options, "color", "yes"), "auto, always or never");
	cr_expect_str_eq(take(&options, "report", ""),
			 "FORMAT:FILE, or a name in .txt .json .xml .sarif .md .html .baseline");
}

Test(report_text, says_when_the_report_cannot_be_written)
{
	struct trace_builder *b = trace_builder_new();
	struct report_options full = { .file = { { .path = "/dev/full" } }, .files = 1 },
			      nowhere = { .file = { { .path = "/nonexistent/r" } }, .files = 1 };
	char *path = strdup(trace_builder_write(b));
	int status;

	silence();
	free(report_with(&full, &path, 1, &status));
	cr_expect_eq(status, 2);
	free(report_with(&nowhere, &path, 1, &status));
	cr_expect_eq(status, 2);
	free(path);
	trace_builder_free(b);
}

Test(report_text, does_not_let_a_report_replace_the_trace_that_it_is_made_of)
{
	struct trace_builder *b = trace_builder_new();
	char *path = strdup(trace_builder_write(b));
	struct report_options onto_itself = { .file = { { .path = path } }, .files = 1 };
	int status;

	silence();
	free(report_with(&onto_itself, &path, 1, &status));
	cr_expect_eq(status, 2);
	free(report_with(&plain, &path, 1, &status));
	cr_expect_eq(status, REPORT_EMPTY, "the trace is still there");
	free(path);
	trace_builder_free(b);
}

/* The commands' own arguments. */

static int quietly(int (*command)(int, char **), char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	silence();
	return command(argc, argv);
}

#define ARGUMENTS(...) ((char *[]){ (char *)__VA_ARGS__, NULL })

Test(report_text, refuses_bad_usage_with_status_2)
{
	cr_expect_eq(quietly(command_report, ARGUMENTS("report")), 2);
}

Test(report_text, refuses_unknown_options_with_status_2)
{
	cr_expect_eq(quietly(command_report, ARGUMENTS("report", (char *)"--nonsense")), 2);
}

Test(report_text, refuses_a_bad_value_with_status_2)
{
	cr_expect_eq(quietly(command_report, ARGUMENTS("report", (char *)"--format=xml")), 2);
}

Test(report_text, refuses_an_option_without_value_with_status_2)
{
	cr_expect_eq(quietly(command_stat, ARGUMENTS("stat", (char *)"--bogus")), 2);
}

/* What the guarded allocator caught. */

static struct trace_finding access_to(enum trace_kind kind, enum trace_reason reason,
				      uint64_t address, uint32_t stack)
{
	return (struct trace_finding){
		.kind = (uint8_t)kind,
		.reason = (uint8_t)reason,
		.family = FAMILY_LSA_HEAP,
		.function = SLOT_AllocateLsaHeap,
		.address = address,
		.size = 24,
		.block = 0x5000,
		.stack = { stack },
		.flags = TRACE_FINDING_HAS_ADDRESS | TRACE_FINDING_HAS_SIZE,
	};
}

Test(report_text, tells_what_made_an_access_and_what_lies_beside_it)
{
	struct trace_builder *b = trace_builder_new();
	uint32_t place;
	int status;
	char *text;

	trace_builder_module(b, 1, "/nonexistent/a.so", 0, NULL);
	place = trace_builder_place(b, 1, 0x123);
	trace_builder_entry(b, (struct trace_entry){ .address = 0x4000,
						     .size = 16,
						     .stack = place,
						     .state = TRACE_ENTRY_BLOCK,
						     .family = FAMILY_LSA_HEAP });
	trace_builder_finding(b, access_to(TRACE_KIND_OVERFLOW, TRACE_REASON_WRITE, 0x5018, place));
	text = report(b, &status);
	cr_expect_eq(status, 1);
	cr_expect(strstr(text, "error: overflow/write: write 1 byte past the end of a block of 24 "
			       "bytes (once"),
		  "%s", text);
	cr_expect(strstr(text, "  the write was made by:\n    #0 a.so+0x123\n"), "%s", text);
	cr_expect(strstr(text, "  the next live block before it, 0x4000 of 16 bytes, was allocated "
			       "by a.so+0x123\n"),
		  "%s", text);
	cr_expect_null(strstr(text, "live block after"));
	free(text);
	trace_builder_free(b);
}

Test(report_text, begins_with_a_table)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_finding many = misuse(TRACE_KIND_DOUBLE_FREE, trace_builder_place(b, 1, 0x456));
	char *text;
	int status;

	many.count = 542001;
	many.bytes = 3 << 19;
	trace_builder_finding(b, many);
	add_leak(b, 64);
	text = report(b, &status);
	cr_expect(strstr(text, "\n2 findings (542,002 occurrences)\n\n"), "%s", text);
	cr_expect(strstr(text, "\n  #  kind           count    bytes  where    package\n"
			       "  1  double-free  542,001  1.5 MiB  ?+0x456  #0\n"
			       "  2  block-leak         1     64 B  ?+0x123  #0\n\n"),
		  "%s", text);
	free(text);
	trace_builder_free(b);
}

Test(report_text, shows_as_many_findings_as_were_asked_for)
{
	struct report_options options = plain;
	struct trace_builder *b = trace_builder_new();
	char *path, *text;
	int status;

	trace_builder_finding(b, misuse(TRACE_KIND_DOUBLE_FREE, trace_builder_place(b, 1, 0x456)));
	add_leak(b, 64);
	path = strdup(trace_builder_write(b));
	options.view.top = 1;
	text = report_with(&options, &path, 1, &status);
	cr_expect(strstr(text, "\nerror: double-free: "), "%s", text);
	cr_expect_null(strstr(text, "\nerror: block-leak: "), "%s", text);
	cr_expect(strstr(text, "\n... and 1 more: --top=all "), "%s", text);
	cr_expect(strstr(text, "lsatrace: 2 errors, "), "%s", text);
	free(text);
	free(path);
	trace_builder_free(b);
}

Test(report_text, does_not_say_never_of_a_process_that_was_killed)
{
	struct trace_builder *b = trace_builder_new();
	char *text;
	int status;

	add_leak(b, 64);
	trace_builder_header(b)->end = TRACE_END_KILLED;
	trace_builder_header(b)->exit_status = 134;
	text = report(b, &status);
	cr_expect(strstr(text, "\n  was killed by SIGABRT\n"), "%s", text);
	cr_expect(strstr(text, "block of 64 bytes, allocated at 0x123, is live at the end ("), "%s",
		  text);
	free(text);
	trace_builder_free(b);
}

static void expect_threads(struct trace_builder *b, const char *expected)
{
	int status;
	char *text = report(b, &status);

	cr_expect_eq(strstr(text, "signal") != NULL, *expected != '\0', "%s", text);
	cr_expect(strstr(text, expected), "%s", text);
	free(text);
}

/* Only a handler could note which thread a signal was for. The trace has those that lived. */
Test(report_text, says_which_threads_may_have_been_the_one_that_a_signal_killed)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_finding wrong = misuse(TRACE_KIND_OVERFLOW, trace_builder_place(b, 1, 0x456));

	trace_builder_lane(b, 0, 77);
	trace_builder_lane(b, 1, 78)->state = 2; /* it has ended */
	trace_builder_lane(b, 2, 79);
	trace_builder_header(b)->end = TRACE_END_KILLED;
	trace_builder_header(b)->exit_status = 128 + 9;
	expect_threads(b, "");
	trace_builder_header(b)->exit_status = 128 + 11;
	expect_threads(
		b,
		"\n  was killed by SIGSEGV\n  threads that may have got the signal: 77, 79, and "
		"those without a traced call\n  what was called last: lsatrace events --last=20 ");
	wrong.reason = TRACE_REASON_WRITE;
	wrong.tid = 79;
	trace_builder_finding(b, wrong);
	expect_threads(b, "\n  was killed by SIGSEGV\n  the signal was for thread 79: finding 1\n");
	trace_builder_free(b);
}

/* A leak of the package a.so, which the host has called. */
static char *report_deep(const struct view *view)
{
	uint64_t frames[] = { trace_builder_frame(1, 0x10), trace_builder_frame(2, 0x20),
			      trace_builder_frame(2, 0x30), trace_builder_frame(1, 0x40),
			      trace_builder_frame(2, 0x50), trace_builder_frame(3, 0x60),
			      trace_builder_frame(4, 0x70) };
	struct trace_builder *b = trace_builder_new();
	struct report_options options = plain;
	char *path, *text;
	int status;

	trace_builder_module(b, 1, "/nonexistent/a.so", 0, NULL);
	trace_builder_module(b, 2, "/nonexistent/host", 0, NULL);
	trace_builder_module(b, 3, "/nonexistent/libc.so.6", 0, NULL);
	trace_builder_module(b, 4, "/nonexistent/libother.so", 0, NULL);
	trace_builder_text(b, TRACE_RECORD_EXE, 0, "/nonexistent/host");
	trace_builder_package(b, 0, "alpha", 1, 1);
	trace_builder_entry(b, (struct trace_entry){ .address = 0x5000,
						     .size = 64,
						     .stack = trace_builder_stack(b, frames, 7),
						     .state = TRACE_ENTRY_BLOCK,
						     .family = FAMILY_LSA_HEAP });
	path = strdup(trace_builder_write(b));
	options.view = *view;
	text = report_with(&options, &path, 1, &status);
	free(path);
	trace_builder_free(b);
	return text;
}

Test(report_text, folds_frames_of_the_host_and_of_the_c_library)
{
	char *folded = report_deep(&(struct view){ 0 });
	char *all = report_deep(&(struct view){ .frames = VIEW_FRAMES_ALL });

	cr_expect(strstr(folded, "    #0 a.so+0x10\n"
				 "    ... 2 frames of host\n"
				 "    #3 a.so+0x40\n"
				 "    ... 2 frames of host, libc.so.6\n"
				 "    #6 libother.so+0x70\n"),
		  "%s", folded);
	cr_expect(strstr(all, "    #1 host+0x20\n    #2 host+0x30\n    #3 a.so+0x40\n"), "%s", all);
	free(folded);
	free(all);
}

/* Reports two errors and a warning of three threads, with these filters. */
static char *report_selected(const struct selection *selection, int *status)
{
	struct trace_builder *b = trace_builder_new();
	struct report_options options = plain;
	struct trace_finding twice =
		misuse(TRACE_KIND_DOUBLE_FREE, trace_builder_place(b, 1, 0x456));
	struct trace_finding null = misuse(TRACE_KIND_NULL_FREE, trace_builder_place(b, 1, 0x789));
	char *path, *text;

	twice.tid = 11;
	null.tid = 12;
	trace_builder_module(b, 1, "/nonexistent/a.so", 0, NULL);
	trace_builder_package(b, 0, "alpha", 1, 1);
	trace_builder_finding(b, twice);
	trace_builder_finding(b, null);
	add_leak(b, 64);
	path = strdup(trace_builder_write(b));
	options.selection = *selection;
	text = report_with(&options, &path, 1, status);
	free(path);
	trace_builder_free(b);
	return text;
}

static void expect_selected(enum selection_field field, const char *glob, const char *kinds)
{
	static const char *const all[] = { "double-free", "block-leak", "null-free" };
	struct selection selection = { 0 };
	int status;
	char *text;

	selection.filter[field] = (struct argument_list){ { glob }, 1 };
	text = report_selected(&selection, &status);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		cr_expect_eq(strstr(text, all[i]) != NULL, strstr(kinds, all[i]) != NULL,
			     "%s: %s: %s", glob, all[i], text);
	cr_expect_eq(status, REPORT_FINDINGS, "%s", glob);
	cr_expect(strcmp(kinds, "double-free block-leak null-free") == 0 ||
			  strstr(last_line(text), "; hidden by filters: "),
		  "%s", text);
	free(text);
}

Test(report_text, shows_what_the_filters_let_pass_but_judges_all)
{
	expect_selected(SELECTION_KIND, "*-leak", "block-leak");
	expect_selected(SELECTION_KIND, "nothing", "");
	expect_selected(SELECTION_LEVEL, "warning", "null-free");
	expect_selected(SELECTION_PACKAGE, "alp?a", "double-free block-leak null-free");
	expect_selected(SELECTION_PACKAGE, "beta", "");
	expect_selected(SELECTION_THREAD, "11", "double-free");
	expect_selected(SELECTION_FINDING, "2", "block-leak");
	expect_selected(SELECTION_FINDING, "999", "");
	expect_selected(SELECTION_FUNCTION, "DeleteShared*", "double-free null-free");
	expect_selected(SELECTION_FUNCTION, "unknown", "");
}

/* Two findings whose fingerprints differ in what comes behind all digits. */
static char *report_twins(const char *glob)
{
	struct trace_builder *b = trace_builder_new();
	struct report_options options = plain;
	char *path, *text;
	int status;

	trace_builder_module(b, 1, "/p/a.so", 0, NULL);
	trace_builder_module(b, 2, "/p/libc.so.6", 0, NULL);
	trace_builder_package(b, 0, "alpha", 1, 1);
	for (unsigned i = 0; i < 2; i++) {
		uint64_t frames[] = { trace_builder_frame(1, 0x456),
				      trace_builder_frame(2, 0x10 + i) };

		trace_builder_finding(
			b, misuse(TRACE_KIND_DOUBLE_FREE, trace_builder_stack(b, frames, 2)));
	}
	path = strdup(trace_builder_write(b));
	options.selection.filter[SELECTION_FINDING] = (struct argument_list){ { glob }, 1 };
	text = report_with(&options, &path, 1, &status);
	free(path);
	trace_builder_free(b);
	return text;
}

Test(report_text, says_that_a_short_fingerprint_stands_for_several)
{
	char *all = report_twins("*"), *print = strstr(all, ", fingerprint "), *text, glob[9];
	char told[200] = "";
	int saved = dup(STDERR_FILENO);
	FILE *file = tmpfile();

	cr_assert(print && file && saved >= 0, "%s", all);
	snprintf(glob, sizeof(glob), "%s", print + strlen(", fingerprint "));
	dup2(fileno(file), STDERR_FILENO);
	text = report_twins(glob);
	dup2(saved, STDERR_FILENO);
	rewind(file);
	cr_expect(fgets(told, sizeof(told), file));
	cr_expect(strstr(told, ": 2 findings begin with that: "), "%s", told);
	cr_expect(strstr(told, ":2"), "%s", told);
	cr_expect(strstr(text, "2 findings (2 occurrences)"), "%s", text);
	free(text);
	/* All digits are one fingerprint. */
	print[strlen(", fingerprint ") + 16] = '\0';
	text = report_twins(print + strlen(", fingerprint "));
	cr_expect(strstr(text, "1 finding (1 occurrence)"), "%s", text);
	fclose(file);
	close(saved);
	free(text);
	free(all);
}

Test(report_text, takes_any_filter_of_a_field_and_one_of_each_field)
{
	struct selection selection = { .filter = {
					       [SELECTION_KIND] = { { "block-leak", "null-free" },
								    2 },
					       [SELECTION_LEVEL] = { { "error" }, 1 },
				       } };
	int status;
	char *text = report_selected(&selection, &status);

	cr_expect(strstr(text, "1 finding (1 occurrence) that the filters let pass"), "%s", text);
	cr_expect(strstr(text, "\n  2  block-leak"), "%s", text);
	free(text);
}

Test(report_text, sorts_and_groups)
{
	struct selection selection = { .sort = SELECTION_SORT_BYTES,
				       .groups = SELECTION_GROUP_KIND };
	int status;
	char *text = report_selected(&selection, &status);

	cr_expect(strstr(text, "block-leak: 1 finding (1 occurrence), 64 B\n  2  block-leak"), "%s",
		  text);
	cr_expect_lt(strstr(text, "\nblock-leak: "), strstr(text, "\ndouble-free: "));
	cr_expect_null(strstr(text, "hidden"), "%s", text);
	free(text);
}
