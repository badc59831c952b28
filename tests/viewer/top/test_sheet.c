/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <poll.h>
#include <string.h>

#include "tests/support/trace_builder.h"
#include "viewer/model/model.h"
#include "viewer/symbols/places.h"
#include "viewer/top/names.h"
#include "viewer/top/sheet.h"
#include "viewer/view/layout.h"

static const struct places nowhere = { .no_debuginfod = true };

struct shown {
	struct trace_builder *b;
	struct picture *p;
	struct names *names;
	struct sheet_view view;
	struct sheet sheet;
};

static struct shown show(struct trace_builder *b)
{
	struct shown s = { .b = b, .names = names_new(&nowhere), .view = sheet_view() };
	struct trouble trouble;
	struct model *m = model_open(trace_builder_write(b), NULL, &trouble);

	cr_assert(m, "%s", trouble.text);
	s.p = picture_take(m, NULL, NULL);
	for (unsigned i = 0; i < PICTURE_TABLES; i++)
		picture_sort(s.p, (enum picture_table)i, s.view.order[i]);
	return s;
}

static const char *text(struct shown *s)
{
	sheet_write(&s->sheet, s->p, s->names, &s->view);
	return s->sheet.text.data;
}

/* Waits for the names that are wanted. */
static void wait_for_names(struct shown *s)
{
	names_start(s->names, s->p);
	while (names_fd(s->names) >= 0) {
		struct pollfd wait = { .fd = names_fd(s->names), .events = POLLIN };

		cr_assert_eq(poll(&wait, 1, 60000), 1);
		names_take(s->names);
	}
}

static void end(struct shown *s)
{
	sheet_release(&s->sheet);
	names_free(s->names);
	picture_free(s->p);
	trace_builder_free(s->b);
}

/* A package, blocks of 30 backtraces, and a finding. */
static struct trace_builder *build(const char *package, const char *module)
{
	struct trace_builder *b = trace_builder_new();

	trace_builder_module(b, 1, module, 0x100000, NULL);
	trace_builder_package(b, 0, package, 1, 1);
	trace_builder_counter(b, 0, SLOT_AllocateLsaHeap, 1234567, 2, 640);
	for (uint64_t i = 1; i <= 30; i++)
		trace_builder_entry(
			b, (struct trace_entry){ .address = 0x1000 * i,
						 .size = 100 * i,
						 .stack = trace_builder_place(b, 1, 0x10 * i),
						 .state = TRACE_ENTRY_BLOCK,
						 .family = FAMILY_LSA_HEAP });
	trace_builder_finding(
		b, (struct trace_finding){ .kind = TRACE_KIND_DOUBLE_FREE,
					   .function = SLOT_FreeLsaHeap,
					   .family = FAMILY_LSA_HEAP,
					   .first_time = 900000000,
					   .stack = { trace_builder_place(b, 1, 0x1234) } });
	return b;
}

Test(sheet, is_text_for_scripts_with_whole_numbers)
{
	struct shown s = show(build("alpha", "/lib/alpha.so"));

	text(&s);
	wait_for_names(&s);
	cr_expect(strstr(text(&s),
			 "?, process 4711, exited with status 0: 617284 calls/s, 1234567 "
			 "calls\n"
			 "live: 30 blocks, 46500 bytes; 0 sections; since the mark (0 s): "
			 "0, 0 bytes\n"
			 "found: 1 error, 0 warnings, 0 notes; exact\n"),
		  "%s", s.sheet.text.data);
	cr_expect(strstr(s.sheet.text.data, " 3000       1       0        0  lsa-heap  alpha    "
					    "alpha.so+0x1e0\n"),
		  "%s", s.sheet.text.data);
	cr_expect(strstr(s.sheet.text.data, "  (30 stacks)\n"));
	cr_expect_null(strstr(s.sheet.text.data, "alpha.so+0xa0\n"), "20 rows are enough");
	cr_expect(strstr(s.sheet.text.data, "double-free  alpha    alpha.so+0x1234\n"), "%s",
		  s.sheet.text.data);
	end(&s);
}

static void expect_shape(struct shown *s)
{
	text(s);
	cr_expect_eq(s->sheet.lines, s->view.height, "%ux%u has %zu lines", s->view.width,
		     s->view.height, s->sheet.lines);
	for (size_t i = 0; i < s->sheet.lines; i++) {
		const char *line = s->sheet.text.data + s->sheet.line[i].at;
		size_t bytes = s->sheet.line[i].bytes;

		cr_expect_eq(line[bytes], '\n');
		for (size_t j = 0; j < bytes; j++)
			cr_expect((unsigned char)line[j] >= 0x20 && line[j] != 0x7f, "%.*s",
				  (int)bytes, line);
	}
}

