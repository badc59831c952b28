/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "tests/support/judged.h"

static void fingerprint_of(const char *path, uint64_t base, const char *build_id,
			   const uint64_t *offsets, uint32_t count, char *fingerprint)
{
	struct trace_builder *b = trace_builder_new();
	uint64_t frames[8];
	struct judged j;

	trace_builder_module(b, 1, path, base, build_id);
	trace_builder_module(b, 2, "/lib/libc.so.6", 0, build_id);
	for (uint32_t i = 0; i < count; i++)
		frames[i] = offsets[i];
	trace_builder_entry(b, live_block(base, 64, trace_builder_stack(b, frames, count)));
	j = judge_one(b);
	cr_assert_eq(j.f->count, 1);
	strcpy(fingerprint, findings_get(j.f, 0)->fingerprint);
	judged_release(&j, b);
}

#define FRAMES(...) (const uint64_t[]){ __VA_ARGS__ }, sizeof((uint64_t[]){ __VA_ARGS__ }) / 8
#define IN_FILE(offset) ((1ull << TRACE_FRAME_OFFSET_BITS) + (offset))
#define IN_LIBC(offset) ((2ull << TRACE_FRAME_OFFSET_BITS) + (offset))

Test(fingerprint, a_fingerprint_is_16_hex_digits)
{
	char print[17];

	fingerprint_of("/p/named.so", 0, NULL, FRAMES(IN_FILE(0x1010)), print);
	cr_expect_eq(strlen(print), 16);
	cr_expect_eq(strspn(print, "0123456789abcdef"), 16);
}

Test(fingerprint, a_fingerprint_does_not_depend_on_where_things_lie)
{
	char one[17], other[17];

	fingerprint_of("/p/named.so", 0, NULL, FRAMES(IN_FILE(0x1010), IN_LIBC(0x10)), one);
	fingerprint_of("/q/named.so", 0x7f0000000000, "anotherbuild",
		       FRAMES(IN_FILE(0x1010), IN_LIBC(0x999)), other);
	cr_expect_str_eq(one, other);
}

Test(fingerprint, a_fingerprint_depends_on_the_functions)
{
	char one[17], other[17];

	fingerprint_of("/p/named.so", 0, NULL, FRAMES(IN_FILE(0x1010)), one);
	fingerprint_of("/p/named.so", 0, NULL, FRAMES(IN_FILE(0x1020)), other);
	cr_expect_str_neq(one, other);
}

Test(fingerprint, a_fingerprint_takes_the_offset_where_no_function_is_known)
{
	char one[17], other[17], same[17];

	fingerprint_of("/p/bare.so", 0, NULL, FRAMES(IN_FILE(0x10)), one);
	fingerprint_of("/p/bare.so", 0, NULL, FRAMES(IN_FILE(0x20)), other);
	fingerprint_of("/q/bare.so", 0x1000, NULL, FRAMES(IN_FILE(0x10)), same);
	cr_expect_str_neq(one, other);
	cr_expect_str_eq(one, same);
}

Test(fingerprint, a_fingerprint_leaves_addresses_of_no_module_out)
{
	char one[17], other[17];

	fingerprint_of("/p/named.so", 0, NULL, FRAMES(IN_FILE(0x1010), 0x7f1111), one);
	fingerprint_of("/p/named.so", 0, NULL, FRAMES(IN_FILE(0x1010), 0x7f2222), other);
	cr_expect_str_eq(one, other);
}

static void print_of(const char *name, char *fingerprint)
{
	judged_linkage_name = name;
	fingerprint_of("/p/named.so", 0, NULL, FRAMES(IN_FILE(0x2000)), fingerprint);
}

static void expect_same_names(const char *one, const char *other, bool are_same)
{
	char first[32], second[32];

	print_of(one, first);
	print_of(other, second);
	cr_expect_eq(strcmp(first, second) == 0, are_same, "%s and %s", one, other);
}

Test(fingerprint, a_fingerprint_leaves_out_how_a_compiler_calls_the_parts_of_a_function)
{
	expect_same_names("f", "f.part.0", true);
	expect_same_names("f", "f.constprop.0.isra.1", true);
	expect_same_names("_ZN1a1fEv", "_ZN1a1fEv.cold", true);
	expect_same_names("f", "f@@LIBRARY_2", true);
	expect_same_names("f", "g", false);
	expect_same_names("f", "f1", false);
	expect_same_names(".f", ".g", false);
}

