/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "include/failures.h"
#include "include/secpkg.h"

static struct failure taken;

static void assert_taken(const char *value)
{
	const char *expected = failures_parse(&taken, value, strlen(value));

	cr_assert_null(expected, "%s: expected %s", value, expected);
}

static void assert_refused(const char *value, const char *expected)
{
	const char *answer = failures_parse(&taken, value, strlen(value));

	cr_assert_not_null(answer, "%s", value);
	cr_assert_str_eq(answer, expected, "%s: %s", value, answer);
}

static void assert_calls(const char *value, uint64_t first, uint64_t last)
{
	assert_taken(value);
	cr_assert_eq(taken.function, SLOT_AllocateLsaHeap);
	cr_assert_eq(taken.first, first, "%s", value);
	cr_assert_eq(taken.last, last, "%s", value);
	cr_assert_eq(taken.one_of, 0);
}

Test(failures, calls_are_chosen_by_their_numbers)
{
	assert_calls("AllocateLsaHeap", 1, UINT64_MAX);
	assert_calls("AllocateLsaHeap:3", 3, 3);
	assert_calls("AllocateLsaHeap:3-", 3, UINT64_MAX);
	assert_calls("AllocateLsaHeap:0", 0, 0);
	cr_assert_not(taken.has_site);
}

Test(failures, calls_are_chosen_by_chance)
{
	assert_taken("AllocateLsaHeap:1/100@42");
	cr_assert(taken.one_of == 100 && taken.seed == 42);
	assert_taken("AllocateLsaHeap:1/5");
	cr_assert(taken.one_of == 5 && taken.seed == 0);
}

Test(failures, calls_are_chosen_by_their_site)
{
	assert_calls("AllocateLsaHeap:site=1f2E", 1, 1);
	cr_assert(taken.has_site && taken.site == 0x1f2e);
	assert_calls("AllocateLsaHeap:site=0xffffffffffffffff,2", 2, 2);
	cr_assert(taken.has_site && taken.site == UINT64_MAX);
	assert_calls("AllocateLsaHeap:site=0,2-", 2, UINT64_MAX);
	cr_assert(taken.has_site && taken.site == 0);
}

Test(failures, a_status_is_the_default_or_what_the_value_says)
{
	assert_taken("DuplicateHandle:2");
	cr_assert_eq(taken.function, UNTRACED_DuplicateHandle);
	cr_assert_eq(taken.result, 0xc000009a);
	assert_taken("DuplicateHandle:site=12=0xc0000008");
	cr_assert(taken.site == 0x12 && taken.result == 0xc0000008);
	assert_taken("CallPackage=80000005");
	cr_assert(taken.first == 1 && taken.result == 0x80000005);
	assert_taken("CreateThread");
	cr_assert_eq(taken.result, 0);
}

Test(failures, what_is_wrong_is_refused)
{
	static const char *const wrong[] = { ":",        ":x",       ":3x",
					     ":-3",      ":3--",     ":1/",
					     ":1/0",     ":1/3@",    ":1/3@x",
					     ":2/3",     ":site=",   ":site=g",
					     ":site=1,", ":site=1-", ":18446744073709551616",
					     ":\x13" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char value[64];

		snprintf(value, sizeof(value), "AllocateLsaHeap%s", wrong[i]);
		assert_refused(value, FAILURE_EXPECTED_WHICH);
	}
	assert_refused("", FAILURE_EXPECTED_SLOT);
	assert_refused("AllocateLsaHea", FAILURE_EXPECTED_SLOT);
	assert_refused("AllocateLsaHeap2:1", FAILURE_EXPECTED_SLOT);
	assert_refused("FreeLsaHeap:1", "a slot that can fail: FreeLsaHeap returns nothing");
	assert_refused("DuplicateHandle=0", FAILURE_EXPECTED_STATUS);
	assert_refused("DuplicateHandle=", FAILURE_EXPECTED_STATUS);
	assert_refused("DuplicateHandle=0x1c0000008", FAILURE_EXPECTED_STATUS);
	assert_refused("AllocateLsaHeap:3=0xc0000017", "no status: the function returns none");
}

#define NAMES_IT(name, ...) || strcmp(slot, #name) == 0
#define NAMES_UNTRACED(table, name, ...) || strcmp(slot, #name) == 0
#define MUST_BE_NAMED(number, name) cr_expect(is_named(#name), #name);

static bool is_named(const char *slot)
{
	return false TRACED_FAILURES(NAMES_IT) UNTRACED_FAILURES(NAMES_UNTRACED)
		NEVER_FAILING(NAMES_IT);
}

#define IS_TRACED(table, name, ...) cr_expect(is_named(#name), #name);

Test(failures, each_slot_can_fail_or_is_known_not_to)
{
	LSA_SECPKG_SLOTS(MUST_BE_NAMED)
	TRACED_SLOTS(IS_TRACED)
}
