/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "preload/host/maps.h"
#include "preload/host/pe_image.h"

#include "preload/base/poison.h"

enum {
	MACHINE_AMD64 = 0x8664,
	MAGIC_64 = 0x20b,
	DEBUG_CODEVIEW = 2,
	DEBUG_ENTRIES_MOST = 64,
};

/* Offsets in the file header, which begins with "PE\0\0", and in the optional header behind it. */
enum {
	FILE_MACHINE = 4,
	FILE_STAMP = 8,
	FILE_OPTIONAL_BYTES = 20,
	FILE_BYTES = 24,
	OPTIONAL_IMAGE_BYTES = 56,
	OPTIONAL_CHECK_SUM = 64,
	OPTIONAL_DIRECTORIES = 108, /* how many follow */
	OPTIONAL_BYTES = 112,
};

enum directory { DIRECTORY_EXPORTS = 0, DIRECTORY_FUNCTIONS = 3, DIRECTORY_DEBUG = 6 };

static uint32_t word_at(const uint8_t *at)
{
	return *(const pe_word *)at;
}

static uint16_t half_at(const uint8_t *at)
{
	return *(const pe_half *)at;
}

const void *pe_image_at(const struct pe_image *image, uint32_t rva, uint64_t bytes)
{
	const void *at = (const void *)(uintptr_t)(image->base + rva);

	return rva < image->bytes && bytes <= image->bytes - rva && maps_can_read(at, bytes) ? at
											     : NULL;
}

/* The file header, with the optional header and directories behind it; NULL: it makes no sense. */
static const uint8_t *find_headers(const struct pe_image *image)
{
	const uint8_t *dos = pe_image_at(image, 0, 64), *file;
	uint32_t at;

	if (!dos || memcmp(dos, "MZ", 2) != 0)
		return NULL;
	at = word_at(dos + 60);
	file = pe_image_at(image, at, FILE_BYTES + OPTIONAL_BYTES);
	if (!file || memcmp(file, "PE\0", 4) != 0 || half_at(file + FILE_MACHINE) != MACHINE_AMD64 ||
	    half_at(file + FILE_BYTES) != MAGIC_64 ||
	    half_at(file + FILE_OPTIONAL_BYTES) < OPTIONAL_BYTES)
		return NULL;
	return pe_image_at(image, at, FILE_BYTES + (uint64_t)half_at(file + FILE_OPTIONAL_BYTES))
		       ? file
		       : NULL;
}

static struct pe_part find_part(const struct pe_image *image, const uint8_t *file,
				enum directory number)
{
	const uint8_t *optional = file + FILE_BYTES, *entry = optional + OPTIONAL_BYTES + 8 * number;
	uint32_t room = (half_at(file + FILE_OPTIONAL_BYTES) - OPTIONAL_BYTES) / 8u;
	struct pe_part part = { 0 };

	if (number >= room || number >= word_at(optional + OPTIONAL_DIRECTORIES))
		return part;
	part = (struct pe_part){ word_at(entry), word_at(entry + 4) };
	if (part.rva >= image->bytes || part.bytes > image->bytes - part.rva)
		part = (struct pe_part){ 0 };
	return part;
}

/* What the first CodeView record says of the file's PDB: "RSDS", its GUID, its age. */
static void read_pdb(const struct pe_image *image, struct pe_part debug, struct trace_pe_id *id)
{
	for (uint32_t i = 0; i < debug.bytes / 28 && i < DEBUG_ENTRIES_MOST; i++) {
		const uint8_t *entry = pe_image_at(image, debug.rva + 28 * i, 28), *record;

		if (!entry || word_at(entry + 12) != DEBUG_CODEVIEW || word_at(entry + 16) < 24)
			continue;
		record = pe_image_at(image, word_at(entry + 20), 24);
		if (!record || memcmp(record, "RSDS", 4) != 0)
			continue;
		memcpy(id->pdb_guid, record + 4, sizeof(id->pdb_guid));
		id->pdb_age = word_at(record + 20);
		return;
	}
}

