/* SPDX-License-Identifier: MIT */
/* What the headers of a PE image say, of images that are as they should be, and of hostile ones. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <criterion/criterion.h>

#include "preload/host/pe_image.h"

enum {
	IMAGE_BYTES = 0x4000,
	FILE_AT = 0x80,
	OPTIONAL_AT = FILE_AT + 24,
	DIRECTORY_AT = OPTIONAL_AT + 112,
	EXPORTS_AT = 0x1000,
	DEBUG_AT = 0x2000,
	RECORD_AT = 0x2100,
	FUNCTION_RVA = 0x3000,
};

static uint8_t *image;
static struct pe_image read;

static void put_word(uint32_t at, uint32_t word)
{
	memcpy(image + at, &word, sizeof(word));
}

static void put_half(uint32_t at, uint16_t half)
{
	memcpy(image + at, &half, sizeof(half));
}

static void put_directory(unsigned number, uint32_t rva, uint32_t bytes)
{
	put_word(DIRECTORY_AT + 8 * number, rva);
	put_word(DIRECTORY_AT + 8 * number + 4, bytes);
}

static void put_headers(void)
{
	memcpy(image, "MZ", 2);
	put_word(60, FILE_AT);
	memcpy(image + FILE_AT, "PE\0", 4);
	put_half(FILE_AT + 4, 0x8664);
	put_word(FILE_AT + 8, 0x5eed);
	put_half(FILE_AT + 20, 240);
	put_half(OPTIONAL_AT, 0x20b);
	put_word(OPTIONAL_AT + 56, IMAGE_BYTES);
	put_word(OPTIONAL_AT + 64, 0xc5c5);
	put_word(OPTIONAL_AT + 108, 16);
}

/* Three functions, of which two have names: "One" is the third, "Two" the first. */
static void put_exports(void)
{
	put_directory(0, EXPORTS_AT, 0x200);
	put_word(EXPORTS_AT + 20, 3);
	put_word(EXPORTS_AT + 24, 2);
	put_word(EXPORTS_AT + 28, EXPORTS_AT + 0x41);
	put_word(EXPORTS_AT + 32, EXPORTS_AT + 0x61);
	put_word(EXPORTS_AT + 36, EXPORTS_AT + 0x81);
	for (uint32_t i = 0; i < 3; i++)
		put_word(EXPORTS_AT + 0x41 + 4 * i, FUNCTION_RVA + i);
	put_word(EXPORTS_AT + 0x61, EXPORTS_AT + 0xa0);
	put_word(EXPORTS_AT + 0x65, EXPORTS_AT + 0xb0);
	put_half(EXPORTS_AT + 0x81, 2);
	put_half(EXPORTS_AT + 0x83, 0);
	strcpy((char *)image + EXPORTS_AT + 0xa0, "One");
	strcpy((char *)image + EXPORTS_AT + 0xb0, "Two");
}

static void put_debug(void)
{
	put_directory(6, DEBUG_AT, 56);
	put_word(DEBUG_AT + 12, 13);
	put_word(DEBUG_AT + 28 + 12, 2);
	put_word(DEBUG_AT + 28 + 16, 30);
	put_word(DEBUG_AT + 28 + 20, RECORD_AT);
	memcpy(image + RECORD_AT, "RSDS", 4);
	memset(image + RECORD_AT + 4, 0x77, 16);
	put_word(RECORD_AT + 20, 3);
}

/* Behind it nothing is mapped. */
static void make_image(void)
{
	char *all = mmap(NULL, IMAGE_BYTES + 0x1000, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(all, MAP_FAILED);
	munmap(all + IMAGE_BYTES, 0x1000);
	image = (uint8_t *)all;
	put_headers();
	put_exports();
	put_directory(3, FUNCTION_RVA, 36);
	put_debug();
}

static bool read_image(void)
{
	return pe_image_read((uintptr_t)image, IMAGE_BYTES, &read);
}

static pe_word *find(const char *name)
{
	struct pe_exports exports;

	return read_image() && pe_image_exports(&read, &exports) ? pe_exports_find(&exports, name)
								 : NULL;
}

TestSuite(pe_image, .init = make_image);

Test(pe_image, headers_say_what_the_image_is)
{
	cr_assert(read_image());
	cr_expect_eq(read.base, (uintptr_t)image);
	cr_expect_eq(read.bytes, IMAGE_BYTES);
	cr_expect_eq(read.functions.rva, FUNCTION_RVA);
	cr_expect_eq(read.functions.bytes, 36);
	cr_expect_eq(read.id.stamp, 0x5eed);
	cr_expect_eq(read.id.image_size, IMAGE_BYTES);
	cr_expect_eq(read.id.check_sum, 0xc5c5);
	cr_expect_eq(read.id.pdb_guid[0], 0x77);
	cr_expect_eq(read.id.pdb_guid[15], 0x77);
	cr_expect_eq(read.id.pdb_age, 3);
}

Test(pe_image, an_image_without_a_pdb_has_no_guid)
{
	put_directory(6, 0, 0);
	cr_assert(read_image());
	cr_expect_eq(read.id.pdb_guid[0], 0);
	cr_expect_eq(read.id.pdb_age, 0);
}

Test(pe_image, what_is_no_image_of_x86_64_is_none)
{
	image[0] = 'X';
	cr_expect_not(read_image());
	image[0] = 'M';
	image[FILE_AT + 2] = 1;
	cr_expect_not(read_image());
	image[FILE_AT + 2] = 0;
	put_half(FILE_AT + 4, 0x14c);
	cr_expect_not(read_image());
	put_half(FILE_AT + 4, 0x8664);
	put_half(OPTIONAL_AT, 0x10b);
	cr_expect_not(read_image());
	put_half(OPTIONAL_AT, 0x20b);
	put_half(FILE_AT + 20, 64);
	cr_expect_not(read_image());
}

Test(pe_image, headers_that_lead_out_of_the_image_are_not_followed)
{
	uint32_t at[] = { IMAGE_BYTES - 8, IMAGE_BYTES - 140, IMAGE_BYTES, 0x7fffffff, UINT32_MAX };

	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
		put_word(60, at[i]);
		cr_expect_not(read_image(), "%#x", at[i]);
	}
	put_word(60, FILE_AT);
	put_half(FILE_AT + 20, 0xffff);
	cr_expect_not(read_image());
}

