/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "viewer/base/buffer.h"
#include "viewer/base/progress.h"

static void expect(struct buffer *b, const char *text)
{
	char *taken = buffer_take(b);

	cr_expect_str_eq(taken, text);
	free(taken);
}

Test(buffer, an_empty_one_is_an_empty_text)
{
	struct buffer b = { 0 };

	expect(&b, "");
	buffer_release(&b);
}

Test(buffer, appends_texts_of_any_length)
{
	struct buffer b = { 0 };

	for (unsigned i = 0; i < 1000; i++)
		buffer_format(&b, "%s%d,", "number ", 7);
	cr_expect_eq(b.used, 9000);
	cr_expect_eq(strlen(b.data), 9000);
	buffer_release(&b);
	cr_expect_null(b.data);
}

Test(buffer, writes_numbers_as_printf_would)
{
	struct buffer b = { 0 };

	buffer_decimal(&b, 0);
	buffer_text(&b, " ");
	buffer_decimal(&b, UINT64_MAX);
	buffer_text(&b, " ");
	buffer_padded(&b, 42, 9);
	buffer_text(&b, " ");
	buffer_hex(&b, 0);
	buffer_text(&b, " ");
	buffer_hex(&b, UINT64_MAX);
	expect(&b, "0 18446744073709551615 000000042 0x0 0xffffffffffffffff");
}

Test(buffer, writes_negative_numbers_counts_and_seconds)
{
	struct buffer b = { 0 };

	buffer_signed(&b, INT64_MIN);
	buffer_text(&b, " ");
	buffer_signed(&b, 7);
	buffer_text(&b, " ");
	buffer_count(&b, 1, "block");
	buffer_text(&b, " ");
	buffer_count(&b, 0, "block");
	buffer_text(&b, " ");
	buffer_seconds(&b, 1002003004, 9);
	buffer_text(&b, " ");
	buffer_seconds(&b, 1002003004, 3);
	expect(&b, "-9223372036854775808 7 1 block 0 blocks 1.002003004 1.002");
}

Test(buffer, writes_two_digits_a_byte)
{
	static const uint8_t bytes[] = { 0x00, 0x0f, 0xa5, 0xff };
	struct buffer b = { 0 };

	buffer_hex_bytes(&b, bytes, 0);
	cr_expect_str_eq(b.data, "");
	buffer_text(&b, "#");
	buffer_hex_bytes(&b, bytes, sizeof(bytes));
	expect(&b, "#000fa5ff");
}

static void expect_utf8(const char *bytes, const char *text)
{
	struct buffer b = { 0 };

	buffer_utf8(&b, bytes, strlen(bytes));
	expect(&b, text);
}

#define BAD "\xef\xbf\xbd"

Test(buffer, keeps_what_is_utf_8)
{
	expect_utf8("a\n\x7f", "a\n\x7f");
	expect_utf8("\xc2\x80\xdf\xbf", "\xc2\x80\xdf\xbf");
	expect_utf8("\xe0\xa0\x80\xed\x9f\xbf\xef\xbf\xbf", "\xe0\xa0\x80\xed\x9f\xbf\xef\xbf\xbf");
	expect_utf8("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
}

Test(buffer, replaces_what_is_not_utf_8)
{
	expect_utf8("\x80", BAD);
	expect_utf8("\xc1\xbf", BAD BAD);
	expect_utf8("\xe0\x9f\xbf", BAD BAD BAD);
	expect_utf8("\xed\xa0\x80", BAD BAD BAD);
	expect_utf8("\xf4\x90\x80\x80", BAD BAD BAD BAD);
	expect_utf8("\xf5", BAD);
	expect_utf8("a\xc3", "a" BAD);
	expect_utf8("\xe2\x82z", BAD BAD "z");
}

Test(buffer, replaces_a_zero_byte)
{
	struct buffer b = { 0 };

	buffer_utf8(&b, "a\0b", 3);
	expect(&b, "a" BAD "b");
}

Test(buffer, replaces_control_characters_in_plain_text)
{
	static const char bytes[] = "a\033[2J\t\x7f\xc2\x9b\xc2\xa0";
	struct buffer b = { 0 };

	buffer_plain(&b, bytes);
	expect(&b, "a?[2J???\xc2\xa0");
}

Test(buffer, cuts_a_text_between_two_characters)
{
	/* "ä" is two bytes, the ellipsis three. */
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "abcdefgh", "abcdefgh" },
		{ "abcdefghi", "abcde\xe2\x80\xa6" },
		{ "abcd\xc3\xa4ghi", "abcd\xe2\x80\xa6" },
		{ "abc\xc3\xa4ghi", "abc\xc3\xa4ghi" },
		{ "ab\xff\xff\xff", "ab\xef\xbf\xbd\xe2\x80\xa6" },
		{ "", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *cut = buffer_take_cut(cases[i].text, strlen(cases[i].text), 8);

		cr_expect_str_eq(cut, cases[i].expected);
		free(cut);
	}
}

