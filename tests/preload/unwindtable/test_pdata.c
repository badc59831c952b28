/* SPDX-License-Identifier: MIT */
/*
 * Rows of functions of an image that is put together here, entry by entry and code by code; damaged and
 * hostile ones too. The image ends where readable memory ends.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "preload/unwindtable/pdata.h"

enum {
	IMAGE_BYTES = 0x4000,
	TABLE = 0x1000,
	INFO = 0x2000,
	CODE = 0x3000, /* the functions, of 256 bytes each */
	FUNCTION_BYTES = 0x100,
};

/* Registers by their numbers in codes. */
enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R12 = 12 };
/* And in rows. */
enum { ROW_RSI = 4, ROW_RDI = 5 };

static uint8_t *memory;
static struct pdata_image image;

/* Everything else is refused; what is read without asking faults. */
static bool can_read(void *reader, uint64_t address)
{
	(void)reader;
	return address - image.base < IMAGE_BYTES && address % 8 == 0;
}

static void set_up(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	memory = mmap(NULL, IMAGE_BYTES + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	cr_assert_neq(memory, MAP_FAILED);
	cr_assert_eq(mprotect(memory + IMAGE_BYTES, page, PROT_NONE), 0);
	image = (struct pdata_image){
		(uint64_t)(uintptr_t)memory, IMAGE_BYTES, TABLE, 0, can_read, NULL
	};
}

TestSuite(pdata, .init = set_up);

static void write_words(uint32_t offset, const uint32_t *words, size_t count)
{
	memcpy(memory + offset, words, count * sizeof(*words));
}

/* Adds an entry for a function, whose code begins at CODE + `at`. */
static void add_entry(uint32_t at, uint32_t info)
{
	uint32_t entry[] = { CODE + at, CODE + at + FUNCTION_BYTES, info };

	write_words(TABLE + image.table_bytes, entry, 3);
	image.table_bytes += sizeof(entry);
}

/* An UNWIND_INFO: version and flags, size of the prologue, frame register and offset, codes. */
static void write_info(uint32_t at, uint8_t version, uint8_t prologue, uint8_t frame,
		       const uint16_t *codes, size_t count)
{
	uint8_t head[] = { version, prologue, (uint8_t)count, frame };

	memcpy(memory + at, head, sizeof(head));
	memcpy(memory + at + sizeof(head), codes, count * sizeof(*codes));
}

#define CODE_AT(offset, what, operand) ((offset) | (what) << 8 | (operand) << 12)
#define INFO_OF(at, version, prologue, frame, ...) \
	write_info(at, version, prologue, frame, (const uint16_t[]){ __VA_ARGS__ }, \
		   sizeof((const uint16_t[]){ __VA_ARGS__ }) / sizeof(uint16_t))
/* The only function. */
#define FUNCTION(version, prologue, frame, ...) \
	do { \
		add_entry(0, INFO); \
		INFO_OF(INFO, version, prologue, frame, __VA_ARGS__); \
	} while (0)

static bool find(uint32_t at, bool is_interrupted, struct eh_row *row)
{
	return pdata_find(&image, image.base + CODE + at, is_interrupted, row);
}

static struct eh_row row_at(uint32_t at, bool is_interrupted)
{
	struct eh_row row = { .cfa_offset = -1 };

	cr_assert(find(at, is_interrupted, &row), "at %#x", at);
	return row;
}

static void expect_cfa(struct eh_row row, unsigned reg, int64_t offset)
{
	cr_expect_eq(row.cfa_register, reg, "register %d", (int)row.cfa_register);
	cr_expect_eq(row.cfa_offset, offset, "offset %d", (int)row.cfa_offset);
	cr_expect_null(row.cfa_expression);
	cr_expect_eq(row.where[EH_RETURN], EH_AT_CFA);
	cr_expect_eq(row.value[EH_RETURN], row.is_signal ? 0 : -8);
}

static void expect_saved(struct eh_row row, unsigned reg, int64_t offset)
{
	cr_expect_eq(row.where[reg], EH_AT_CFA, "%u", reg);
	cr_expect_eq(row.value[reg], offset, "%u at %d", reg, (int)row.value[reg]);
}

static void expect_same(struct eh_row row, unsigned reg)
{
	cr_expect_eq(row.where[reg], EH_SAME, "%u", reg);
}

Test(pdata, a_function_without_an_entry_is_a_leaf)
{
	expect_cfa(row_at(0, false), EH_RSP, 8);
	add_entry(0, INFO);
	expect_cfa(row_at(FUNCTION_BYTES, true), EH_RSP, 8);
}

Test(pdata, each_function_is_found_in_a_long_table)
{
	for (uint32_t i = 0; i < 12; i++) {
		add_entry(i * FUNCTION_BYTES, INFO + i * 8);
		INFO_OF(INFO + i * 8, 1, 4, 0, CODE_AT(4, 2, i));
	}
	for (uint32_t i = 0; i < 12; i++) {
		expect_cfa(row_at(i * FUNCTION_BYTES + 4, false), EH_RSP, 8 * (i + 2));
		expect_cfa(row_at(i * FUNCTION_BYTES + 255, false), EH_RSP, 8 * (i + 2));
	}
}

/* push %rbp; push %rsi; sub $0x28, %rsp */
#define PUSHES CODE_AT(6, 2, 4), CODE_AT(2, 0, RSI), CODE_AT(1, 0, RBP)

Test(pdata, a_prologue_is_undone_as_far_as_it_has_run)
{
	FUNCTION(1, 6, 0, PUSHES);
	expect_cfa(row_at(0, true), EH_RSP, 8);
	expect_same(row_at(0, true), EH_RBP);
	expect_cfa(row_at(1, true), EH_RSP, 16);
	expect_saved(row_at(1, true), EH_RBP, -16);
	expect_same(row_at(1, true), ROW_RSI);
	expect_cfa(row_at(2, true), EH_RSP, 24);
	expect_saved(row_at(5, true), ROW_RSI, -24);
	expect_cfa(row_at(6, true), EH_RSP, 64);
	expect_cfa(row_at(100, false), EH_RSP, 64);
	expect_saved(row_at(100, false), EH_RBP, -16);
	expect_saved(row_at(100, false), ROW_RSI, -24);
	expect_same(row_at(100, false), EH_RBX);
}

Test(pdata, large_frames_count_words_or_bytes)
{
	FUNCTION(1, 7, 0, CODE_AT(7, 1, 0), 0x200);
	expect_cfa(row_at(9, false), EH_RSP, 0x1008);
	INFO_OF(INFO, 1, 7, 0, CODE_AT(7, 1, 1), 0x0010, 0x8000);
	expect_cfa(row_at(9, false), EH_RSP, 0x80000018);
}

/* push %rbx; sub $0x80, %rsp; lea 0x40(%rsp), %r12; mov %rdi, 0x10(%rsp) */
Test(pdata, a_frame_register_is_any_one_and_counts_once_it_is_set)
{
	FUNCTION(1, 16, R12 | 4 << 4, CODE_AT(16, 4, RDI), 2, CODE_AT(11, 3, 0), CODE_AT(8, 1, 0),
		 16, CODE_AT(1, 0, RBX));
	expect_cfa(row_at(8, true), EH_RSP, 0x80 + 16);
	expect_cfa(row_at(11, true), EH_R12, 0x40 + 16);
	expect_same(row_at(15, true), ROW_RDI);
	expect_cfa(row_at(16, true), EH_R12, 0x40 + 16);
	expect_saved(row_at(16, true), ROW_RDI, 0x10 - 0x80 - 16);
	expect_saved(row_at(16, true), EH_RBX, -16);
}

Test(pdata, registers_are_saved_near_and_far_and_those_of_vectors_are_passed_over)
{
	FUNCTION(1, 20, 0, CODE_AT(20, 9, 6), 0x20, 1, CODE_AT(18, 8, 7), 2, CODE_AT(16, 5, R12),
		 0x18, 1, CODE_AT(12, 4, RBP), 3, CODE_AT(7, 1, 1), 0, 2);
	expect_cfa(row_at(30, false), EH_RSP, 0x20008);
	expect_saved(row_at(30, false), EH_R12, 0x10018 - 0x20008);
	expect_saved(row_at(30, false), EH_RBP, 0x18 - 0x20008);
	expect_same(row_at(30, false), ROW_RSI);
	expect_same(row_at(30, false), ROW_RDI);
}

Test(pdata, a_machine_frame_is_what_was_interrupted)
{
	struct eh_row row;

	FUNCTION(1, 0, 0, CODE_AT(0, 2, 3), CODE_AT(0, 10, 0));
	row = row_at(5, false);
	cr_expect(row.is_signal);
	expect_cfa(row, EH_RSP, 32);
	expect_saved(row, EH_RSP, 24);
	INFO_OF(INFO, 1, 0, 0, CODE_AT(0, 2, 3), CODE_AT(0, 10, 1));
	expect_cfa(row_at(5, false), EH_RSP, 40);
}

/* The part of a function that lies at 0x100 saves more registers; the function is at 0. */
static void chain(uint32_t entry_at)
{
	const uint32_t function[] = { CODE, CODE + FUNCTION_BYTES, INFO };

	add_entry(0, INFO);
	INFO_OF(INFO, 1, 6, 0, PUSHES);
	add_entry(0x100, INFO + 0x100);
	INFO_OF(INFO + 0x100, 1 | 4 << 3, 5, 0, CODE_AT(5, 4, RBX), 1);
	write_words(entry_at, function, 3);
}

Test(pdata, the_codes_of_a_chain_come_before)
{
	chain(INFO + 0x100 + 8);
	expect_cfa(row_at(0x100, true), EH_RSP, 64);
	expect_same(row_at(0x104, true), EH_RBX);
	expect_saved(row_at(0x105, true), EH_RBX, 8 - 64);
	expect_saved(row_at(0x105, true), EH_RBP, -16);
}

Test(pdata, a_chain_that_never_ends_is_given_up)
{
	const uint32_t itself[] = { CODE, CODE + FUNCTION_BYTES, INFO };
	struct eh_row row;

	FUNCTION(1 | 4 << 3, 6, 0, CODE_AT(1, 0, RBP));
	write_words(INFO + 8, itself, 3);
	cr_expect_not(find(9, false, &row));
}

Test(pdata, an_entry_may_lead_to_another_one)
{
	const uint32_t entry[] = { CODE, CODE + FUNCTION_BYTES, INFO };

	add_entry(0, INFO + 0x200 + 1);
	write_words(INFO + 0x200, entry, 3);
	INFO_OF(INFO, 1, 6, 0, PUSHES);
	expect_cfa(row_at(9, false), EH_RSP, 64);
}

static void write_code(uint32_t at, const char *bytes, size_t count)
{
	memcpy(memory + CODE + at, bytes, count);
}
#define WRITE_CODE(at, text) write_code(at, text, sizeof(text) - 1)

/* add $0x28, %rsp; pop %rsi; pop %rbp, and then the instructions by which functions end. */
Test(pdata, in_an_epilogue_only_what_is_still_to_be_run_counts)
{
	static const char ends[][8] = { "\xc3",         "\xf3\xc3",     "\xc2\x08",
					"\x48\xff\xe0", "\xff\x25",     "\xe9\0\x10\0",
					"\xeb\x7f",     "\x49\xff\x22", "\xe9\0\0\0\x80" };

	FUNCTION(1, 6, 0, PUSHES);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		WRITE_CODE(0xa0, "\x48\x83\xc4\x28\x5e\x5d");
		write_code(0xa6, ends[i], sizeof(ends[i]));
		expect_cfa(row_at(0xa0, true), EH_RSP, 64);
		expect_saved(row_at(0xa0, true), ROW_RSI, -24);
		expect_saved(row_at(0xa0, true), EH_RBP, -16);
		expect_cfa(row_at(0xa4, true), EH_RSP, 24);
		expect_cfa(row_at(0xa5, true), EH_RSP, 16);
		expect_same(row_at(0xa5, true), ROW_RSI);
		expect_saved(row_at(0xa5, true), EH_RBP, -16);
		expect_cfa(row_at(0xa6, true), EH_RSP, 8);
		expect_same(row_at(0xa6, true), EH_RBP);
		expect_cfa(row_at(0xa6, false), EH_RSP, 64);
	}
}

