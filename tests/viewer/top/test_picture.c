/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "tests/support/trace_builder.h"
#include "viewer/model/model.h"
#include "viewer/top/picture.h"

static struct model *open_model(struct trace_builder *b)
{
	struct trouble trouble;
	struct model *m = model_open(trace_builder_write(b), NULL, &trouble);

	cr_assert(m, "%s", trouble.text);
	return m;
}

static uint32_t add_block(struct trace_builder *b, uint32_t stack, uint64_t size)
{
	return trace_builder_entry(b, (struct trace_entry){ .address = 0x1000,
							    .size = size,
							    .stack = stack,
							    .state = TRACE_ENTRY_BLOCK,
							    .family = FAMILY_LSA_HEAP });
}

static uint32_t add_section(struct trace_builder *b, uint64_t handle, uint32_t max_size)
{
	return trace_builder_entry(b, (struct trace_entry){ .address = handle,
							    .size = max_size | 4096ull << 32,
							    .state = TRACE_ENTRY_SECTION,
							    .family = FAMILY_SHARED_MEMORY });
}

static void add_to_section(struct trace_builder *b, uint32_t section, uint64_t size)
{
	trace_builder_entry(b, (struct trace_entry){ .address = 0x2000,
						     .size = size,
						     .section = section,
						     .state = TRACE_ENTRY_BLOCK,
						     .family = FAMILY_SHARED_MEMORY });
}

static const struct picture_row *row(const struct picture *p, enum picture_table table, size_t i)
{
	cr_assert_lt(i, p->rows[table]);
	return &p->row[table][i];
}

Test(picture, sums_up_what_is_live_by_backtrace_and_by_package)
{
	struct trace_builder *b = trace_builder_new();
	uint32_t one = trace_builder_place(b, 0, 0x10), other = trace_builder_place(b, 0, 0x20);
	struct picture *p;

	trace_builder_package(b, 0, "alpha", 1, 0);
	trace_builder_counter(b, 0, SLOT_AllocateLsaHeap, 10, 0, 640);
	add_block(b, one, 100);
	add_block(b, other, 7);
	add_block(b, one, 20);
	p = picture_take(open_model(b), NULL, NULL);
	cr_expect_eq(p->live_blocks, 3);
	cr_expect_eq(p->live_bytes, 127);
	cr_expect_eq(p->rows[PICTURE_STACKS], 2);
	picture_sort(p, PICTURE_STACKS, PICTURE_BY_BYTES);
	cr_expect_eq(row(p, PICTURE_STACKS, 0)->key.stack, one);
	cr_expect_eq(row(p, PICTURE_STACKS, 0)->count, 2);
	cr_expect_eq(row(p, PICTURE_STACKS, 0)->bytes, 120);
	cr_expect_eq(row(p, PICTURE_STACKS, 1)->bytes, 7);
	cr_expect_eq(p->rows[PICTURE_PACKAGES], 1);
	cr_expect_eq(row(p, PICTURE_PACKAGES, 0)->bytes, 127);
	cr_expect_eq(row(p, PICTURE_PACKAGES, 0)->package.calls, 10);
	cr_expect_eq(row(p, PICTURE_PACKAGES, 0)->package.rate, 5, "the trace has 2 seconds");
	picture_free(p);
	trace_builder_free(b);
}

Test(picture, counts_what_was_freed_wrongly_as_live_but_not_what_is_being_deleted)
{
	struct trace_builder *b = trace_builder_new();
	struct picture *p;

	trace_builder_entry(b, (struct trace_entry){ .size = 5,
						     .state = TRACE_ENTRY_SUSPECT,
						     .family = FAMILY_LSA_HEAP });
	trace_builder_entry(b, (struct trace_entry){ .size = 65536 | 4096ull << 32,
						     .state = TRACE_ENTRY_DELETING,
						     .family = FAMILY_SHARED_MEMORY });
	p = picture_take(open_model(b), NULL, NULL);
	cr_expect_eq(p->live_blocks, 1);
	cr_expect_eq(p->live_bytes, 5);
	cr_expect_eq(p->live_sections, 0);
	picture_free(p);
	trace_builder_free(b);
}

Test(picture, says_how_full_a_section_is)
{
	struct trace_builder *b = trace_builder_new();
	uint32_t half = add_section(b, 0x7f0000, 1000), empty = add_section(b, 0x7e0000, 1000);
	struct picture *p;

	trace_builder_entry(b, (struct trace_entry){ .address = 0x7d0000,
						     .state = TRACE_ENTRY_SECTION,
						     .flags = TRACE_ENTRY_ADOPTED,
						     .family = FAMILY_SHARED_MEMORY });
	add_to_section(b, half, 300);
	add_to_section(b, half, 215);
	cr_assert(empty);
	p = picture_take(open_model(b), NULL, NULL);
	picture_sort(p, PICTURE_SECTIONS, PICTURE_BY_FILL);
	cr_expect_eq(p->live_sections, 3);
	cr_expect_eq(row(p, PICTURE_SECTIONS, 0)->key.address, 0x7f0000u);
	cr_expect_eq(row(p, PICTURE_SECTIONS, 0)->count, 2);
	cr_expect_eq(picture_fill(row(p, PICTURE_SECTIONS, 0)), 515);
	cr_expect_eq(picture_fill(row(p, PICTURE_SECTIONS, 1)), 0);
	cr_expect_eq(row(p, PICTURE_SECTIONS, 2)->key.address, 0x7d0000u);
	cr_expect_eq(picture_fill(row(p, PICTURE_SECTIONS, 2)), -1, "nobody saw how large it is");
	cr_expect_eq(p->live_bytes, 515, "a section is no block");
	picture_free(p);
	trace_builder_free(b);
}

