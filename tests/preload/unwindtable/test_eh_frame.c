/* SPDX-License-Identifier: MIT */
/*
 * Rows of functions whose instructions are written byte by byte, hostile ones too. The entries lie at
 * the very end of readable memory, so that whatever reads past them faults.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "preload/unwindtable/eh_frame.h"
#include "preload/unwindtable/expression.h"

enum { BYTES = 16384, FUNCTION_BYTES = 0x100000 };

/* Stands for the code of the function: only its addresses are used. */
static char *memory;

/* Where entries are put together, to be moved to the end of the memory. */
struct bytes {
	uint8_t at[512];
	size_t count;
};

static void add(struct bytes *b, uint64_t value, size_t bytes)
{
	memcpy(b->at + b->count, &value, bytes);
	b->count += bytes;
}

static void set_up(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	memory = mmap(NULL, BYTES + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	cr_assert_neq(memory, MAP_FAILED);
	cr_assert_eq(mprotect(memory + BYTES, page, PROT_NONE), 0);
}

TestSuite(eh_frame, .init = set_up);

static uint64_t code(uint64_t offset)
{
	return (uint64_t)(uintptr_t)memory + offset;
}

/* A header with one row, a common entry and the entry of the function. The code is aligned to 1, data
 * to -8; at first the CFA is rsp + 8, with the return address below it. Returns the header. */
static const uint8_t *write_function(const char *augmentation, const uint8_t *instructions,
				     size_t count)
{
	static const uint8_t initial[] = { 0x0c, 7, 8, 0x90, 1 };
	size_t name = strlen(augmentation) + 1;
	size_t common = 4 + 4 + 1 + name + 3 + 2 + sizeof(initial);
	size_t function = 4 + 4 + 16 + 1 + count;
	size_t head = 20 + -(common + function) % 4;
	char *start = memory + BYTES - head - common - function;
	struct bytes b = { .count = 0 };

	add(&b, 0x3b031b01, 4);
	add(&b, 0, 4);
	add(&b, 1, 4);
	add(&b, (uint64_t)(memory - start), 4);
	add(&b, head + common, 4);
	b.count = head;

	add(&b, common - 4, 4);
	add(&b, 0, 4);
	add(&b, 1, 1);
	memcpy(b.at + b.count, augmentation, name);
	b.count += name;
	add(&b, 0x107801, 3);
	add(&b, 1, 1); /* of augmentation: the encoding of addresses */
	add(&b, 0, 1);
	memcpy(b.at + b.count, initial, sizeof(initial));
	b.count += sizeof(initial);

	add(&b, function - 4, 4);
	add(&b, b.count - head, 4);
	add(&b, code(0), 8);
	add(&b, FUNCTION_BYTES, 8);
	add(&b, 0, 1);
	memcpy(b.at + b.count, instructions, count);
	memcpy(start, b.at, b.count + count);
	return (const uint8_t *)start;
}

struct found {
	bool is_found;
	struct eh_row row;
};

static struct found find_at(const uint8_t *instructions, size_t count, uint64_t offset)
{
	const uint8_t *header = write_function("zR", instructions, count);
	struct found found;

	found.is_found = eh_frame_find(header, code(offset), &found.row);
	return found;
}

/* The row of instructions, for any address from the one that they come to on. */
#define FIND(...) \
	({ \
		static const uint8_t bytes_[] = { __VA_ARGS__ }; \
		find_at(bytes_, sizeof(bytes_), 0); \
	})

static void expect_column(const struct found *f, unsigned reg, enum eh_where where, int64_t value)
{
	cr_assert(f->is_found);
	cr_expect_eq(f->row.where[reg], where, "register %u: %d", reg, f->row.where[reg]);
	cr_expect_eq(f->row.value[reg], value, "register %u at %ld", reg, (long)f->row.value[reg]);
}

#define EXPECT_COLUMN(reg, where, value, ...) \
	do { \
		struct found f_ = FIND(__VA_ARGS__); \
\
		expect_column(&f_, reg, where, value); \
	} while (0)

static void expect_cfa(struct found f, uint64_t reg, int64_t offset)
{
	cr_assert(f.is_found);
	cr_expect_null(f.row.cfa_expression);
	cr_expect_eq(f.row.cfa_register, reg);
	cr_expect_eq(f.row.cfa_offset, offset, "CFA at %ld", (long)f.row.cfa_offset);
}

Test(eh_frame, registers_are_the_callers_until_something_is_said)
{
	struct found f = FIND(0x00);

	expect_cfa(f, EH_RSP, 8);
	for (unsigned reg = 0; reg < EH_RETURN; reg++)
		expect_column(&f, reg, EH_SAME, 0);
	expect_column(&f, EH_RETURN, EH_AT_CFA, -8);
	cr_expect_not(f.row.is_signal);
}

Test(eh_frame, the_cfa_is_defined_in_six_ways)
{
	expect_cfa(FIND(0x0c, 6, 0x90, 1), EH_RBP, 144);
	expect_cfa(FIND(0x12, 6, 0x7e), EH_RBP, 16);
	expect_cfa(FIND(0x0d, 10), 10, 8);
	expect_cfa(FIND(0x0e, 40), EH_RSP, 40);
	expect_cfa(FIND(0x13, 0x7c), EH_RSP, 32);
	cr_expect_not_null(FIND(0x0f, 2, 0x77, 8).row.cfa_expression);
}

Test(eh_frame, an_expression_for_the_cfa_stays_until_a_register_is_named)
{
	cr_expect_not_null(FIND(0x0f, 2, 0x77, 8, 0x0e, 16).row.cfa_expression);
	expect_cfa(FIND(0x0f, 2, 0x77, 8, 0x0e, 16, 0x0d, 6), EH_RBP, 16);
}

Test(eh_frame, each_instruction_says_where_a_register_is)
{
	EXPECT_COLUMN(3, EH_AT_CFA, -24, 0x83, 3);
	EXPECT_COLUMN(12, EH_AT_CFA, -24, 0x05, 12, 3);
	EXPECT_COLUMN(12, EH_AT_CFA, 16, 0x11, 12, 0x7e);
	EXPECT_COLUMN(12, EH_AT_CFA, 24, 0x2f, 12, 3);
	EXPECT_COLUMN(12, EH_CFA_PLUS, -24, 0x14, 12, 3);
	EXPECT_COLUMN(12, EH_CFA_PLUS, 16, 0x15, 12, 0x7e);
	EXPECT_COLUMN(12, EH_UNDEFINED, 0, 0x07, 12);
	EXPECT_COLUMN(12, EH_SAME, 0, 0x07, 12, 0x08, 12);
	EXPECT_COLUMN(16, EH_REGISTER, 11, 0x09, 16, 11);
	cr_expect_eq(FIND(0x10, 7, 2, 0x77, 8).row.where[EH_RSP], EH_AT_EXPRESSION);
	cr_expect_eq(FIND(0x16, 7, 2, 0x77, 8).row.where[EH_RSP], EH_EXPRESSION);
}

Test(eh_frame, a_register_is_restored_to_what_the_common_entry_said)
{
	EXPECT_COLUMN(EH_RETURN, EH_AT_CFA, -8, 0x90, 4, 0xd0);
	EXPECT_COLUMN(EH_RETURN, EH_AT_CFA, -8, 0x90, 4, 0x06, 16);
	EXPECT_COLUMN(EH_RBP, EH_SAME, 0, 0x86, 4, 0xc6);
}

Test(eh_frame, remembered_rows_come_back_whole)
{
	struct found f = FIND(0x0a, 0x0e, 32, 0x86, 4, 0x0a, 0x07, 16, 0x0b, 0x0b);

	expect_cfa(f, EH_RSP, 8);
	expect_column(&f, EH_RBP, EH_SAME, 0);
	expect_column(&f, EH_RETURN, EH_AT_CFA, -8);
	cr_expect(FIND(0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a).is_found);
	cr_expect_not(FIND(0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a).is_found);
	cr_expect_not(FIND(0x0b).is_found);
}

/* The CFA's offset says how far the instructions have come. */
Test(eh_frame, rows_begin_where_an_advance_leads)
{
	static const uint8_t instructions[] = {
		0x40 | 5, 0x0e, 1,    0x02, 10, 0x0e, 2, 0x03, 0, 1,
		0x0e,     3,    0x04, 0,    0,  1,    0, 0x0e, 4,
	};
	static const uint64_t starts[] = { 0, 5, 15, 271, 65807 };

	for (int64_t i = 1; i < 5; i++) {
		expect_cfa(find_at(instructions, sizeof(instructions), starts[i] - 1), EH_RSP,
			   i == 1 ? 8 : i - 1);
		expect_cfa(find_at(instructions, sizeof(instructions), starts[i]), EH_RSP, i);
	}
}

Test(eh_frame, registers_that_are_not_kept_are_passed_over)
{
	expect_cfa(FIND(0x05, 17, 3, 0x10, 50, 2, 0x77, 8, 0x2e, 0x20, 0x0e, 24), EH_RSP, 24);
}

Test(eh_frame, a_function_has_no_row_for_what_it_does_not_hold)
{
	uint8_t nothing = 0;
	struct eh_row row;

	cr_expect(find_at(&nothing, 1, FUNCTION_BYTES - 1).is_found);
	cr_expect_not(find_at(&nothing, 1, FUNCTION_BYTES).is_found);
	cr_expect_not(find_at(&nothing, 1, (uint64_t)-1).is_found);
	cr_expect_not(eh_frame_find(NULL, code(0), &row));
}

Test(eh_frame, the_frame_of_a_signal_is_marked)
{
	uint8_t nothing = 0;
	struct eh_row row;

	cr_assert(eh_frame_find(write_function("zRS", &nothing, 1), code(0), &row));
	cr_expect(row.is_signal);
	cr_expect_not(eh_frame_find(write_function("zRX", &nothing, 1), code(0), &row));
	cr_expect_not(eh_frame_find(write_function("qR", &nothing, 1), code(0), &row));
}

Test(eh_frame, what_is_not_known_is_not_skipped)
{
	for (unsigned op = 0x17; op < 0x40; op++) {
		uint8_t bytes[] = { (uint8_t)op, 1, 0 };

		cr_expect_eq(find_at(bytes, sizeof(bytes), 0).is_found, op == 0x2e || op == 0x2f,
			     "%x", op);
	}
}

Test(eh_frame, instructions_that_end_early_lead_to_no_row)
{
	static const uint8_t whole[] = { 0x10, 12, 3, 0x77, 8, 0x06, 0x0c, 7, 16 };

	cr_expect(find_at(whole, sizeof(whole), 0).is_found);
	for (size_t bytes = 1; bytes < sizeof(whole); bytes++)
		cr_expect_eq(find_at(whole, bytes, 0).is_found, bytes == 6, "%zu bytes", bytes);
	cr_expect_not(FIND(0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1).is_found);
	cr_expect_not(FIND(0x0e, 0x80, 0x80).is_found);
}

/* A generator of its own, so that a failure comes again. */
static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 16;
}

Test(eh_frame, no_instructions_fault, .timeout = 60)
{
	uint32_t state = 1;

	for (unsigned turn = 0; turn < 200000; turn++) {
		uint8_t bytes[40];
		size_t count = 1 + next_random(&state) % sizeof(bytes);

		for (size_t i = 0; i < count; i++)
			bytes[i] = (uint8_t)(next_random(&state) % 3 ? next_random(&state) % 0x30
								     : next_random(&state));
		find_at(bytes, count, next_random(&state) % 64);
	}
}
