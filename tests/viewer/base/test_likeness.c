/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "viewer/base/likeness.h"

static const char *const words[] = { "ring", "mode", "allocator", "on-error", "guard-side" };

static void expect(const char *typed, const char *found)
{
	const char *is = likeness_find(typed, words, sizeof(words) / sizeof(*words));

	cr_expect_str_eq(is ? is : "nothing", found, "%s: %s", typed, is ? is : "nothing");
}

Test(likeness, a_letter_too_many_too_few_wrong_or_exchanged_does_not_matter)
{
	expect("rings", "ring");
	expect("alocator", "allocator");
	expect("made", "mode");
	expect("rign", "ring");
	expect("onerror", "on-error");
	expect("gaurd_size", "guard-side");
	expect("ring", "ring");
}

Test(likeness, another_word_is_like_none)
{
	expect("colour", "nothing");
	expect("", "nothing");
	expect("x", "nothing");
	expect("a-word-that-is-much-longer-than-any-word-that-there-is", "nothing");
	cr_expect_null(likeness_find("ring", words, 0));
}
