/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/view/layout.h"

static void expect_lines(const char *lines, unsigned width, bool is_ascii, const char *expected)
{
	struct buffer b = { 0 };

	buffer_text(&b, "");
	layout_lines(&b, lines, strlen(lines), width, is_ascii);
	cr_expect_str_eq(b.data, expected, "%s", b.data);
	buffer_release(&b);
}

static void expect_cut(const char *text, size_t columns, const char *expected)
{
	struct buffer b = { 0 };

	layout_cut(&b, text, columns);
	cr_expect_str_eq(b.data, expected, "%s", b.data);
	buffer_release(&b);
}

static void expect_place(const char *text, size_t columns, const char *expected)
{
	struct buffer b = { 0 };

	layout_cut_place(&b, text, columns);
	cr_expect_str_eq(b.data, expected, "%s", b.data);
	buffer_release(&b);
}

Test(layout, breaks_long_lines_between_words)
{
	expect_lines("one two three four\nfive\n", 20, false, "one two three four\nfive\n");
	expect_lines("one two three four\n", 10, false, "one two\n    three\n    four\n");
	expect_lines("  one two three\n", 14, false, "  one two\n      three\n");
}

Test(layout, does_not_break_words)
{
	expect_lines("a_word_that_is_long\n", 8, false, "a_word_that_is_long\n");
	expect_lines("a_word_that_is_long and\n", 8, false, "a_word_that_is_long\n    and\n");
	expect_lines("\n\n", 8, false, "\n\n");
	expect_lines("no newline", 40, false, "no newline");
}

Test(layout, counts_characters_and_not_bytes_or_colours)
{
	cr_expect_eq(layout_columns("\033[1mä…\033[0m", strlen("\033[1mä…\033[0m")), 2);
	expect_lines("\033[31määä\033[0m ööö\n", 7, false, "\033[31määä\033[0m ööö\n");
}

Test(layout, replaces_what_is_not_ascii)
{
	expect_lines("a ← b… ä\n", 0, true, "a <- b... ?\n");
	expect_lines("a ← b… ä\n", 0, false, "a ← b… ä\n");
}

Test(layout, cuts_a_text_to_a_number_of_columns)
{
	expect_cut("abcdef", 6, "abcdef");
	expect_cut("abcdef", 5, "abcd…");
	expect_cut("äöüä", 3, "äö…");
	expect_cut("abc", 1, "…");
}

Test(layout, cuts_of_a_place_what_tells_least)
{
	static const char put[] =
		"acme::(anonymous namespace)::Cache<...>::put(Key const&, int) at p.cpp:12";
	static const char call[] = "main::{lambda(int)#1}::operator()(int) const at m.cpp:5";

	expect_place(put, 80, put);
	expect_place(put, 60, "acme::(anonymous namespace)::Cache<...>::put at p.cpp:12");
	expect_place(put, 40, "…Cache<...>::put at p.cpp:12");
	expect_place(put, 20, "…put at p.cpp:12");
	expect_place(call, 50, "main::{lambda(int)#1}::operator() at m.cpp:5");
	expect_place(call, 43, "…{lambda(int)#1}::operator() at m.cpp:5");
	expect_place("<alloc::vec::Vec<...> as core::ops::Drop>::drop at v.rs:1", 20,
		     "…drop at v.rs:1");
	expect_place("a_name_of_c_that_is_long at m.c:5", 20, "a_name_of_… at m.c:5");
	/* The line stays. */
	expect_place("a_name at a_file_of_long_name.c:17", 28, "…at a_file_of_long_name.c:17");
	expect_place("a_name at a_file_of_long_name.c:17", 12, "…g_name.c:17");
}