Test(fingerprint, a_fingerprint_leaves_out_the_hashes_of_rust)
{
	expect_same_names("_ZN5crate4leak17h0123456789abcdefE",
			  "_ZN5crate4leak17hfedcba9876543210E.llvm.77", true);
	expect_same_names("_ZN5crate4leak17h0123456789abcdefE",
			  "_ZN5crate4free17h0123456789abcdefE", false);
	expect_same_names("_ZN52_$LT$a..B$GT$4leak17h0123456789abcdefE",
			  "_ZN52_$LT$a..C$GT$4leak17h0123456789abcdefE", false);
	expect_same_names("_RNvCs1a_5crate4leak", "_RNvCsZZ9_5crate4leak", true);
	expect_same_names("_RNvCs1a_5crate4leak", "_RNvC5crate4leak", true);
	expect_same_names("_RNvCs1a_5crate4leak", "_RNvCs1a_5crate4free", false);
	expect_same_names("_RNvCs1a_5crate6Csleak", "_RNvCs1a_5crate6Csfree", false);
	expect_same_names("_RINvCs1a_5crate4leakNtB2_1TE", "_RINvCs1abc_5crate4leakNtB4_1TE", true);
	expect_same_names("_RINvCs1a_5crate4leakKj1f_E", "_RINvCs1a_5crate4leakKj2f_E", false);
	expect_same_names("_RNCNvCs1a_5crate4leak0", "_RNCNvCs1a_5crate4leaks_0", false);
}

/* A package, in a host. */
static void print_in_host(uint64_t host_offset, char *fingerprint)
{
	struct trace_builder *b = named_trace();
	uint64_t frames[] = { IN_FILE(0x1010), trace_builder_frame(2, host_offset) };
	struct judged j;

	trace_builder_module(b, 2, "/p/host", 0, NULL);
	trace_builder_package(b, 0, "package", 1, 1);
	trace_builder_entry(b, live_block(0x5000, 64, trace_builder_stack(b, frames, 2)));
	j = judge_one(b);
	strcpy(fingerprint, findings_get(j.f, 0)->fingerprint);
	judged_release(&j, b);
}

Test(fingerprint, a_fingerprint_leaves_the_host_out)
{
	char one[32], other[32];

	print_in_host(0x10, one);
	print_in_host(0x20, other);
	cr_expect_str_eq(one, other);
}

/* Adds leaks with 3 backtraces of one function, in this order. Of the package's own frames, the function calls
 * itself, up to two times. */
static struct judged judge_twins(struct trace_builder *b, const unsigned order[3], bool are_own)
{
	for (unsigned i = 0; i < 3; i++) {
		uint64_t frames[] = { IN_FILE(0x2000), IN_FILE(are_own ? 0x2000 : 0x3000 + order[i]),
				      IN_FILE(0x2000) };

		trace_builder_entry(
			b, live_block(0x5000 + 0x100 * i, 1 + order[i],
				      trace_builder_stack(b, frames,
							  are_own ? 1 + order[i] : 2 - !order[i])));
	}
	return judge_one(b);
}

static void expect_numbered(const char *path, bool are_own)
{
	static const unsigned orders[][3] = { { 0, 1, 2 }, { 2, 1, 0 }, { 1, 2, 0 } };
	char first[3][32] = { "" };

	judged_linkage_name = "f";
	for (unsigned i = 0; i < 3; i++) {
		struct trace_builder *b = trace_builder_new();
		struct judged j;

		trace_builder_module(b, 1, path, 0, NULL);
		j = judge_twins(b, orders[i], are_own);
		cr_assert_eq(j.f->count, 3);
		for (unsigned k = 0; k < 3; k++) {
			const struct finding *finding = findings_get(j.f, k);
			char *print = first[finding->bytes - 1];

			cr_expect(!*print || strcmp(print, finding->fingerprint) == 0);
			strcpy(print, finding->fingerprint);
		}
		judged_release(&j, b);
	}
	cr_expect_eq(strlen(first[0]), 16);
	cr_expect_str_eq(first[1] + 16, ":2");
	cr_expect_str_eq(first[2] + 16, ":3");
	cr_expect_eq(strncmp(first[0], first[2], 16), 0);
}

Test(fingerprint, equal_fingerprints_of_a_report_are_numbered_by_where_the_code_lies)
{
	expect_numbered("/p/named.so", true);
}

Test(fingerprint, frames_of_the_c_library_do_not_count_but_tell_findings_apart)
{
	expect_numbered("/p/libc.so.6", false);
}

Test(fingerprint, a_fingerprint_says_what_it_is_made_from)
{
	struct trace_builder *b = named_trace();
	struct judged j;

	trace_builder_entry(b, live_block(0x5000, 2, trace_builder_place(b, 1, 0x1010)));
	trace_builder_entry(b, live_block(0x6000, 1, trace_builder_place(b, 1, 0x3010)));
	j = judge_one(b);
	cr_expect_not(findings_get(j.f, 0)->has_offsets);
	cr_expect(findings_get(j.f, 1)->has_offsets);
	judged_release(&j, b);
}