Test(sheet, has_as_many_lines_as_any_terminal_and_no_control_characters)
{
	struct shown s = show(build("\033[2J\r\nalpha\x9b", "/lib/\033]0;x\007.so"));
	static const unsigned sizes[] = { 1, 2, 3, 4, 5, 9, 10, 17, 20, 24, 60, 80, 200 };

	text(&s);
	wait_for_names(&s);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		for (size_t j = 0; j < sizeof(sizes) / sizeof(*sizes); j++)
			for (unsigned page = SHEET_TABLES; page <= SHEET_HELP; page++) {
				s.view.width = sizes[i];
				s.view.height = sizes[j];
				s.view.page = (enum sheet_page)page;
				s.view.focus = (enum picture_table)((i + j) % PICTURE_TABLES);
				expect_shape(&s);
			}
	end(&s);
}

/* The line that has the focus' selected row; NULL: there is none. */
static const char *selected(struct shown *s)
{
	for (size_t i = 0; i < s->sheet.lines; i++)
		if (s->sheet.line[i].look == SHEET_SELECTED)
			return s->sheet.text.data + s->sheet.line[i].at;
	return NULL;
}

Test(sheet, leaves_columns_out_where_the_terminal_is_narrow)
{
	struct shown s = show(build("alpha", "/lib/alpha.so"));
	const char *line;

	s.view.height = 24;
	s.view.width = 100;
	text(&s);
	wait_for_names(&s);
	text(&s);
	line = selected(&s);
	cr_expect_eq(strncmp(line,
			     "2.9 KiB       1     0 B        0  lsa-heap  alpha    "
			     "alpha.so+0x1e0\n",
			     66),
		     0, "%s", line);
	s.view.width = 60;
	text(&s);
	line = selected(&s);
	cr_expect_eq(
		strncmp(line, "2.9 KiB       1     0 B  lsa-heap  alpha    alpha.so+0x1e0\n", 59),
		0, "%s", line);
	s.view.width = 20;
	text(&s);
	line = selected(&s);
	cr_expect_eq(strncmp(line, "2.9 KiB  alpha.so+0…\n", 22), 0, "%s", line);
	end(&s);
}

Test(sheet, scrolls_to_the_selected_row)
{
	struct shown s = show(build("alpha", "/lib/alpha.so"));

	s.view.height = 24;
	s.view.width = 80;
	s.view.selected[PICTURE_STACKS] = 29;
	text(&s);
	wait_for_names(&s);
	text(&s);
	cr_assert(selected(&s));
	cr_expect(strstr(selected(&s), "alpha.so+0x10\n"), "%s", s.sheet.text.data);
	cr_expect_eq(s.view.first[PICTURE_STACKS] + s.view.fits, 30);
	s.view.selected[PICTURE_STACKS] = 0;
	text(&s);
	cr_expect_eq(s.view.first[PICTURE_STACKS], 0);
	end(&s);
}

Test(sheet, shows_the_backtraces_of_a_row_once_they_are_known)
{
	struct shown s = show(build("alpha", "/lib/alpha.so"));

	s.view.height = 24;
	s.view.width = 80;
	s.view.focus = PICTURE_FINDINGS;
	s.view.page = SHEET_STACKS;
	cr_expect(strstr(text(&s), "being looked up"), "%s", s.sheet.text.data);
	wait_for_names(&s);
	cr_expect(strstr(text(&s), "\ncalled here:\n  #0 alpha.so+0x1234\n"), "%s",
		  s.sheet.text.data);
	s.view.focus = PICTURE_PACKAGES;
	cr_expect(strstr(text(&s), "\n  AllocateLsaHeap: 1,234,567 calls, 2 failed, 640 B\n"), "%s",
		  s.sheet.text.data);
	end(&s);
}

Test(sheet, says_that_a_result_is_a_lower_bound)
{
	struct trace_builder *b = build("alpha", "/lib/alpha.so");
	struct shown s;

	trace_builder_header(b)->lost[TRACE_LOST_BLOCKS] = 7;
	s = show(b);
	cr_expect(
		strstr(text(&s), "; a lower bound: 7 blocks and sections could not be followed\n"),
		"%s", s.sheet.text.data);
	end(&s);
}
