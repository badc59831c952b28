/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "include/kinds.h"
#include "tests/support/trace_builder.h"
#include "viewer/base/arguments.h"
#include "viewer/findings/findings.h"
#include "viewer/findings/wrappers.h"
#include "viewer/model/model.h"
#include "viewer/symbols/symbols.h"

/* Offset 0x2000 of it has this name in the symbol table. */
static const char *linkage_name;

/* Offsets 0x1000 to 0x1fff of "/p/named.so" have names: function f<offset>, line <offset>. */
static const struct symbol *name(void *context, const struct model_module *module, uint64_t offset)
{
	static struct symbol symbols[0x1000], unknown;
	static char names[0x1000][16];
	struct symbol *symbol = &symbols[offset & 0xfff];

	(void)context;
	if (module && offset == 0x2000) {
		static struct symbol linked;

		linked = (struct symbol){ .function = (char *)"shown",
					  .linkage_name = (char *)(uintptr_t)linkage_name };
		return &linked;
	}
	if (!module || strcmp(module->base, "named.so") != 0 || offset >> 12 != 1)
		return &unknown;
	snprintf(names[offset & 0xfff], sizeof(names[0]), "f%llx", (unsigned long long)offset);
	*symbol = (struct symbol){ .function = names[offset & 0xfff],
				   .file = (char *)"/src/named.c",
				   .line = (uint32_t)offset & 0xfff };
	return symbol;
}

static const struct findings_namer namer = { name, NULL, NULL };

struct judged {
	struct model *models[4];
	size_t count;
	struct findings *f;
};

static struct judged judge_with(struct trace_builder **builders, size_t count,
				const struct argument_list *globs)
{
	struct judged j = { .count = count };
	struct trouble trouble;

	for (size_t i = 0; i < count; i++) {
		j.models[i] = model_open(trace_builder_write(builders[i]), NULL, &trouble);
		cr_assert(j.models[i], "%s", trouble.text);
	}
	j.f = findings_new(j.models, count, namer, globs);
	return j;
}

static struct judged judge(struct trace_builder **builders, size_t count)
{
	return judge_with(builders, count, NULL);
}

static struct judged judge_one(struct trace_builder *b)
{
	return judge(&b, 1);
}

static void release(struct judged *j, struct trace_builder *b)
{
	findings_free(j->f);
	for (size_t i = 0; i < j->count; i++)
		model_close(j->models[i]);
	trace_builder_free(b);
}

static struct trace_builder *new_trace(void)
{
	struct trace_builder *b = trace_builder_new();

	trace_builder_module(b, 1, "/p/named.so", 0x7f0000000000, "01234567890123456789");
	return b;
}

static struct trace_entry block(uint64_t address, uint64_t size, uint32_t stack)
{
	return (struct trace_entry){ .address = address,
				     .size = size,
				     .stack = stack,
				     .state = TRACE_ENTRY_BLOCK,
				     .family = FAMILY_LSA_HEAP };
}

static struct trace_entry section(uint64_t handle, uint32_t stack)
{
	return (struct trace_entry){ .address = handle,
				     .size = 4096 | 512ull << 32,
				     .stack = stack,
				     .state = TRACE_ENTRY_SECTION,
				     .family = FAMILY_SHARED_MEMORY };
}

static struct trace_entry block_in(uint32_t section_ref, uint64_t size, uint32_t stack)
{
	struct trace_entry entry = block(0x5010, size, stack);

	entry.section = section_ref;
	entry.family = FAMILY_SHARED_MEMORY;
	return entry;
}

static struct trace_finding misuse(enum trace_kind kind, enum trace_reason reason, uint32_t stack)
{
	return (struct trace_finding){ .kind = (uint8_t)kind,
				       .reason = (uint8_t)reason,
				       .family = FAMILY_SHARED_MEMORY,
				       .function = SLOT_FreeSharedMemory,
				       .stack = { stack } };
}

/* Leaks. */

Test(findings, nothing_live_and_nothing_recorded_is_no_finding)
{
	struct trace_builder *b = new_trace();
	struct judged j = judge_one(b);

	cr_expect_eq(j.f->count, 0);
	cr_expect(j.f->is_exact);
	release(&j, b);
}

Test(findings, a_live_block_is_a_leak)
{
	struct trace_builder *b = new_trace();
	const struct finding *finding;
	struct judged j;

	trace_builder_entry(b, block(0x5000, 64, trace_builder_place(b, 1, 0x1010)));
	j = judge_one(b);
	cr_assert_eq(j.f->count, 1);
	finding = findings_get(j.f, 0);
	cr_expect_eq(finding->kind, TRACE_KIND_BLOCK_LEAK);
	cr_expect_eq(finding->level, TRACE_LEVEL_ERROR);
	cr_expect_eq(finding->reason, TRACE_REASON_NONE);
	cr_expect_str_eq(finding->family, "lsa-heap");
	cr_expect_eq(finding->count, 1);
	cr_expect_eq(finding->bytes, 64);
	cr_expect(finding->has_address && finding->address == 0x5000);
	cr_expect_not(finding->section.known);
	cr_expect(finding->stack[TRACE_STACK_ALLOCATE]);
	cr_expect_null(finding->stack[TRACE_STACK_CALL]);
	cr_expect_eq(j.f->errors, 1);
	cr_expect_eq(j.f->leaked_blocks, 1);
	cr_expect_eq(j.f->leaked_bytes, 64);
	cr_expect_eq(j.f->leaked_sections, 0);
	release(&j, b);
}

Test(findings, a_live_section_is_a_leak_of_its_greatest_size)
{
	struct trace_builder *b = new_trace();
	const struct finding *finding;
	struct judged j;

	trace_builder_entry(b, section(0x9000, trace_builder_place(b, 1, 0x1010)));
	j = judge_one(b);
	cr_assert_eq(j.f->count, 1);
	finding = findings_get(j.f, 0);
	cr_expect_eq(finding->kind, TRACE_KIND_SECTION_LEAK);
	cr_expect_eq(finding->bytes, 4096);
	cr_expect(finding->section.known && finding->section.handle == 0x9000);
	cr_expect_eq(finding->section.max_size, 4096);
	cr_expect_eq(finding->section.initial_size, 512);
	cr_expect(finding->stack[TRACE_STACK_CREATE]);
	cr_expect_eq(j.f->leaked_sections, 1);
	cr_expect_eq(j.f->leaked_bytes, 0);
	release(&j, b);
}