Test(pdata, an_epilogue_frees_locals_in_any_of_three_ways)
{
	FUNCTION(1, 6, RBP, PUSHES);
	WRITE_CODE(0xa0, "\x48\x81\xc4\x28\x01\0\0\x5e\x41\x5c\xc3"); /* pop %rsi; pop %r12 */
	expect_cfa(row_at(0xa0, true), EH_RSP, 0x128 + 24);
	expect_saved(row_at(0xa0, true), EH_R12, -16);
	WRITE_CODE(0xa0, "\x48\x8d\x65\x28\x5e\x5d\xc3"); /* lea 0x28(%rbp), %rsp */
	expect_cfa(row_at(0xa0, true), EH_RBP, 64);
	expect_cfa(row_at(0xa4, true), EH_RSP, 24);
	WRITE_CODE(0xa0, "\x49\x8d\xa5\0\x01\0\0\x5d\xc3"); /* lea 0x100(%r13), %rsp */
	expect_cfa(row_at(0xa0, true), 13, 0x110);
}

/* sub $8, %rsp; a jump that stays in the function; jmp *%rax of a table of cases; pop %rsp. */
Test(pdata, other_instructions_are_no_epilogue)
{
	static const char others[][8] = { "\x48\x83\xec\x08\xc3",
					  "\xeb\xfe",
					  "\xff\xe0",
					  "\x5c\xc3",
					  "\x48\x83\xc4\x28\x90\xc3",
					  "\x48\x8d\x64\x24\x28\xc3",
					  "\x48\x8d\x6d\x28\xc3" };

	FUNCTION(1, 6, 0, PUSHES);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		write_code(0xa0, others[i], sizeof(others[i]));
		expect_cfa(row_at(0xa0, true), EH_RSP, 64);
	}
}

