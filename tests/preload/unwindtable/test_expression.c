/* SPDX-License-Identifier: MIT */
/* Expressions that are written byte by byte, hostile ones too. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "preload/unwindtable/eh_frame.h"
#include "preload/unwindtable/expression.h"

/* Registers hold 0x1000, 0x1001 and so on; r15 is not known. A word of memory holds its address
 * plus 7; nothing lies at 0. */
static uint64_t registers[EH_RETURN], pc = 0x400000;

static bool read_word(void *reads, uint64_t address, uint64_t *word)
{
	++*(unsigned *)reads;
	*word = address + 7;
	return address != 0;
}

static void set_up(void)
{
	for (unsigned i = 0; i < EH_RETURN; i++)
		registers[i] = 0x1000 + i;
}

TestSuite(expression, .init = set_up);

static bool evaluate(const uint8_t *block, uint64_t *result)
{
	unsigned reads = 0;
	struct expression_input input = { registers, 0x7fff, pc, 100, read_word, &reads };

	return expression_evaluate(block, &input, result);
}

#define EXPECT(value, ...) \
	do { \
		const uint8_t code_[] = { __VA_ARGS__ }; \
		uint8_t block_[1 + sizeof(code_)] = { sizeof(code_) }; \
		uint64_t result_ = 0; \
\
		memcpy(block_ + 1, code_, sizeof(code_)); \
		cr_expect(evaluate(block_, &result_), "fails: %s", #__VA_ARGS__); \
		cr_expect_eq(result_, (uint64_t)(value), "%s: %#lx", #__VA_ARGS__, result_); \
	} while (0)

#define EXPECT_FAILURE(...) \
	do { \
		const uint8_t code_[] = { __VA_ARGS__ }; \
		uint8_t block_[1 + sizeof(code_)] = { sizeof(code_) }; \
		uint64_t result_ = 0; \
\
		memcpy(block_ + 1, code_, sizeof(code_)); \
		cr_expect_not(evaluate(block_, &result_), "%s", #__VA_ARGS__); \
	} while (0)

Test(expression, constants_of_each_size)
{
	EXPECT(0x0807060504030201, 0x03, 1, 2, 3, 4, 5, 6, 7, 8);
	EXPECT(0xfe, 0x08, 0xfe);
	EXPECT(-2, 0x09, 0xfe);
	EXPECT(0xfffe, 0x0a, 0xfe, 0xff);
	EXPECT(-2, 0x0b, 0xfe, 0xff);
	EXPECT(0xfffffffe, 0x0c, 0xfe, 0xff, 0xff, 0xff);
	EXPECT(-2, 0x0d, 0xfe, 0xff, 0xff, 0xff);
	EXPECT(-2, 0x0e, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
	EXPECT(-2, 0x0f, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
	EXPECT(300, 0x10, 0xac, 2);
	EXPECT(-2, 0x11, 0x7e);
	EXPECT(0, 0x30);
	EXPECT(31, 0x4f);
}

Test(expression, registers_and_memory)
{
	EXPECT(0x1007 - 8, 0x77, 0x78);
	EXPECT(0x100c + 300, 0x92, 12, 0xac, 2);
	EXPECT(0x1007 + 7, 0x77, 0, 0x06);
	/* The word that ends with the byte at 0x1007 holds 0x1007, eight bytes of which it is the
	 * upmost. */
	EXPECT(0, 0x77, 0, 0x94, 1);
	EXPECT(0x1007 + 7, 0x77, 0, 0x94, 8);
	EXPECT_FAILURE(0x77, 0, 0x94, 9);
	EXPECT_FAILURE(0x7f, 0);
	EXPECT(0x400001, 0x80, 1);
	EXPECT_FAILURE(0x81, 0);
	EXPECT_FAILURE(0x92, 0xff, 0xff, 3, 0);
	EXPECT_FAILURE(0x30, 0x06);
}

Test(expression, numbers_are_moved)
{
	EXPECT(100, 0x96);
	EXPECT(200, 0x12, 0x22);
	EXPECT(100, 0x31, 0x13);
	EXPECT(100, 0x31, 0x14);
	EXPECT(100, 0x31, 0x32, 0x15, 2);
	EXPECT(99, 0x31, 0x1c);
	EXPECT(-99, 0x31, 0x16, 0x1c);
	/* 100 1 2 becomes 2 100 1. */
	EXPECT(1, 0x31, 0x32, 0x17);
	EXPECT(99, 0x31, 0x32, 0x17, 0x1c);
	EXPECT(2, 0x31, 0x32, 0x17, 0x13, 0x13);
}

Test(expression, numbers_are_calculated_with)
{
	EXPECT(5, 0x11, 0x7b, 0x19);
	EXPECT(4, 0x34, 0x36, 0x1a);
	EXPECT(-2, 0x11, 0x79, 0x33, 0x1b);
	EXPECT(1ull << 63, 0x31, 0x08, 63, 0x24, 0x11, 0x7f, 0x1b);
	EXPECT(1, 0x37, 0x33, 0x1d);
	EXPECT(21, 0x37, 0x33, 0x1e);
	EXPECT(-3, 0x33, 0x1f);
	EXPECT(~3ull, 0x33, 0x20);
	EXPECT(6, 0x34, 0x36, 0x21);
	EXPECT(303, 0x33, 0x23, 0xac, 2);
	EXPECT(0, 0x33, 0x10, 64, 0x24);
	EXPECT(-1, 0x11, 0x70, 0x10, 64, 0x26);
	EXPECT(-4, 0x11, 0x70, 0x32, 0x26);
	EXPECT(0x3ffffffffffffffc, 0x11, 0x70, 0x32, 0x25);
	EXPECT(2, 0x34, 0x36, 0x27);
	EXPECT_FAILURE(0x33, 0x30, 0x1b);
	EXPECT_FAILURE(0x33, 0x30, 0x1d);
}

Test(expression, numbers_are_compared_with_their_signs)
{
	EXPECT(1, 0x33, 0x33, 0x29);
	EXPECT(0, 0x11, 0x7f, 0x31, 0x2a);
	EXPECT(0, 0x11, 0x7f, 0x31, 0x2b);
	EXPECT(1, 0x11, 0x7f, 0x31, 0x2c);
	EXPECT(1, 0x11, 0x7f, 0x31, 0x2d);
	EXPECT(1, 0x11, 0x7f, 0x31, 0x2e);
}

/* What the C library's procedure linkage tables have: rsp + 8, and 8 more from the 11th byte of an entry
 * on. */
Test(expression, an_entry_of_a_procedure_linkage_table)
{
	registers[EH_RSP] = 0x7000;
	for (uint64_t at = 0; at < 16; at++) {
		pc = 0x400000 + at;
		EXPECT(at >= 11 ? 0x7010 : 0x7008, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33,
		       0x24, 0x22);
	}
}

Test(expression, jumps_stay_within_the_block)
{
	EXPECT(100, 0x2f, 1, 0, 0x31);
	EXPECT(100, 0x30, 0x28, 0, 0);
	EXPECT(1, 0x30, 0x28, 1, 0, 0x31);
	EXPECT(100, 0x31, 0x28, 1, 0, 0x31);
	EXPECT_FAILURE(0x2f, 1, 0);
	EXPECT_FAILURE(0x2f, 0xfc, 0xff);
	EXPECT_FAILURE(0x2f, 0);
}

Test(expression, what_has_no_end_is_given_up)
{
	EXPECT_FAILURE(0x2f, 0xfd, 0xff);
	EXPECT_FAILURE(0x12, 0x2f, 0xfc, 0xff);
	EXPECT_FAILURE(0x12, 0x28, 0xfc, 0xff);
}

Test(expression, there_are_not_more_nor_fewer_numbers_than_there_is_room)
{
	uint8_t block[66] = { 64 };
	uint64_t result;

	memset(block + 1, 0x31, 64);
	cr_expect_not(evaluate(block, &result));
	block[0] = 63;
	cr_expect(evaluate(block, &result));
	EXPECT_FAILURE(0x13, 0x13);
	EXPECT_FAILURE(0x13);
	EXPECT_FAILURE(0x22);
	EXPECT_FAILURE(0x15, 1);
	EXPECT_FAILURE(0x13, 0x06);
	EXPECT_FAILURE(0x17);
}

Test(expression, what_is_not_known_is_refused)
{
	EXPECT_FAILURE(0x00);
	EXPECT_FAILURE(0x50);
	EXPECT_FAILURE(0x9c);
	EXPECT_FAILURE(0xff);
}

Test(expression, a_simple_one_is_recognised)
{
	static const uint8_t sum[] = { 3, 0x77, 0xa0, 1 }, word[] = { 4, 0x77, 0xa0, 1, 0x06 };
	static const uint8_t longer[] = { 5, 0x77, 0xa0, 1, 0x06, 0x06 }, cut[] = { 1, 0x77 };
	int64_t offset;

	cr_expect(expression_is_simple(sum, EH_RSP, false, &offset));
	cr_expect_eq(offset, 160);
	cr_expect(expression_is_simple(word, EH_RSP, true, &offset));
	cr_expect_not(expression_is_simple(word, EH_RSP, false, &offset));
	cr_expect_not(expression_is_simple(sum, EH_RBP, false, &offset));
	cr_expect_not(expression_is_simple(longer, EH_RSP, true, &offset));
	cr_expect_not(expression_is_simple(cut, EH_RSP, false, &offset));
}

/* At the very end of readable memory. */
Test(expression, no_bytes_fault, .timeout = 60)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *pages =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t state = 1;
	uint64_t result;

	cr_assert_neq(pages, MAP_FAILED);
	cr_assert_eq(mprotect(pages + page, page, PROT_NONE), 0);
	for (unsigned turn = 0; turn < 200000; turn++) {
		size_t bytes = turn % 60;
		uint8_t *block = pages + page - 1 - bytes;

		for (size_t i = 0; i < bytes; i++) {
			state = state * 1664525 + 1013904223;
			block[1 + i] = (uint8_t)(state >> 24) % 0x98;
		}
		block[0] = (uint8_t)bytes;
		evaluate(block, &result);
	}
}