Test(findings, a_block_leaks_beside_its_live_section_and_names_it)
{
	struct trace_builder *b = new_trace();
	uint32_t create = trace_builder_place(b, 1, 0x1010);
	uint32_t ref = trace_builder_entry(b, section(0x9000, create));
	const struct finding *finding;
	struct judged j;

	trace_builder_entry(b, block_in(ref, 5000, trace_builder_place(b, 1, 0x1020)));
	j = judge_one(b);
	cr_assert_eq(j.f->count, 2);
	finding = findings_get(j.f, 1);
	cr_expect_eq(finding->kind, TRACE_KIND_BLOCK_LEAK);
	cr_expect_eq(finding->section.handle, 0x9000);
	cr_expect(finding->stack[TRACE_STACK_CREATE]);
	release(&j, b);
}

Test(findings, a_block_of_a_deleted_section_is_no_leak)
{
	struct trace_builder *b = new_trace();
	uint32_t ref = trace_builder_entry(b, (struct trace_entry){ 0 });
	struct judged j;

	trace_builder_entry(b, block_in(ref, 64, 0));
	j = judge_one(b);
	cr_expect_eq(j.f->count, 0);
	release(&j, b);
}

Test(findings, an_adopted_section_is_no_leak_but_its_blocks_are)
{
	struct trace_builder *b = new_trace();
	struct trace_entry adopted = section(0x9000, 0);
	struct judged j;

	adopted.flags = TRACE_ENTRY_ADOPTED;
	trace_builder_entry(b, block_in(trace_builder_entry(b, adopted), 64, 0));
	j = judge_one(b);
	cr_assert_eq(j.f->count, 1);
	cr_expect_eq(findings_get(j.f, 0)->kind, TRACE_KIND_BLOCK_LEAK);
	cr_expect(findings_get(j.f, 0)->section.known);
	cr_expect_not(findings_get(j.f, 0)->section.sizes_known);
	release(&j, b);
}

Test(findings, what_was_inherited_is_no_leak_of_the_child)
{
	struct trace_builder *b = new_trace();
	struct trace_entry inherited = section(0x9000, 0), old = block(0x5000, 64, 0);
	struct judged j;

	inherited.flags = old.flags = TRACE_ENTRY_INHERITED;
	trace_builder_entry(b, old);
	trace_builder_entry(b, block_in(trace_builder_entry(b, inherited), 64, 0));
	j = judge_one(b);
	cr_assert_eq(j.f->count, 1, "only the child's own block in the section is");
	cr_expect_eq(findings_get(j.f, 0)->kind, TRACE_KIND_BLOCK_LEAK);
	cr_expect_eq(findings_get(j.f, 0)->address, 0x5010);
	release(&j, b);
}

Test(findings, suspect_blocks_and_those_being_deleted_are_no_leaks)
{
	struct trace_builder *b = new_trace();
	struct trace_entry entry = block(0x5000, 64, 0);
	struct judged j;

	entry.state = TRACE_ENTRY_SUSPECT;
	trace_builder_entry(b, entry);
	entry.state = TRACE_ENTRY_DELETING;
	trace_builder_entry(b, entry);
	j = judge_one(b);
	cr_expect_eq(j.f->count, 0);
	release(&j, b);
}

/* What is one finding. */

Test(findings, leaks_from_one_place_are_one_finding)
{
	struct trace_builder *b = new_trace();
	uint32_t here = trace_builder_place(b, 1, 0x1010), there = trace_builder_place(b, 1, 0x1020);
	struct judged j;

	trace_builder_entry(b, block(0x5000, 64, here));
	trace_builder_entry(b, block(0x6000, 64, there));
	trace_builder_entry(b, block(0x7000, 100, here));
	j = judge_one(b);
	cr_assert_eq(j.f->count, 2);
	cr_expect_eq(findings_get(j.f, 0)->count, 2);
	cr_expect_eq(findings_get(j.f, 0)->bytes, 164);
	cr_expect_eq(findings_get(j.f, 0)->address, 0x5000, "that of the first one");
	cr_expect_eq(j.f->leaked_blocks, 3);
	cr_expect_eq(j.f->leaked_bytes, 228);
	release(&j, b);
}

Test(findings, equal_stacks_recorded_twice_are_one_finding)
{
	struct trace_builder *b = new_trace();
	struct judged j;

	trace_builder_entry(b, block(0x5000, 64, trace_builder_place(b, 1, 0x1010)));
	trace_builder_entry(b, block(0x6000, 64, trace_builder_place(b, 1, 0x1010)));
	j = judge_one(b);
	cr_expect_eq(j.f->count, 1);
	release(&j, b);
}

Test(findings, families_reasons_and_kinds_are_kept_apart)
{
	struct trace_builder *b = new_trace();
	uint32_t stack = trace_builder_place(b, 1, 0x1010);
	struct trace_entry entry = block(0x5000, 64, stack);
	struct judged j;

	trace_builder_entry(b, entry);
	entry.family = FAMILY_PRIVATE_HEAP;
	trace_builder_entry(b, entry);
	trace_builder_finding(b,
			      misuse(TRACE_KIND_INVALID_FREE, TRACE_REASON_SECTION_HANDLE, stack));
	trace_builder_finding(b,
			      misuse(TRACE_KIND_INVALID_FREE, TRACE_REASON_UNKNOWN_ADDRESS, stack));
	trace_builder_finding(b, misuse(TRACE_KIND_DOUBLE_FREE, TRACE_REASON_NONE, stack));
	j = judge_one(b);
	cr_expect_eq(j.f->count, 5);
	release(&j, b);
}