Test(pdata, a_jump_to_another_part_of_the_function_is_no_epilogue)
{
	chain(INFO + 0x100 + 8);
	WRITE_CODE(0xa0, "\xe9\x5b\0\0\0"); /* jmp 0x100, to the chained part */
	expect_cfa(row_at(0xa0, true), EH_RSP, 64);
	WRITE_CODE(0xa0, "\xe9\x5c\0\0\0"); /* jmp 0x101 */
	expect_cfa(row_at(0xa0, true), EH_RSP, 64);
	WRITE_CODE(0x1a0, "\xe9\x5b\xfe\xff\xff"); /* jmp 0, where a function begins */
	expect_cfa(row_at(0x1a0, true), EH_RSP, 8);
}

/* Of four bytes: one at the end of the function, one 0x40 bytes before that. */
Test(pdata, version_2_lists_its_epilogues)
{
	FUNCTION(2, 6, 0, CODE_AT(4, 6, 1), CODE_AT(0x40, 6, 0), PUSHES);
	WRITE_CODE(0xfc, "\x90\x5e\x5d\xc3");
	WRITE_CODE(0xc0, "\x5e\x5d\xc3\x90");
	WRITE_CODE(0xa0, "\x5e\x5d\xc3\x90");
	expect_cfa(row_at(0xfd, true), EH_RSP, 24);
	expect_cfa(row_at(0xff, true), EH_RSP, 8);
	expect_cfa(row_at(0xc1, true), EH_RSP, 16);
	expect_cfa(row_at(0xa1, true), EH_RSP, 64);
	expect_cfa(row_at(0x80, false), EH_RSP, 64);
}

