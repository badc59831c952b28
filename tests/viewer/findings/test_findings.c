/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "include/kinds.h"
#include "tests/support/judged.h"
#include "viewer/model/model.h"

/* Leaks. */

Test(findings, nothing_live_and_nothing_recorded_is_no_finding)
{
	struct trace_builder *b = named_trace();
	struct judged j = judge_one(b);

	cr_expect_eq(j.f->count, 0);
	cr_expect(j.f->is_exact);
	judged_release(&j, b);
}

Test(findings, a_live_block_is_a_leak)
{
	struct trace_builder *b = named_trace();
	const struct finding *finding;
	struct judged j;

	trace_builder_entry(b, live_block(0x5000, 64, trace_builder_place(b, 1, 0x1010)));
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
	judged_release(&j, b);
}

Test(findings, a_live_section_is_a_leak_of_its_greatest_size)
{
	struct trace_builder *b = named_trace();
	const struct finding *finding;
	struct judged j;

	trace_builder_entry(b, live_section(0x9000, trace_builder_place(b, 1, 0x1010)));
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
	judged_release(&j, b);
}

Test(findings, a_block_leaks_beside_its_live_section_and_names_it)
{
	struct trace_builder *b = named_trace();
	uint32_t create = trace_builder_place(b, 1, 0x1010);
	uint32_t ref = trace_builder_entry(b, live_section(0x9000, create));
	const struct finding *finding;
	struct judged j;

	trace_builder_entry(b, live_block_in(ref, 5000, trace_builder_place(b, 1, 0x1020)));
	j = judge_one(b);
	cr_assert_eq(j.f->count, 2);
	finding = findings_get(j.f, 1);
	cr_expect_eq(finding->kind, TRACE_KIND_BLOCK_LEAK);
	cr_expect_eq(finding->section.handle, 0x9000);
	cr_expect(finding->stack[TRACE_STACK_CREATE]);
	judged_release(&j, b);
}

Test(findings, a_block_of_a_deleted_section_is_no_leak)
{
	struct trace_builder *b = named_trace();
	uint32_t ref = trace_builder_entry(b, (struct trace_entry){ 0 });
	struct judged j;

	trace_builder_entry(b, live_block_in(ref, 64, 0));
	j = judge_one(b);
	cr_expect_eq(j.f->count, 0);
	judged_release(&j, b);
}

Test(findings, an_adopted_section_is_no_leak_but_its_blocks_are)
{
	struct trace_builder *b = named_trace();
	struct trace_entry adopted = live_section(0x9000, 0);
	struct judged j;

	adopted.flags = TRACE_ENTRY_ADOPTED;
	trace_builder_entry(b, live_block_in(trace_builder_entry(b, adopted), 64, 0));
	j = judge_one(b);
	cr_assert_eq(j.f->count, 1);
	cr_expect_eq(findings_get(j.f, 0)->kind, TRACE_KIND_BLOCK_LEAK);
	cr_expect(findings_get(j.f, 0)->section.known);
	cr_expect_not(findings_get(j.f, 0)->section.sizes_known);
	judged_release(&j, b);
}

Test(findings, what_was_inherited_is_no_leak_of_the_child)
{
	struct trace_builder *b = named_trace();
	struct trace_entry inherited = live_section(0x9000, 0), old = live_block(0x5000, 64, 0);
	struct judged j;

	inherited.flags = old.flags = TRACE_ENTRY_INHERITED;
	trace_builder_entry(b, old);
	trace_builder_entry(b, live_block_in(trace_builder_entry(b, inherited), 64, 0));
	j = judge_one(b);
	cr_assert_eq(j.f->count, 1, "only the child's own block in the section is");
	cr_expect_eq(findings_get(j.f, 0)->kind, TRACE_KIND_BLOCK_LEAK);
	cr_expect_eq(findings_get(j.f, 0)->address, 0x5010);
	judged_release(&j, b);
}

Test(findings, suspect_blocks_and_those_being_deleted_are_no_leaks)
{
	struct trace_builder *b = named_trace();
	struct trace_entry entry = live_block(0x5000, 64, 0);
	struct judged j;

	entry.state = TRACE_ENTRY_SUSPECT;
	trace_builder_entry(b, entry);
	entry.state = TRACE_ENTRY_DELETING;
	trace_builder_entry(b, entry);
	j = judge_one(b);
	cr_expect_eq(j.f->count, 0);
	judged_release(&j, b);
}