Test(findings, misuses_that_differ_in_one_stack_are_two)
{
	struct trace_builder *b = new_trace();
	uint32_t stack = trace_builder_place(b, 1, 0x1010);
	struct trace_finding finding = misuse(TRACE_KIND_DOUBLE_FREE, TRACE_REASON_NONE, stack);
	struct judged j;

	finding.stack[TRACE_STACK_FREE] = trace_builder_place(b, 1, 0x1020);
	trace_builder_finding(b, finding);
	finding.stack[TRACE_STACK_FREE] = trace_builder_place(b, 1, 0x1030);
	trace_builder_finding(b, finding);
	finding.package = 1;
	trace_builder_finding(b, finding);
	j = judge_one(b);
	cr_assert_eq(j.f->count, 2, "a package is no part of what makes a finding distinct");
	cr_expect_eq(j.f->errors, 3);
	release(&j, b);
}

Test(findings, the_same_defect_in_two_processes_is_one_finding)
{
	struct trace_builder *both[] = { trace_builder_new(), trace_builder_new() };
	struct judged j;

	for (unsigned i = 0; i < 2; i++) {
		/* Other ids, other addresses, and other paths to the same build. */
		trace_builder_module(both[i], i + 5, i ? "/p/named.so" : "/q/named.so",
				     0x7f0000000000 + i * 0x1000, "01234567890123456789");
		trace_builder_entry(both[i],
				    block(0x5000, 64, trace_builder_place(both[i], i + 5, 0x1010)));
		trace_builder_finding(both[i], misuse(TRACE_KIND_DOUBLE_FREE, TRACE_REASON_NONE,
						      trace_builder_place(both[i], i + 5, 0x1020)));
	}
	j = judge(both, 2);
	cr_assert_eq(j.f->count, 2);
	cr_expect_eq(findings_get(j.f, 0)->count, 2);
	cr_expect_eq(findings_get(j.f, 1)->count, 2);
	trace_builder_free(both[0]);
	release(&j, both[1]);
}

Test(findings, modules_without_build_id_are_compared_by_path)
{
	struct trace_builder *all[] = { trace_builder_new(), trace_builder_new(),
					trace_builder_new() };
	static const char *const paths[] = { "/p/a.so", "/p/a.so", "/q/a.so" };
	struct judged j;

	for (unsigned i = 0; i < 3; i++) {
		trace_builder_module(all[i], 1, paths[i], 0, NULL);
		trace_builder_entry(all[i], block(0x5000, 64, trace_builder_place(all[i], 1, 0x10)));
	}
	j = judge(all, 3);
	cr_assert_eq(j.f->count, 2);
	cr_expect_eq(findings_get(j.f, 0)->count, 2);
	trace_builder_free(all[0]);
	trace_builder_free(all[1]);
	release(&j, all[2]);
}

Test(findings, the_deletion_with_live_blocks_is_both_call_and_delete)
{
	struct trace_builder *b = new_trace();
	const struct finding *finding;
	struct judged j;

	trace_builder_finding(b, misuse(TRACE_KIND_LIVE_AT_DELETE, TRACE_REASON_NONE,
					trace_builder_place(b, 1, 0x1010)));
	j = judge_one(b);
	cr_assert_eq(j.f->count, 1);
	finding = findings_get(j.f, 0);
	cr_expect_eq(finding->level, TRACE_LEVEL_WARNING);
	for (unsigned i = TRACE_STACK_CALL; i <= TRACE_STACK_DELETE; i += TRACE_STACK_DELETE)
		cr_expect(finding->stack[i] && finding->stack[i]->frame[0].offset == 0x1010);
	release(&j, b);
}

Test(findings, what_was_recorded_is_passed_on)
{
	struct trace_builder *b = new_trace();
	struct trace_finding finding = misuse(TRACE_KIND_MISMATCHED_FREE, TRACE_REASON_WRONG_SECTION,
					      trace_builder_place(b, 1, 0x1010));
	const struct finding *f;
	struct judged j;

	finding.count = 7;
	finding.bytes = 700;
	finding.address = 0x5000;
	finding.size = 100;
	finding.package = 3;
	finding.section = (struct trace_section){ 0x9000, 4096, 512 };
	finding.owner = (struct trace_section){ 0xa000, 8192, 1024 };
	finding.flags = TRACE_FINDING_HAS_ADDRESS | TRACE_FINDING_HAS_SIZE |
			TRACE_FINDING_HAS_SECTION | TRACE_FINDING_HAS_OWNER |
			TRACE_FINDING_OWNER_SIZES;
	trace_builder_finding(b, finding);
	j = judge_one(b);
	cr_assert_eq(j.f->count, 1);
	f = findings_get(j.f, 0);
	cr_expect_eq(f->count, 7);
	cr_expect_eq(f->bytes, 700);
	cr_expect(f->has_address && f->address == 0x5000);
	cr_expect(f->has_size && f->size == 100);
	cr_expect_eq(f->package, 3);
	cr_expect_str_eq(f->function, "FreeSharedMemory");
	cr_expect(f->section.known && f->section.handle == 0x9000);
	cr_expect_not(f->section.sizes_known);
	cr_expect(f->owner.known && f->owner.sizes_known && f->owner.max_size == 8192);
	cr_expect_eq(j.f->errors, 7);
	release(&j, b);
}

/* Order and summary. */

Test(findings, errors_come_first_then_the_most_bytes_then_the_greatest_count)
{
	struct trace_builder *b = new_trace();
	struct trace_finding finding;
	struct judged j;

	finding = misuse(TRACE_KIND_FAILED_CALL, TRACE_REASON_NONE, 0);
	finding.bytes = 1 << 30;
	trace_builder_finding(b, finding);
	finding = misuse(TRACE_KIND_NULL_FREE, TRACE_REASON_NONE, 0);
	finding.count = 1000;
	trace_builder_finding(b, finding);
	finding = misuse(TRACE_KIND_INVALID_FREE, TRACE_REASON_UNKNOWN_ADDRESS, 0);
	trace_builder_finding(b, finding);
	finding = misuse(TRACE_KIND_DOUBLE_DELETE, TRACE_REASON_NONE, 0);
	finding.count = 2;
	trace_builder_finding(b, finding);
	finding = misuse(TRACE_KIND_DOUBLE_FREE, TRACE_REASON_NONE, 0);
	finding.bytes = 10;
	trace_builder_finding(b, finding);
	j = judge_one(b);
	cr_assert_eq(j.f->count, 5);
	cr_expect_eq(findings_get(j.f, 0)->kind, TRACE_KIND_DOUBLE_FREE);
	cr_expect_eq(findings_get(j.f, 1)->kind, TRACE_KIND_DOUBLE_DELETE);
	cr_expect_eq(findings_get(j.f, 2)->kind, TRACE_KIND_INVALID_FREE);
	cr_expect_eq(findings_get(j.f, 3)->kind, TRACE_KIND_NULL_FREE);
	cr_expect_eq(findings_get(j.f, 4)->kind, TRACE_KIND_FAILED_CALL);
	cr_expect_eq(j.f->errors, 4);
	cr_expect_eq(j.f->warnings, 1000);
	cr_expect_eq(j.f->notes, 1);
	release(&j, b);
}