Test(pdata, what_is_not_known_is_refused)
{
	static const uint16_t unknown[] = { CODE_AT(4, 11, 0), CODE_AT(4, 15, 0),
					    CODE_AT(4, 3, 0) /* of no frame register */,
					    CODE_AT(4, 0, RSP), CODE_AT(4, 4, RBX) /* cut off */ };
	struct eh_row row;

	add_entry(0, INFO);
	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
		write_info(INFO, 1, 4, 0, &unknown[i], 1);
		cr_expect_not(find(9, false, &row), "%zu", i);
	}
	INFO_OF(INFO, 3, 4, 0, CODE_AT(4, 2, 0));
	cr_expect_not(find(9, false, &row), "version 3");
	INFO_OF(INFO, 1, 4, RBP, CODE_AT(4, 4, RBX), 1);
	cr_expect_not(find(9, false, &row), "a frame register that is never set");
}

Test(pdata, no_place_outside_of_the_image_is_read)
{
	static const uint32_t places[] = { IMAGE_BYTES - 2, IMAGE_BYTES,     0x7ffffffc,
					   0xfffffffc,      IMAGE_BYTES - 4, 0xffffffff };
	struct eh_row row;

	write_words(IMAGE_BYTES - 4, (const uint32_t[]){ 0x00ff0401 }, 1); /* 255 codes */
	add_entry(0, 0);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		write_words(TABLE + 8, &places[i], 1);
		cr_expect_not(find(9, false, &row), "%#x", places[i]);
		cr_expect_not(find(9, true, &row), "%#x", places[i]);
	}
	image.table = IMAGE_BYTES - 6;
	cr_expect_not(find(9, false, &row));
	image.table = 0xffffffff;
	image.table_bytes = 0xffffffff;
	cr_expect_not(find(9, false, &row));
}