Test(buffer, a_stream_takes_no_more_memory_than_a_part_of_the_text)
{
	struct buffer b = { 0 };
	FILE *file = tmpfile();
	char line[64];

	buffer_stream(&b, file, NULL);
	for (unsigned i = 0; i < 100000; i++)
		buffer_format(&b, "%06u\n", i);
	cr_expect_lt(b.room, 1u << 18);
	cr_expect_eq(buffer_flush(&b), 0);
	buffer_release(&b);
	rewind(file);
	for (unsigned i = 0; i < 100000; i++)
		cr_assert(fgets(line, sizeof(line), file) && strtoul(line, NULL, 10) == i);
	cr_expect_null(fgets(line, sizeof(line), file));
	fclose(file);
}

Test(buffer, a_stream_keeps_the_first_error_and_drops_what_follows)
{
	struct buffer b = { 0 };
	FILE *file = fopen("/dev/full", "w");

	setvbuf(file, NULL, _IONBF, 0);
	buffer_stream(&b, file, NULL);
	for (unsigned i = 0; i < 100000; i++)
		buffer_text(&b, "0123456789\n");
	cr_expect_eq(b.error, ENOSPC);
	cr_expect_lt(b.room, 1u << 18);
	cr_expect_eq(buffer_flush(&b), ENOSPC);
	buffer_release(&b);
	fclose(file);
}

/* What comes out on a terminal, or in a pager, shows by itself; what goes to a file does not. */
Test(buffer, a_long_stream_to_a_file_shows_its_progress_on_a_terminal)
{
	/* As if it had been begun long ago. */
	struct progress progress = { .started_ns = 1 };
	struct buffer b = { 0 };
	FILE *file = tmpfile();
	int terminal, standard_error, was = dup(STDERR_FILENO);
	char shown[1000] = "";
	size_t used = 0;
	ssize_t bytes;

	cr_assert_eq(openpty(&terminal, &standard_error, NULL, NULL, NULL), 0);
	dup2(standard_error, STDERR_FILENO);
	buffer_stream(&b, file, &progress);
	for (unsigned i = 0; i < 100000; i++)
		buffer_format(&b, "%06u\n", i);
	cr_expect_eq(buffer_flush(&b), 0);
	while (poll(&(struct pollfd){ .fd = terminal, .events = POLLIN }, 1, 100) > 0 &&
	       (bytes = read(terminal, shown + used, sizeof(shown) - 1 - used)) > 0)
		used += (size_t)bytes;
	dup2(was, STDERR_FILENO);
	cr_expect(strstr(shown, "\rwriting: "), "%s", shown);
	cr_assert_geq(used, 4);
	cr_expect_str_eq(shown + used - 4, "\r\033[K", "the bar is left");
	buffer_release(&b);
	fclose(file);
}

Test(buffer, a_span_ends_at_what_is_not_plain)
{
	char text[32];

	for (size_t at = 0; at < sizeof(text); at++) {
		for (int byte = -128; byte < 128; byte++) {
			bool is_plain = byte >= 0x20 && byte != 0x7f && byte != '"' && byte != '\\';

			memset(text, 'x', sizeof(text));
			text[at] = (char)byte;
			cr_assert_eq(buffer_span(text, sizeof(text), '"', '\\'),
				     is_plain ? sizeof(text) : at, "%d at %zu", byte, at);
		}
	}
}

Test(buffer, writes_numbers_for_people)
{
	static const struct {
		uint64_t number;
		const char *grouped, *size;
	} cases[] = {
		{ 0, "0", "0 B" },
		{ 999, "999", "999 B" },
		{ 1000, "1,000", "1000 B" },
		{ 1024, "1,024", "1.0 KiB" },
		{ 1048575, "1,048,575", "1023.9 KiB" },
		{ 1000007, "1,000,007", "976.5 KiB" },
		{ UINT64_MAX, "18,446,744,073,709,551,615", "15.9 EiB" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buffer grouped = { 0 }, size = { 0 };

		buffer_grouped(&grouped, cases[i].number);
		buffer_size(&size, cases[i].number);
		cr_expect_str_eq(grouped.data, cases[i].grouped, "%s", grouped.data);
		cr_expect_str_eq(size.data, cases[i].size, "%s", size.data);
		buffer_release(&grouped);
		buffer_release(&size);
	}
}