Test(picture, counts_growth_from_the_mark_on)
{
	struct trace_builder *b = trace_builder_new();
	uint32_t steady = trace_builder_place(b, 0, 0x10), growing = trace_builder_place(b, 0, 0x20);
	struct picture *first, *second;
	struct picture_mark *mark;

	add_block(b, steady, 5000);
	first = picture_take(open_model(b), NULL, NULL);
	cr_expect_eq(first->was_bytes, first->live_bytes, "the first picture is the mark");
	mark = picture_mark(first);
	add_block(b, growing, 64);
	add_block(b, growing, 64);
	second = picture_take(open_model(b), first, mark);
	cr_expect_eq(second->live_blocks - second->was_blocks, 2);
	cr_expect_eq(second->live_bytes - second->was_bytes, 128);
	picture_sort(second, PICTURE_STACKS, PICTURE_BY_GROWTH);
	cr_expect_eq(row(second, PICTURE_STACKS, 0)->key.stack, growing);
	cr_expect_eq(row(second, PICTURE_STACKS, 0)->was_bytes, 0);
	cr_expect_eq(row(second, PICTURE_STACKS, 1)->was_bytes, 5000);
	picture_mark_free(mark);
	mark = picture_mark(second);
	cr_expect_eq(second->was_bytes, second->live_bytes, "a new mark");
	cr_expect_eq(row(second, PICTURE_STACKS, 0)->was_bytes, 128);
	picture_mark_free(mark);
	picture_free(first);
	picture_free(second);
	trace_builder_free(b);
}

Test(picture, growth_may_be_more_than_half_of_all_numbers)
{
	struct trace_builder *b = trace_builder_new();
	uint32_t stack = trace_builder_place(b, 0, 0x10);
	struct picture *first, *second;
	struct picture_mark *mark;

	first = picture_take(open_model(b), NULL, NULL);
	mark = picture_mark(first);
	for (uint8_t package = 0; package < 2; package++)
		trace_builder_entry(b, (struct trace_entry){ .address = 0x1000,
							     .size = INT64_MAX,
							     .stack = stack,
							     .state = TRACE_ENTRY_BLOCK,
							     .family = FAMILY_LSA_HEAP,
							     .package = package });
	second = picture_take(open_model(b), first, mark);
	cr_expect_eq(second->live_bytes - second->was_bytes, 2ull * INT64_MAX);
	picture_mark_free(mark);
	picture_free(first);
	picture_free(second);
	trace_builder_free(b);
}

static void count_stack(void *context, enum trace_finding_stacks which, uint32_t stack)
{
	((uint32_t *)context)[which] = stack;
}

Test(picture, has_the_newest_finding_first_and_its_backtraces)
{
	struct trace_builder *b = trace_builder_new();
	uint32_t call = trace_builder_place(b, 0, 0x10), made = trace_builder_place(b, 0, 0x20);
	uint32_t stacks[TRACE_FINDING_STACKS] = { 0 };
	struct picture *p;

	trace_builder_finding(b, (struct trace_finding){ .kind = TRACE_KIND_NULL_FREE,
							 .function = SLOT_FreeLsaHeap,
							 .family = FAMILY_LSA_HEAP,
							 .first_time = 2000 });
	trace_builder_finding(b, (struct trace_finding){ .kind = TRACE_KIND_DOUBLE_FREE,
							 .function = SLOT_FreeLsaHeap,
							 .family = FAMILY_LSA_HEAP,
							 .first_time = 900000000,
							 .count = 3,
							 .stack = { call, made } });
	p = picture_take(open_model(b), NULL, NULL);
	picture_sort(p, PICTURE_FINDINGS, PICTURE_BY_TIME);
	cr_expect_eq(p->found[TRACE_LEVEL_ERROR], 3);
	cr_expect_eq(p->found[TRACE_LEVEL_WARNING], 1);
	cr_expect_eq(row(p, PICTURE_FINDINGS, 0)->key.kind, TRACE_KIND_DOUBLE_FREE);
	cr_expect_eq(row(p, PICTURE_FINDINGS, 0)->key.stack, call);
	cr_expect_eq(row(p, PICTURE_FINDINGS, 1)->key.kind, TRACE_KIND_NULL_FREE);
	picture_stacks(p, PICTURE_FINDINGS, &row(p, PICTURE_FINDINGS, 0)->key, count_stack, stacks);
	cr_expect_eq(stacks[TRACE_STACK_CALL], call);
	cr_expect_eq(stacks[TRACE_STACK_ALLOCATE], made);
	cr_expect_eq(stacks[TRACE_STACK_FREE], 0);
	picture_free(p);
	trace_builder_free(b);
}

Test(picture, tells_a_trace_from_the_one_that_replaces_it)
{
	struct trace_builder *b = trace_builder_new();
	struct picture *p = picture_take(open_model(b), NULL, NULL);
	struct model *same = open_model(b), *other;

	trace_builder_header(b)->pid++;
	other = open_model(b);
	cr_expect(picture_is_of(p, same));
	cr_expect_not(picture_is_of(p, other));
	model_close(same);
	model_close(other);
	picture_free(p);
	trace_builder_free(b);
}