/* The memory behind it can be read, and is another's. */
Test(pdata, no_byte_behind_the_image_is_read)
{
	struct eh_row row;

	FUNCTION(1, 6, 0, PUSHES);
	image.bytes = INFO + 4 + 6;
	cr_expect(find(9, false, &row));
	image.bytes--;
	cr_expect_not(find(9, false, &row));
	image.bytes = INFO + 2;
	cr_expect_not(find(9, false, &row));
	image.bytes = TABLE + 11;
	cr_expect_not(find(9, false, &row));
}

Test(pdata, a_table_is_read_up_to_the_last_byte_of_the_image)
{
	image.table = IMAGE_BYTES - 12;
	add_entry(0, INFO);
	write_words(IMAGE_BYTES - 12, (const uint32_t[]){ CODE, CODE + 16, INFO }, 3);
	INFO_OF(INFO, 1, 6, 0, PUSHES);
	expect_cfa(row_at(9, false), EH_RSP, 64);
}

static uint32_t draw(uint64_t *random)
{
	*random = *random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*random >> 33);
}

/* Tables that are all right, but for a few bytes; and instructions of epilogues in any order. */
static void damage(uint64_t *random, uint32_t start, uint32_t bytes)
{
	for (unsigned i = draw(random) % 8; i > 0; i--)
		memory[start + draw(random) % bytes] = (uint8_t)draw(random);
}

static void write_any(uint64_t *random)
{
	static const uint8_t code[] = { 0x48, 0x83, 0xc4, 0x5e, 0x5d, 0xeb, 0xe9, 0xff,
					0x25, 0xc3, 0x41, 0x8d, 0xfd, 0x81, 0xf3, 0x00 };

	image.table_bytes = 0;
	for (uint32_t i = 0; i < 8; i++) {
		uint32_t info = INFO + 64 * (draw(random) % 8) + draw(random) % 8 / 7;

		add_entry(i * FUNCTION_BYTES, info);
		for (uint32_t byte = 0; byte < 64; byte++)
			memory[INFO + 64 * i + byte] =
				(uint8_t)(byte % 2 ? draw(random) % 11 | draw(random) % 16 << 4
						   : draw(random) % 32);
		memory[INFO + 64 * i] = (uint8_t)((1 + draw(random) % 2) | draw(random) % 2 << 5);
		memory[INFO + 64 * i + 2] = (uint8_t)(draw(random) % 28);
	}
	for (uint32_t i = CODE; i < IMAGE_BYTES; i++)
		memory[i] = code[draw(random) % sizeof(code)];
	damage(random, TABLE, image.table_bytes);
	damage(random, INFO, 512);
	if (draw(random) % 16 == 0)
		image.table_bytes += draw(random);
	image.table = draw(random) % 16 ? TABLE : draw(random) % IMAGE_BYTES;
}

/* The row may be anything. What faults or does not end, does so here; `make sanitize` sees more. */
Test(pdata, damaged_tables_do_no_harm, .timeout = 60)
{
	unsigned found = 0, tried = 0;
	uint64_t random = 1;

	for (unsigned i = 0; i < 20000; i++) {
		write_any(&random);
		for (unsigned n = 0; n < 8; n++, tried++) {
			struct eh_row row;

			found += find(draw(&random) % 0x1000, n % 2, &row);
			image.table = TABLE;
		}
	}
	cr_expect_gt(found, tried / 8, "%u of %u", found, tried);
	cr_expect_lt(found, tried, "%u of %u", found, tried);
}