Test(findings, losses_make_the_result_a_lower_bound_except_those_of_history)
{
	struct trace_builder *b = new_trace();
	struct judged j;

	trace_builder_header(b)->lost[TRACE_LOST_EVENTS] = 3;
	j = judge_one(b);
	cr_expect(j.f->is_exact);
	cr_expect_eq(j.f->lost[TRACE_LOST_EVENTS], 3);
	findings_free(j.f);
	model_close(j.models[0]);
	trace_builder_header(b)->lost[TRACE_LOST_BLOCKS] = 4;
	j = judge_one(b);
	cr_expect_not(j.f->is_exact);
	cr_expect_eq(j.f->lost[TRACE_LOST_BLOCKS], 4);
	release(&j, b);
}

Test(findings, a_sum_of_sizes_does_not_wrap)
{
	struct trace_builder *b = new_trace();
	struct judged j;

	trace_builder_entry(b, block(0x5000, UINT64_MAX, 0));
	trace_builder_entry(b, block(0x6000, 64, 0));
	j = judge_one(b);
	cr_expect_eq(j.f->leaked_bytes, UINT64_MAX);
	release(&j, b);
}

/* Fingerprints. */

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
	trace_builder_entry(b, block(base, 64, trace_builder_stack(b, frames, count)));
	j = judge_one(b);
	cr_assert_eq(j.f->count, 1);
	strcpy(fingerprint, findings_get(j.f, 0)->fingerprint);
	release(&j, b);
}

#define FRAMES(...) (const uint64_t[]){ __VA_ARGS__ }, sizeof((uint64_t[]){ __VA_ARGS__ }) / 8
#define IN_FILE(offset) ((1ull << TRACE_FRAME_OFFSET_BITS) + (offset))
#define IN_LIBC(offset) ((2ull << TRACE_FRAME_OFFSET_BITS) + (offset))

Test(findings, a_fingerprint_is_16_hex_digits)
{
	char print[17];

	fingerprint_of("/p/named.so", 0, NULL, FRAMES(IN_FILE(0x1010)), print);
	cr_expect_eq(strlen(print), 16);
	cr_expect_eq(strspn(print, "0123456789abcdef"), 16);
}

Test(findings, a_fingerprint_does_not_depend_on_where_things_lie)
{
	char one[17], other[17];

	fingerprint_of("/p/named.so", 0, NULL, FRAMES(IN_FILE(0x1010), IN_LIBC(0x10)), one);
	fingerprint_of("/q/named.so", 0x7f0000000000, "anotherbuild",
		       FRAMES(IN_FILE(0x1010), IN_LIBC(0x999)), other);
	cr_expect_str_eq(one, other);
}

Test(findings, a_fingerprint_depends_on_the_functions)
{
	char one[17], other[17];

	fingerprint_of("/p/named.so", 0, NULL, FRAMES(IN_FILE(0x1010)), one);
	fingerprint_of("/p/named.so", 0, NULL, FRAMES(IN_FILE(0x1020)), other);
	cr_expect_str_neq(one, other);
}

Test(findings, a_fingerprint_takes_the_offset_where_no_function_is_known)
{
	char one[17], other[17], same[17];

	fingerprint_of("/p/bare.so", 0, NULL, FRAMES(IN_FILE(0x10)), one);
	fingerprint_of("/p/bare.so", 0, NULL, FRAMES(IN_FILE(0x20)), other);
	fingerprint_of("/q/bare.so", 0x1000, NULL, FRAMES(IN_FILE(0x10)), same);
	cr_expect_str_neq(one, other);
	cr_expect_str_eq(one, same);
}

Test(findings, a_fingerprint_leaves_addresses_of_no_module_out)
{
	char one[17], other[17];

	fingerprint_of("/p/named.so", 0, NULL, FRAMES(IN_FILE(0x1010), 0x7f1111), one);
	fingerprint_of("/p/named.so", 0, NULL, FRAMES(IN_FILE(0x1010), 0x7f2222), other);
	cr_expect_str_eq(one, other);
}

static void print_of(const char *name, char *fingerprint)
{
	linkage_name = name;
	fingerprint_of("/p/named.so", 0, NULL, FRAMES(IN_FILE(0x2000)), fingerprint);
}

static void expect_same_names(const char *one, const char *other, bool are_same)
{
	char first[32], second[32];

	print_of(one, first);
	print_of(other, second);
	cr_expect_eq(strcmp(first, second) == 0, are_same, "%s and %s", one, other);
}

Test(findings, a_fingerprint_leaves_out_how_a_compiler_calls_the_parts_of_a_function)
{
	expect_same_names("f", "f.part.0", true);
	expect_same_names("f", "f.constprop.0.isra.1", true);
	expect_same_names("_ZN1a1fEv", "_ZN1a1fEv.cold", true);
	expect_same_names("f", "f@@LIBRARY_2", true);
	expect_same_names("f", "g", false);
	expect_same_names("f", "f1", false);
	expect_same_names(".f", ".g", false);
}