Test(findings, a_section_whose_deletion_was_made_to_fail_is_no_leak_and_not_ignored)
{
	struct trace_builder *b = named_trace();
	struct trace_entry section = live_section(0x9000, 0);
	struct judged j;

	section.state = TRACE_ENTRY_SUSPECT_SECTION;
	trace_builder_entry(b, section);
	j = judge_one(b);
	cr_expect_eq(j.f->count, 0);
	cr_expect_eq(j.f->ignored, 0);
	judged_release(&j, b);
}

/* What is one finding. */

Test(findings, leaks_from_one_place_are_one_finding)
{
	struct trace_builder *b = named_trace();
	uint32_t here = trace_builder_place(b, 1, 0x1010), there = trace_builder_place(b, 1, 0x1020);
	struct judged j;

	trace_builder_entry(b, live_block(0x5000, 64, here));
	trace_builder_entry(b, live_block(0x6000, 64, there));
	trace_builder_entry(b, live_block(0x7000, 100, here));
	j = judge_one(b);
	cr_assert_eq(j.f->count, 2);
	cr_expect_eq(findings_get(j.f, 0)->count, 2);
	cr_expect_eq(findings_get(j.f, 0)->bytes, 164);
	cr_expect_eq(findings_get(j.f, 0)->address, 0x5000, "that of the first one");
	cr_expect_eq(j.f->leaked_blocks, 3);
	cr_expect_eq(j.f->leaked_bytes, 228);
	judged_release(&j, b);
}

Test(findings, equal_stacks_recorded_twice_are_one_finding)
{
	struct trace_builder *b = named_trace();
	struct judged j;

	trace_builder_entry(b, live_block(0x5000, 64, trace_builder_place(b, 1, 0x1010)));
	trace_builder_entry(b, live_block(0x6000, 64, trace_builder_place(b, 1, 0x1010)));
	j = judge_one(b);
	cr_expect_eq(j.f->count, 1);
	judged_release(&j, b);
}

Test(findings, families_reasons_and_kinds_are_kept_apart)
{
	struct trace_builder *b = named_trace();
	uint32_t stack = trace_builder_place(b, 1, 0x1010);
	struct trace_entry entry = live_block(0x5000, 64, stack);
	struct judged j;

	trace_builder_entry(b, entry);
	entry.family = FAMILY_PRIVATE_HEAP;
	trace_builder_entry(b, entry);
	trace_builder_finding(
		b, misuse_of(TRACE_KIND_INVALID_FREE, TRACE_REASON_SECTION_HANDLE, stack));
	trace_builder_finding(
		b, misuse_of(TRACE_KIND_INVALID_FREE, TRACE_REASON_UNKNOWN_ADDRESS, stack));
	trace_builder_finding(b, misuse_of(TRACE_KIND_DOUBLE_FREE, TRACE_REASON_NONE, stack));
	j = judge_one(b);
	cr_expect_eq(j.f->count, 5);
	judged_release(&j, b);
}

Test(findings, misuses_that_differ_in_one_stack_are_two)
{
	struct trace_builder *b = named_trace();
	uint32_t stack = trace_builder_place(b, 1, 0x1010);
	struct trace_finding finding = misuse_of(TRACE_KIND_DOUBLE_FREE, TRACE_REASON_NONE, stack);
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
	judged_release(&j, b);
}

Test(findings, the_same_defect_in_two_processes_is_one_finding)
{
	struct trace_builder *both[] = { trace_builder_new(), trace_builder_new() };
	struct judged j;

	for (unsigned i = 0; i < 2; i++) {
		/* Other ids, other addresses, and other paths to the same build. */
		trace_builder_module(both[i], i + 5, i ? "/p/named.so" : "/q/named.so",
				     0x7f0000000000 + i * 0x1000, "01234567890123456789");
		trace_builder_entry(
			both[i],
			live_block(0x5000, 64, trace_builder_place(both[i], i + 5, 0x1010)));
		trace_builder_finding(both[i],
				      misuse_of(TRACE_KIND_DOUBLE_FREE, TRACE_REASON_NONE,
						trace_builder_place(both[i], i + 5, 0x1020)));
	}
	j = judge(both, 2);
	cr_assert_eq(j.f->count, 2);
	cr_expect_eq(findings_get(j.f, 0)->count, 2);
	cr_expect_eq(findings_get(j.f, 1)->count, 2);
	trace_builder_free(both[0]);
	judged_release(&j, both[1]);
}

