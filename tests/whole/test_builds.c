/* SPDX-License-Identifier: MIT */
/* Tests of what stays the same of a finding when its package is built in another way. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/expect.h"
#include "tests/support/json.h"

/* Compares the first finding's value at `key`. */
static void expect_same(const char *one, const char *other, const char *key, bool are_same)
{
	struct traced left = trace_one(COMMAND(LSA_HOST, one)),
		      right = trace_one(COMMAND(LSA_HOST, other));
	const char *a = json_text_at(json_at(left.report, "findings.0"), key);
	const char *b = json_text_at(json_at(right.report, "findings.0"), key);

	cr_assert(a && b, "%s, %s", one, other);
	cr_expect_eq(strcmp(a, b) == 0, are_same, "%s of %s: %s; of %s: %s", key, one, a, other, b);
	traced_release(&left);
	traced_release(&right);
}

Test(builds, a_fingerprint_is_the_same_with_debug_information_or_only_symbols, .timeout = 60)
{
	expect_same(BUILT("leak"), BUILT("symbols"), "fingerprint", true);
	expect_same(BUILT("leak"), BUILT("debugless"), "fingerprint", true);
}

Test(builds, a_fingerprint_is_the_same_when_other_code_was_changed, .timeout = 60)
{
	expect_same(BUILT("leak"), BUILT("moved"), "fingerprint", true);
}

Test(builds, a_weak_fingerprint_is_the_same_with_another_optimisation_level, .timeout = 60)
{
	expect_same(BUILT("leak"), BUILT("optimised"), "fingerprint", false);
	expect_same(BUILT("leak"), BUILT("optimised"), "fingerprint_weak", true);
}

Test(builds, leaks_of_one_function_have_different_fingerprints, .timeout = 60)
{
	struct traced traced = trace_one(COMMAND(LSA_HOST, BUILT("two")));
	const char *one = json_text_at(traced.report, "findings.0.fingerprint");
	const char *other = json_text_at(traced.report, "findings.1.fingerprint");

	cr_assert(one && other);
	/* The first leak in the source is the one of 40 bytes, and the greater one comes first. */
	cr_expect_eq(strncmp(one, other, 16), 0, "%s, %s", one, other);
	cr_expect_str_eq(one + 16, ":2");
	cr_expect_eq(strlen(other), 16u);
	traced_release(&traced);
}

Test(builds, a_package_without_symbols_has_fingerprints_of_its_build, .timeout = 60)
{
	struct traced traced = trace_one(COMMAND(LSA_HOST, BUILT("bare")));

	cr_expect_str_eq(json_text_at(traced.report, "findings.0.fingerprint_from"), "offsets");
	traced_release(&traced);
	traced = trace_one(COMMAND(LSA_HOST, BUILT("leak")));
	cr_expect_str_eq(json_text_at(traced.report, "findings.0.fingerprint_from"), "names");
	cr_expect(json_is_true(json_at(traced.report, "findings.0.stacks.allocate.0.in_package")));
	traced_release(&traced);
	expect_same(BUILT("bare"), BUILT("bare"), "fingerprint", true);
	expect_same(BUILT("bare"), BUILT("bare-two"), "fingerprint", false);
}