Test(findings, a_fingerprint_leaves_out_the_hashes_of_rust)
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
	struct trace_builder *b = new_trace();
	uint64_t frames[] = { IN_FILE(0x1010), trace_builder_frame(2, host_offset) };
	struct judged j;

	trace_builder_module(b, 2, "/p/host", 0, NULL);
	trace_builder_package(b, 0, "package", 1, 1);
	trace_builder_entry(b, block(0x5000, 64, trace_builder_stack(b, frames, 2)));
	j = judge_one(b);
	strcpy(fingerprint, findings_get(j.f, 0)->fingerprint);
	release(&j, b);
}

Test(findings, a_fingerprint_leaves_the_host_out)
{
	char one[32], other[32];

	print_in_host(0x10, one);
	print_in_host(0x20, other);
	cr_expect_str_eq(one, other);
}

/* Adds leaks with 3 backtraces of one function, in this order. */
static struct judged judge_twins(struct trace_builder *b, const unsigned order[3])
{
	for (unsigned i = 0; i < 3; i++) {
		uint64_t frames[] = { IN_FILE(0x2000), IN_FILE(0x3000 + order[i]) };

		trace_builder_entry(b, block(0x5000 + 0x100 * i, 1 + order[i],
					     trace_builder_stack(b, frames, 2 - !order[i])));
	}
	return judge_one(b);
}

Test(findings, equal_fingerprints_of_a_report_are_numbered_by_where_the_code_lies)
{
	static const unsigned orders[][3] = { { 0, 1, 2 }, { 2, 1, 0 }, { 1, 2, 0 } };
	char first[3][32] = { "" };

	linkage_name = "f";
	for (unsigned i = 0; i < 3; i++) {
		struct trace_builder *b = trace_builder_new();
		struct judged j;

		/* Frames of the C library do not count, but tell the findings apart. */
		trace_builder_module(b, 1, "/p/libc.so.6", 0, NULL);
		j = judge_twins(b, orders[i]);
		cr_assert_eq(j.f->count, 3);
		for (unsigned k = 0; k < 3; k++) {
			const struct finding *finding = findings_get(j.f, k);
			char *print = first[finding->bytes - 1];

			cr_expect(!*print || strcmp(print, finding->fingerprint) == 0);
			strcpy(print, finding->fingerprint);
		}
		release(&j, b);
	}
	cr_expect_eq(strlen(first[0]), 16);
	cr_expect_str_eq(first[1] + 16, ":2");
	cr_expect_str_eq(first[2] + 16, ":3");
	cr_expect_eq(strncmp(first[0], first[2], 16), 0);
}

Test(findings, a_fingerprint_says_what_it_is_made_from)
{
	struct trace_builder *b = new_trace();
	struct judged j;

	trace_builder_entry(b, block(0x5000, 2, trace_builder_place(b, 1, 0x1010)));
	trace_builder_entry(b, block(0x6000, 1, trace_builder_place(b, 1, 0x3010)));
	j = judge_one(b);
	cr_expect_not(findings_get(j.f, 0)->has_offsets);
	cr_expect(findings_get(j.f, 1)->has_offsets);
	release(&j, b);
}

/* Messages. */

static void expect_message(struct trace_builder *b, const char *message)
{
	struct judged j = judge_one(b);

	cr_assert_eq(j.f->count, 1);
	cr_expect_str_eq(findings_get(j.f, 0)->message, message);
	release(&j, b);
}

Test(findings, a_message_says_which_section_was_wrong_and_which_is_right)
{
	struct trace_builder *b = new_trace();
	struct trace_finding finding =
		misuse(TRACE_KIND_MISMATCHED_FREE, TRACE_REASON_WRONG_SECTION, 0);

	finding.size = 64;
	finding.section.handle = 0x9000;
	finding.owner.handle = 0xa000;
	finding.stack[TRACE_STACK_CREATE] = trace_builder_place(b, 1, 0x100a);
	finding.stack[TRACE_STACK_OWNER_CREATE] = trace_builder_place(b, 1, 0x1014);
	finding.flags = TRACE_FINDING_HAS_SIZE | TRACE_FINDING_HAS_SECTION | TRACE_FINDING_HAS_OWNER;
	trace_builder_finding(b, finding);
	expect_message(b, "block of 64 bytes freed with the handle of section 0x9000 (created at "
			  "named.c:10), but allocated from section 0xa000 (created at named.c:20)");
}

Test(findings, a_message_names_module_and_offset_where_nothing_better_is_known)
{
	struct trace_builder *b = new_trace();

	trace_builder_entry(b, block(0x5000, 1, trace_builder_place(b, 1, 0x3333)));
	expect_message(b, "block of 1 byte, allocated at named.so+0x3333, is never freed");
}

Test(findings, a_message_leaves_out_what_is_unknown)
{
	struct trace_builder *b = new_trace();

	trace_builder_finding(b, misuse(TRACE_KIND_DOUBLE_FREE, TRACE_REASON_NONE, 0));
	expect_message(b, "block freed again");
}

Test(findings, a_message_says_which_of_the_lsas_functions_is_documented)
{
	struct trace_builder *b = new_trace();
	struct trace_finding finding = misuse(TRACE_KIND_EXCHANGED_FREE, TRACE_REASON_NONE, 0);

	finding.family = FAMILY_LSA_HEAP;
	finding.function = SLOT_FreeLsaHeap;
	trace_builder_finding(b, finding);
	expect_message(b, "block freed by FreeLsaHeap, where FreeReturnBuffer is documented");
	b = new_trace();
	finding.function = SLOT_FreeReturnBuffer;
	trace_builder_finding(b, finding);
	expect_message(b, "block freed by FreeReturnBuffer, where FreeLsaHeap is documented");
}

/* An access, in line 40, to a block of 24 bytes at 0x5000, which was allocated in line 10. */
static struct trace_finding access(struct trace_builder *b, enum trace_kind kind,
				   enum trace_reason reason, uint64_t address)
{
	struct trace_finding finding = misuse(kind, reason, trace_builder_place(b, 1, 0x1028));

	finding.address = address;
	finding.block = 0x5000;
	finding.size = 24;
	finding.section.handle = 0x4000;
	finding.stack[TRACE_STACK_ALLOCATE] = trace_builder_place(b, 1, 0x100a);
	finding.flags =
		TRACE_FINDING_HAS_ADDRESS | TRACE_FINDING_HAS_SIZE | TRACE_FINDING_HAS_SECTION;
	return finding;
}