Test(findings, modules_without_build_id_are_compared_by_path)
{
	struct trace_builder *all[] = { trace_builder_new(), trace_builder_new(),
					trace_builder_new() };
	static const char *const paths[] = { "/p/a.so", "/p/a.so", "/q/a.so" };
	struct judged j;

	for (unsigned i = 0; i < 3; i++) {
		trace_builder_module(all[i], 1, paths[i], 0, NULL);
		trace_builder_entry(all[i],
				    live_block(0x5000, 64, trace_builder_place(all[i], 1, 0x10)));
	}
	j = judge(all, 3);
	cr_assert_eq(j.f->count, 2);
	cr_expect_eq(findings_get(j.f, 0)->count, 2);
	trace_builder_free(all[0]);
	trace_builder_free(all[1]);
	judged_release(&j, all[2]);
}

Test(findings, the_deletion_with_live_blocks_is_both_call_and_delete)
{
	struct trace_builder *b = named_trace();
	const struct finding *finding;
	struct judged j;

	trace_builder_finding(b, misuse_of(TRACE_KIND_LIVE_AT_DELETE, TRACE_REASON_NONE,
					   trace_builder_place(b, 1, 0x1010)));
	j = judge_one(b);
	cr_assert_eq(j.f->count, 1);
	finding = findings_get(j.f, 0);
	cr_expect_eq(finding->level, TRACE_LEVEL_WARNING);
	for (unsigned i = TRACE_STACK_CALL; i <= TRACE_STACK_DELETE; i += TRACE_STACK_DELETE)
		cr_expect(finding->stack[i] && finding->stack[i]->frame[0].offset == 0x1010);
	judged_release(&j, b);
}

Test(findings, what_was_recorded_is_passed_on)
{
	struct trace_builder *b = named_trace();
	struct trace_finding finding =
		misuse_of(TRACE_KIND_MISMATCHED_FREE, TRACE_REASON_WRONG_SECTION,
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
	judged_release(&j, b);
}

/* Order and summary. */

Test(findings, errors_come_first_then_the_most_bytes_then_the_greatest_count)
{
	struct trace_builder *b = named_trace();
	struct trace_finding finding;
	struct judged j;

	finding = misuse_of(TRACE_KIND_FAILED_CALL, TRACE_REASON_NONE, 0);
	finding.bytes = 1 << 30;
	trace_builder_finding(b, finding);
	finding = misuse_of(TRACE_KIND_NULL_FREE, TRACE_REASON_NONE, 0);
	finding.count = 1000;
	trace_builder_finding(b, finding);
	finding = misuse_of(TRACE_KIND_INVALID_FREE, TRACE_REASON_UNKNOWN_ADDRESS, 0);
	trace_builder_finding(b, finding);
	finding = misuse_of(TRACE_KIND_DOUBLE_DELETE, TRACE_REASON_NONE, 0);
	finding.count = 2;
	trace_builder_finding(b, finding);
	finding = misuse_of(TRACE_KIND_DOUBLE_FREE, TRACE_REASON_NONE, 0);
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
	judged_release(&j, b);
}

Test(findings, losses_make_the_result_a_lower_bound_except_those_of_history)
{
	struct trace_builder *b = named_trace();
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
	judged_release(&j, b);
}

Test(findings, a_sum_of_sizes_does_not_wrap)
{
	struct trace_builder *b = named_trace();
	struct judged j;

	trace_builder_entry(b, live_block(0x5000, UINT64_MAX, 0));
	trace_builder_entry(b, live_block(0x6000, 64, 0));
	j = judge_one(b);
	cr_expect_eq(j.f->leaked_bytes, UINT64_MAX);
	judged_release(&j, b);
}
