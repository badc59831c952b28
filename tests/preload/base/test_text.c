/* SPDX-License-Identifier: MIT */
/* Short texts that are built and read without an allocator. */
#include <stdint.h>
#include <string.h>

#include <criterion/criterion.h>

#include "preload/base/text.h"

static char buffer[64];

Test(text, is_empty_at_first)
{
	struct text t;

	memset(buffer, 'x', sizeof(buffer));
	t = TEXT_IN(buffer);
	cr_expect_str_eq(t.at, "");
	cr_expect_eq(t.bytes, 0);
}

Test(text, numbers_and_addresses_are_written_in_full)
{
	struct text t = TEXT_IN(buffer);

	text_add_number(&t, 0);
	text_add(&t, " ");
	text_add_number(&t, UINT64_MAX);
	text_add(&t, " ");
	text_add_address(&t, 0xdeadbeef01234567);
	cr_expect_str_eq(t.at, "0 18446744073709551615 0xdeadbeef01234567");
	cr_expect_eq(t.bytes, strlen(t.at));
	cr_expect_not(t.is_cut);
}

Test(text, what_does_not_fit_is_cut_off)
{
	char small[8];
	struct text t = TEXT_IN(small);

	text_add(&t, "1234567");
	cr_expect_not(t.is_cut);
	text_add_bytes(&t, "89", 2);
	cr_expect_str_eq(t.at, "1234567");
	cr_expect(t.is_cut);
}

Test(text, a_number_is_read_up_to_the_first_other_character)
{
	const char digits[] = "120 7", *at = digits;

	cr_expect_eq(text_read_number(&at, digits + 5), 120);
	cr_expect_eq(at, digits + 3);
	cr_expect_eq(text_read_number(&at, digits + 5), 0);
	at = digits;
	cr_expect_eq(text_read_number(&at, digits + 2), 12, "up to the end");
}

Test(text, hexadecimal_digits_have_their_value)
{
	cr_expect_eq(text_hex_value('0'), 0);
	cr_expect_eq(text_hex_value('9'), 9);
	cr_expect_eq(text_hex_value('a'), 10);
	cr_expect_eq(text_hex_value('f'), 15);
	cr_expect_eq(text_hex_value('g'), -1);
	cr_expect_eq(text_hex_value('-'), -1);
	cr_expect_eq(text_hex_value((char)-1), -1);
}