static void expect_access(enum trace_kind kind, enum trace_reason reason, uint64_t address,
			  const char *message)
{
	struct trace_builder *b = new_trace();

	trace_builder_finding(b, access(b, kind, reason, address));
	expect_message(b, message);
}

Test(findings, a_message_says_how_far_outside_a_block_an_access_was)
{
	expect_access(TRACE_KIND_OVERFLOW, TRACE_REASON_WRITE, 0x5018,
		      "write 1 byte past the end of a block of 24 bytes (allocated at named.c:10)");
	expect_access(TRACE_KIND_OVERFLOW, TRACE_REASON_READ, 0x5020,
		      "read 9 bytes past the end of a block of 24 bytes (allocated at named.c:10)");
	expect_access(
		TRACE_KIND_UNDERFLOW, TRACE_REASON_WRITE, 0x4ffe,
		"write 2 bytes before the start of a block of 24 bytes (allocated at named.c:10)");
}

Test(findings, a_message_says_when_damage_was_found)
{
	struct trace_builder *b = new_trace();
	struct trace_finding finding;

	expect_access(
		TRACE_KIND_OVERFLOW, TRACE_REASON_CANARY, 0x5018,
		"write 1 byte past the end of a block of 24 bytes (allocated at named.c:10) was "
		"found by FreeSharedMemory at named.c:40");
	finding = access(b, TRACE_KIND_OVERFLOW, TRACE_REASON_CANARY, 0x5018);
	finding.stack[TRACE_STACK_CALL] = 0;
	trace_builder_finding(b, finding);
	expect_message(b, "write 1 byte past the end of a block of 24 bytes (allocated at "
			  "named.c:10) was found at the end of the trace");
}

Test(findings, a_message_says_how_far_the_damage_goes)
{
	struct trace_builder *b = new_trace();
	struct trace_finding finding = access(b, TRACE_KIND_OVERFLOW, TRACE_REASON_CANARY, 0x5018);

	finding.damage = 6;
	finding.stack[TRACE_STACK_CALL] = 0;
	trace_builder_finding(b, finding);
	expect_message(b, "write 6 bytes past the end of a block of 24 bytes (allocated at "
			  "named.c:10) was found at the end of the trace");
	b = new_trace();
	finding = access(b, TRACE_KIND_UNDERFLOW, TRACE_REASON_CANARY, 0x4fff);
	finding.damage = 3;
	finding.stack[TRACE_STACK_CALL] = 0;
	trace_builder_finding(b, finding);
	expect_message(b, "write 3 bytes before the start of a block of 24 bytes (allocated at "
			  "named.c:10) was found at the end of the trace");
}

Test(findings, a_message_says_how_a_block_was_freed_before_it_was_used)
{
	struct trace_builder *b = new_trace();
	struct trace_finding finding =
		access(b, TRACE_KIND_USE_AFTER_FREE, TRACE_REASON_READ, 0x5004);

	finding.stack[TRACE_STACK_FREE] = trace_builder_place(b, 1, 0x1014);
	trace_builder_finding(b, finding);
	expect_message(b,
		       "read of byte 4 of a block of 24 bytes (allocated at named.c:10) after it "
		       "was freed at named.c:20");
	b = new_trace();
	finding = access(b, TRACE_KIND_USE_AFTER_DELETE, TRACE_REASON_WRITE, 0x5000);
	finding.stack[TRACE_STACK_DELETE] = trace_builder_place(b, 1, 0x1014);
	trace_builder_finding(b, finding);
	expect_message(b, "write of byte 0 of a block of 24 bytes (allocated at named.c:10) after "
			  "its section 0x4000 was deleted at named.c:20");
}

/* Wrappers. The package is named.so, and the host is /p/host. */

static struct trace_builder *new_package(void)
{
	struct trace_builder *b = new_trace();

	trace_builder_module(b, 2, "/p/host", 0x560000000000, "98765432109876543210");
	trace_builder_package(b, 0, "p", 1, 1);
	return b;
}

/* A leaked block. The frames are those of functions at these offsets, the last one in the host. */
static void leak_from(struct trace_builder *b, uint64_t size, uint64_t inner, uint64_t outer,
		      uint64_t host)
{
	const uint64_t frames[] = { trace_builder_frame(1, inner), trace_builder_frame(1, outer),
				    trace_builder_frame(2, host) };

	trace_builder_entry(
		b, block(0x5000 + size * 0x100, size,
			 outer ? trace_builder_stack(b, frames, 3)
			       : trace_builder_stack(b, (const uint64_t[]){ frames[0], frames[2] },
						     2)));
}

/* Judges the trace, and compares the message of the most costly finding. */
static void expect_first(struct trace_builder *b, const struct argument_list *globs,
			 const char *message)
{
	struct judged j = judge_with(&b, 1, globs);

	cr_assert_gt(j.f->count, 0u);
	cr_expect_str_eq(findings_get(j.f, 0)->message, message);
	release(&j, b);
}

Test(findings, a_wrapper_is_skipped_in_the_message_and_named_beside_its_caller)
{
	struct trace_builder *b = new_package();

	leak_from(b, 40, 0x1010, 0x1020, 1);
	leak_from(b, 24, 0x1010, 0x1030, 1);
	expect_first(b, NULL,
		     "block of 40 bytes, allocated at named.c:32 through f1010, is never freed");
}

Test(findings, a_function_that_allocates_for_one_caller_is_no_wrapper)
{
	struct trace_builder *b = new_package();

	leak_from(b, 40, 0x1010, 0x1020, 1);
	leak_from(b, 24, 0x1010, 0x1020, 2);
	expect_first(b, NULL, "block of 40 bytes, allocated at named.c:16, is never freed");
}

Test(findings, a_function_that_allocates_blocks_of_one_size_is_no_wrapper)
{
	struct trace_builder *b = new_package();

	leak_from(b, 40, 0x1010, 0x1020, 1);
	leak_from(b, 40, 0x1010, 0x1030, 1);
	expect_first(b, NULL, "block of 40 bytes, allocated at named.c:16, is never freed");
}