bool pe_image_read(uint64_t base, uint64_t bytes_most, struct pe_image *image)
{
	const uint8_t *file;
	uint32_t bytes;

	*image = (struct pe_image){
		.base = base,
		.bytes = bytes_most < UINT32_MAX ? (uint32_t)bytes_most : UINT32_MAX,
	};
	file = find_headers(image);
	if (!file)
		return false;
	bytes = word_at(file + FILE_BYTES + OPTIONAL_IMAGE_BYTES);
	if (bytes > image->bytes || bytes == 0)
		return false;
	image->bytes = bytes;
	image->exports = find_part(image, file, DIRECTORY_EXPORTS);
	image->functions = find_part(image, file, DIRECTORY_FUNCTIONS);
	image->id.stamp = word_at(file + FILE_STAMP);
	image->id.image_size = bytes;
	image->id.check_sum = word_at(file + FILE_BYTES + OPTIONAL_CHECK_SUM);
	read_pdb(image, find_part(image, file, DIRECTORY_DEBUG), &image->id);
	return true;
}

static int lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

bool pe_image_is_named(const struct pe_image *image, const char *name)
{
	const uint8_t *directory = pe_image_at(image, image->exports.rva, 40);
	size_t bytes = strlen(name) + 1;
	const char *own;

	if (image->exports.bytes < 40 || !directory)
		return false;
	own = pe_image_at(image, word_at(directory + 12), bytes);
	for (size_t i = 0; own && i < bytes; i++)
		if (lower(own[i]) != lower(name[i]))
			return false;
	return own != NULL;
}

bool pe_image_exports(const struct pe_image *image, struct pe_exports *exports)
{
	const uint8_t *directory = pe_image_at(image, image->exports.rva, 40);

	if (image->exports.bytes < 40 || !directory)
		return false;
	*exports = (struct pe_exports){
		.image = image,
		.function_count = word_at(directory + 20),
		.name_count = word_at(directory + 24),
	};
	exports->functions =
		pe_image_at(image, word_at(directory + 28), 4 * (uint64_t)exports->function_count);
	exports->names =
		pe_image_at(image, word_at(directory + 32), 4 * (uint64_t)exports->name_count);
	exports->ordinals =
		pe_image_at(image, word_at(directory + 36), 2 * (uint64_t)exports->name_count);
	return exports->name_count && exports->functions && exports->names && exports->ordinals &&
	       /* Most names lie here. Of those that do, the kernel need not be asked one by one. */
	       pe_image_at(image, image->exports.rva, image->exports.bytes);
}

static bool is_inside(struct pe_part part, uint32_t rva, uint64_t bytes)
{
	return rva >= part.rva && rva - part.rva < part.bytes &&
	       bytes <= part.bytes - (rva - part.rva);
}

static bool is_name(const struct pe_exports *exports, uint32_t rva, const char *name, size_t bytes)
{
	const struct pe_image *image = exports->image;
	const char *at = is_inside(image->exports, rva, bytes)
				 ? (const char *)(uintptr_t)(image->base + rva)
				 : pe_image_at(image, rva, bytes);

	return at && at[0] == name[0] && memcmp(at, name, bytes) == 0;
}

/* From end to end: a linker sorts names, but Windows also finds one that is not in order by its hint. */
pe_word *pe_exports_find(const struct pe_exports *exports, const char *name)
{
	size_t bytes = strlen(name) + 1;

	for (uint32_t i = 0; i < exports->name_count; i++) {
		const pe_word *function;

		if (!is_name(exports, exports->names[i], name, bytes))
			continue;
		if (exports->ordinals[i] >= exports->function_count)
			return NULL;
		function = &exports->functions[exports->ordinals[i]];
		return *function && *function < exports->image->bytes &&
				       !is_inside(exports->image->exports, *function, 1)
			       ? (pe_word *)(uintptr_t)function
			       : NULL;
	}
	return NULL;
}