Test(pe_image, an_image_that_says_it_is_longer_than_what_is_mapped_is_none)
{
	put_word(OPTIONAL_AT + 56, IMAGE_BYTES + 1);
	cr_expect_not(read_image());
	put_word(OPTIONAL_AT + 56, 0);
	cr_expect_not(read_image());
}

Test(pe_image, memory_that_cannot_be_read_is_no_image)
{
	cr_expect_not(pe_image_read((uintptr_t)image + IMAGE_BYTES, 0x1000, &read));
	mprotect(image, 0x1000, PROT_NONE);
	cr_expect_not(read_image());
	cr_expect_not(pe_image_read(0, 0x1000, &read));
}

Test(pe_image, directories_that_do_not_lie_in_the_image_are_none)
{
	put_directory(3, IMAGE_BYTES - 8, 12);
	cr_assert(read_image());
	cr_expect_eq(read.functions.bytes, 0);
	put_directory(3, 0xfffffff0, 0x20);
	cr_assert(read_image());
	cr_expect_eq(read.functions.bytes, 0);
	put_directory(3, FUNCTION_RVA, 12);
	put_word(OPTIONAL_AT + 108, 3);
	cr_assert(read_image());
	cr_expect_eq(read.functions.bytes, 0);
}

Test(pe_image, exports_are_found_by_name_at_any_alignment)
{
	pe_word *one = find("One"), *two = find("Two");

	cr_assert_not_null(one);
	cr_assert_not_null(two);
	cr_expect_eq((uint8_t *)one - image, EXPORTS_AT + 0x41 + 8);
	cr_expect_eq(*one, FUNCTION_RVA + 2);
	cr_expect_eq((uint8_t *)two - image, EXPORTS_AT + 0x41);
	cr_expect_null(find("On"));
	cr_expect_null(find("Ones"));
}

Test(pe_image, an_image_names_itself_among_its_exports)
{
	put_word(EXPORTS_AT + 12, EXPORTS_AT + 0xc0);
	strcpy((char *)image + EXPORTS_AT + 0xc0, "Secur32.DLL");
	cr_assert(read_image());
	cr_expect(pe_image_is_named(&read, "secur32.dll"));
	cr_expect_not(pe_image_is_named(&read, "secur3"));
	cr_expect_not(pe_image_is_named(&read, "secur32.dlls"));
	put_word(EXPORTS_AT + 12, IMAGE_BYTES - 3);
	cr_expect_not(pe_image_is_named(&read, "secur32.dll"));
	put_directory(0, 0, 0);
	cr_assert(read_image());
	cr_expect_not(pe_image_is_named(&read, "secur32.dll"));
}

Test(pe_image, a_forwarder_and_what_lies_elsewhere_are_left_alone)
{
	pe_word *one = find("One");

	*one = EXPORTS_AT + 0x100;
	cr_expect_null(find("One"));
	*one = IMAGE_BYTES;
	cr_expect_null(find("One"));
	*one = 0;
	cr_expect_null(find("One"));
}

Test(pe_image, hostile_tables_of_exports_are_not_followed)
{
	static const uint32_t fields[] = { 20, 24, 28, 32, 36 };
	static const uint32_t values[] = { 0,          IMAGE_BYTES - 1, IMAGE_BYTES,
					   0x40000000, 0x80000000,      UINT32_MAX };

	for (size_t f = 0; f < sizeof(fields) / sizeof(*fields); f++)
		for (size_t v = 0; v < sizeof(values) / sizeof(*values); v++) {
			put_exports();
			put_word(EXPORTS_AT + fields[f], values[v]);
			cr_expect_null(find("One"), "%u: %#x", fields[f], values[v]);
		}
	put_exports();
	put_half(EXPORTS_AT + 0x81, 3);
	cr_expect_null(find("One"));
}

Test(pe_image, names_that_lie_at_the_end_or_nowhere_are_compared_with_care)
{
	memcpy(image + IMAGE_BYTES - 3, "One", 3);
	put_word(EXPORTS_AT + 0x61, IMAGE_BYTES - 3);
	cr_expect_null(find("One"));
	put_word(EXPORTS_AT + 0x61, UINT32_MAX);
	cr_expect_null(find("One"));
	cr_expect_not_null(find("Two"));
	memcpy(image + IMAGE_BYTES - 4, "One", 4);
	put_word(EXPORTS_AT + 0x61, IMAGE_BYTES - 4);
	cr_expect_not_null(find("One"));
}

Test(pe_image, a_damaged_image_is_read_without_a_fault)
{
	uint8_t intact[IMAGE_BYTES];

	memcpy(intact, image, sizeof(intact));
	srand(1);
	for (int round = 0; round < 20000; round++) {
		memcpy(image, intact, sizeof(intact));
		for (int i = 0; i < 4; i++) {
			static const uint32_t areas[] = { 0,           FILE_AT,
							  OPTIONAL_AT, DIRECTORY_AT,
							  EXPORTS_AT,  DEBUG_AT };
			uint32_t area = areas[rand() % 6];

			image[area + (uint32_t)rand() % 160] = (uint8_t)rand();
		}
		find("One");
	}
}