Test(findings, a_function_that_the_host_calls_is_no_wrapper)
{
	struct trace_builder *b = new_package();

	leak_from(b, 40, 0x1010, 0, 1);
	leak_from(b, 24, 0x1010, 0, 2);
	expect_first(b, NULL, "block of 40 bytes, allocated at named.c:16, is never freed");
}

Test(findings, a_function_that_also_calls_another_slot_is_no_wrapper)
{
	struct trace_builder *b = new_package();
	const uint64_t frames[] = { trace_builder_frame(1, 0x1050), trace_builder_frame(1, 0x1010),
				    trace_builder_frame(1, 0x1020) };

	trace_builder_lane(b, 0, 4711);
	leak_from(b, 40, 0x1010, 0x1020, 1);
	leak_from(b, 24, 0x1010, 0x1030, 1);
	trace_builder_event(b, 0,
			    (struct trace_event){ .stack = trace_builder_stack(b, frames, 3),
						  .function = SLOT_FreeLsaHeap,
						  .state = TRACE_EVENT_COMMITTED });
	expect_first(b, NULL, "block of 40 bytes, allocated at named.c:16, is never freed");
}

Test(findings, a_wrapper_that_the_user_names_is_skipped_with_all_that_it_calls)
{
	const struct argument_list globs = { { "g*", "f102?" }, 2 };
	struct trace_builder *b = new_package();

	leak_from(b, 40, 0x1010, 0x1020, 1);
	expect_first(b, &globs,
		     "block of 40 bytes, allocated at host+0x1 through f1020, is never freed");
}

Test(findings, a_named_wrapper_without_a_caller_is_not_skipped)
{
	const struct argument_list globs = { { "f1010" }, 1 };
	struct trace_builder *b = new_package();

	trace_builder_entry(b, block(0x5000, 64, trace_builder_place(b, 1, 0x1010)));
	expect_first(b, &globs, "block of 64 bytes, allocated at named.c:16, is never freed");
}

Test(findings, a_message_says_what_frees_a_block_that_was_handed_out)
{
	struct trace_builder *b = new_trace();
	struct trace_finding f = misuse(TRACE_KIND_MISMATCHED_FREE, TRACE_REASON_WRONG_DEALLOCATOR,
					trace_builder_place(b, 1, 0x1020));

	f.family = FAMILY_PRIVATE_HEAP;
	f.function = SLOT_FreePrivateHeap;
	f.block_family = FAMILY_LSA_HEAP;
	f.handed_out = SLOT_GetAuthDataForUser + 1;
	f.stack[TRACE_STACK_ALLOCATE] = trace_builder_place(b, 1, 0x1010);
	trace_builder_finding(b, f);
	expect_message(b, "block of family lsa-heap (handed out by GetAuthDataForUser at "
			  "named.c:16) freed by FreePrivateHeap at named.c:32, which is for "
			  "family private-heap; free it with FreeLsaHeap");
}

/* Leaks that belong together. */

Test(findings, blocks_of_a_section_that_leaks_are_indirect_and_follow_it)
{
	struct trace_builder *b = new_trace();
	uint32_t leaked = trace_builder_entry(b, section(0x9000, trace_builder_place(b, 1, 0x1040)));
	struct judged j;

	trace_builder_entry(b, block_in(leaked, 24, trace_builder_place(b, 1, 0x1050)));
	trace_builder_entry(b, block_in(leaked, 16, trace_builder_place(b, 1, 0x1060)));
	trace_builder_entry(b, block(0x7000, 40, trace_builder_place(b, 1, 0x1070)));
	j = judge_one(b);
	cr_assert_eq(j.f->count, 4u);
	cr_expect_str_eq(findings_get(j.f, 0)->message,
			 "section 0x9000 of at most 4096 bytes, created at named.c:64, is never "
			 "deleted; with it 2 blocks leak (40 bytes)");
	cr_expect_not(findings_get(j.f, 0)->is_indirect);
	cr_expect_eq(findings_get(j.f, 1)->size, 24u);
	cr_expect(findings_get(j.f, 1)->is_indirect && findings_get(j.f, 1)->is_led);
	cr_expect(findings_get(j.f, 2)->is_indirect && findings_get(j.f, 2)->is_led);
	cr_expect_eq(findings_get(j.f, 2)->group, findings_get(j.f, 1)->group);
	cr_expect_not(findings_get(j.f, 3)->is_indirect || findings_get(j.f, 3)->is_led);
	cr_expect_eq(j.f->errors, 4u);
	release(&j, b);
}

Test(findings, blocks_of_a_section_that_is_no_leak_are_direct)
{
	struct trace_builder *b = new_trace();
	struct trace_entry adopted = section(0x9000, 0);
	struct judged j;

	adopted.flags = TRACE_ENTRY_ADOPTED;
	trace_builder_entry(b, block_in(trace_builder_entry(b, adopted), 24,
					trace_builder_place(b, 1, 0x1050)));
	j = judge_one(b);
	cr_assert_eq(j.f->count, 1u);
	cr_expect_not(findings_get(j.f, 0)->is_indirect || findings_get(j.f, 0)->is_led);
	release(&j, b);
}

/* A block that leaks, with its allocation at a time. */
static void leak_at(struct trace_builder *b, uint64_t time, uint64_t size)
{
	struct trace_entry entry =
		block(0x5000 + size, size, trace_builder_place(b, 1, 0x1000 + size));

	entry.tid = 77;
	trace_builder_entry(b, entry);
	trace_builder_event(
		b, 0,
		(struct trace_event){ .time = time,
				      .address = entry.address,
				      .size = size,
				      .stack = entry.stack,
				      .tid = 77,
				      .function = SLOT_AllocateLsaHeap,
				      .state = TRACE_EVENT_COMMITTED | TRACE_EVENT_RETURNED });
}

static void entry_returns(struct trace_builder *b, uint64_t begin, uint64_t end, unsigned function,
			  int32_t tid, uint32_t status)
{
	trace_builder_event(
		b, 0,
		(struct trace_event){ .time = end,
				      .duration = end - begin,
				      .result = (int32_t)status,
				      .tid = tid,
				      .function = (uint8_t)function,
				      .state = TRACE_EVENT_COMMITTED | TRACE_EVENT_RETURNED });
}

static void expect_path(const struct judged *j, uint64_t size, const char *entry_point)
{
	for (size_t i = 0; i < j->f->count; i++) {
		const struct finding *finding = findings_get(j->f, i);

		if (finding->size != size)
			continue;
		cr_expect_str_eq(finding->entry_point ? finding->entry_point : "", entry_point,
				 "%zu bytes", (size_t)size);
		return;
	}
	cr_expect_fail("no finding of %zu bytes", (size_t)size);
}

Test(findings, a_leak_is_of_the_innermost_call_of_its_thread_if_that_failed)
{
	struct trace_builder *b = new_trace();
	struct judged j;

	trace_builder_lane(b, 0, 77);
	leak_at(b, 90, 16); /* before all */
	leak_at(b, 110, 17);
	leak_at(b, 130, 18); /* in the inner one that fails */
	entry_returns(b, 120, 140, TRANSFER_CallPackage, 77, 0xc0000017);
	leak_at(b, 160, 19); /* in the inner one that succeeds */
	entry_returns(b, 150, 170, TRANSFER_CallPackageUntrusted, 77, 0);
	entry_returns(b, 80, 95, TRANSFER_LogonUserEx, 78, 0xc0000017); /* of another thread */
	leak_at(b, 180, 20);
	entry_returns(b, 100, 190, TRANSFER_LogonUserEx2, 77, 0xc000006d);
	leak_at(b, 200, 21); /* after all */
	j = judge_one(b);
	expect_path(&j, 16, "");
	expect_path(&j, 17, "LsaApLogonUserEx2");
	expect_path(&j, 18, "LsaApCallPackage");
	expect_path(&j, 19, "");
	expect_path(&j, 20, "LsaApLogonUserEx2");
	expect_path(&j, 21, "");
	release(&j, b);
}

Test(findings, leaks_of_one_call_that_failed_follow_each_other)
{
	struct trace_builder *b = new_trace();
	const struct finding *finding;
	struct judged j;

	trace_builder_lane(b, 0, 77);
	leak_at(b, 110, 24);
	leak_at(b, 120, 64);
	entry_returns(b, 100, 130, TRANSFER_LogonUserEx2, 77, 0xc000006d);
	leak_at(b, 140, 40);
	j = judge_one(b);
	cr_assert_eq(j.f->count, 3u);
	finding = findings_get(j.f, 0);
	cr_expect_str_eq(finding->message,
			 "block of 64 bytes, allocated at named.c:64, is never freed; "
			 "LsaApLogonUserEx2 returned 0xc000006d on this path");
	cr_expect(finding->is_leading);
	cr_expect_eq(finding->led_count, 1u);
	cr_expect_eq(finding->led_bytes, 24u);
	cr_expect(findings_get(j.f, 1)->is_led);
	cr_expect_eq(findings_get(j.f, 1)->size, 24u);
	finding = findings_get(j.f, 2);
	cr_expect_not(finding->is_led || finding->is_leading);
	release(&j, b);
}

/* The same line leaks in a call that fails, and in one that does not. */
Test(findings, a_leak_of_several_paths_names_none)
{
	struct trace_builder *b = new_trace();
	uint32_t stack = trace_builder_place(b, 1, 0x1010);
	struct judged j;

	trace_builder_lane(b, 0, 77);
	for (uint64_t i = 0; i < 2; i++) {
		struct trace_entry entry = block(0x5000 + i * 0x100, 40, stack);

		entry.tid = 77;
		trace_builder_entry(b, entry);
		trace_builder_event(b, 0,
				    (struct trace_event){ .time = 110 + 100 * i,
							  .address = entry.address,
							  .size = 40,
							  .stack = stack,
							  .tid = 77,
							  .function = SLOT_AllocateLsaHeap,
							  .state = TRACE_EVENT_COMMITTED |
								   TRACE_EVENT_RETURNED });
		entry_returns(b, 100 + 100 * i, 120 + 100 * i, TRANSFER_LogonUser, 77,
			      i ? 0 : 0xc000006d);
	}
	j = judge_one(b);
	cr_assert_eq(j.f->count, 1u);
	cr_expect_null(findings_get(j.f, 0)->entry_point);
	release(&j, b);
}

/* Sets `message` to that of the finding with this kind and reason. */
static void get_message(const struct judged *j, unsigned kind, unsigned reason, char message[512])
{
	*message = '\0';
	for (size_t i = 0; i < j->f->count; i++) {
		const struct finding *finding = findings_get(j->f, i);

		if (finding->kind == kind && finding->reason == reason)
			snprintf(message, 512, "%s", finding->message);
	}
}

/* Each reason says more than no reason at all, with one kind at least. */
Test(findings, there_is_a_message_for_each_kind_and_reason)
{
	struct trace_builder *b = new_trace();
	struct judged j;

	for (unsigned kind = TRACE_KIND_LIVE_AT_DELETE; kind < TRACE_KIND_COUNT; kind++)
		for (unsigned reason = 0; reason < TRACE_REASON_COUNT; reason++)
			trace_builder_finding(b, misuse(kind, reason, 0));
	j = judge_one(b);
	for (unsigned reason = 0; reason < TRACE_REASON_COUNT; reason++) {
		bool is_said = reason == TRACE_REASON_NONE;

		for (unsigned kind = TRACE_KIND_LIVE_AT_DELETE; kind < TRACE_KIND_COUNT; kind++) {
			char message[512], plain[512];

			get_message(&j, kind, reason, message);
			get_message(&j, kind, TRACE_REASON_NONE, plain);
			cr_expect_gt(strlen(message), 10u, "%s", kinds_text(kind));
			cr_expect_null(strchr(message, '\n'));
			is_said |= strcmp(message, plain) != 0;
		}
		cr_expect(is_said, "no message says %s", kinds_reason_text(reason));
	}
	release(&j, b);
}
