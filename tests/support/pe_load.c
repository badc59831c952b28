/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pe_load.h"

/* Offsets in the headers. */
enum {
	DOS_PE = 60,
	PE_SECTIONS = 6,
	PE_OPTIONAL_BYTES = 20,
	PE_OPTIONAL = 24,
	OPTIONAL_BASE = 24,
	OPTIONAL_IMAGE_BYTES = 56,
	OPTIONAL_HEADERS_BYTES = 60,
	OPTIONAL_DIRECTORIES = 112,
	SECTION_BYTES = 40,
	DIRECTORY_EXPORTS = 0,
	DIRECTORY_RELOCATIONS = 5,
	RELOCATION_64 = 10,
};

static uint32_t word(const void *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static uint16_t half(const void *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static uint8_t *pe_header(uint8_t *image)
{
	return image + word(image + DOS_PE);
}

/* What a directory leads to, and how long that is. */
static uint8_t *find_directory(const struct pe_loaded *l, unsigned number, uint32_t *bytes)
{
	const uint8_t *row = pe_header(l->base) + PE_OPTIONAL + OPTIONAL_DIRECTORIES + 8 * number;

	*bytes = word(row + 4);
	return l->base + word(row);
}

static void copy_sections(uint8_t *base, uint8_t *file)
{
	uint8_t *pe = pe_header(file);
	uint8_t *section = pe + PE_OPTIONAL + half(pe + PE_OPTIONAL_BYTES);

	memcpy(base, file, word(pe + PE_OPTIONAL + OPTIONAL_HEADERS_BYTES));
	for (unsigned i = half(pe + PE_SECTIONS); i > 0; i--, section += SECTION_BYTES) {
		uint32_t bytes = word(section + 8), in_file = word(section + 16);

		memcpy(base + word(section + 12), file + word(section + 20),
		       bytes < in_file ? bytes : in_file);
	}
}

static void relocate(const struct pe_loaded *l, uint64_t distance)
{
	uint32_t left, bytes;
	uint8_t *block = find_directory(l, DIRECTORY_RELOCATIONS, &left);

	for (; left > 0; left -= bytes, block += bytes) {
		bytes = word(block + 4);
		for (uint32_t at = 8; at < bytes; at += 2) {
			uint8_t *place = l->base + word(block) + (half(block + at) & 0xfff);
			uint64_t value;

			if (half(block + at) >> 12 != RELOCATION_64)
				continue;
			memcpy(&value, place, sizeof(value));
			value += distance;
			memcpy(place, &value, sizeof(value));
		}
	}
}

static void load_file(struct pe_loaded *l, uint8_t *file)
{
	uint8_t *optional = pe_header(file) + PE_OPTIONAL;
	uint64_t wanted;

	memcpy(&wanted, optional + OPTIONAL_BASE, sizeof(wanted));
	l->bytes = word(optional + OPTIONAL_IMAGE_BYTES);
	l->base = mmap(NULL, l->bytes, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (l->base == MAP_FAILED) {
		l->base = NULL;
		return;
	}
	copy_sections(l->base, file);
	relocate(l, (uint64_t)(uintptr_t)l->base - wanted);
}

struct pe_loaded pe_load(const char *path)
{
	struct pe_loaded loaded = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t bytes = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	uint8_t *file = MAP_FAILED;

	if (bytes > 0)
		file = mmap(NULL, (size_t)bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		close(fd);
	if (file == MAP_FAILED)
		return loaded;
	load_file(&loaded, file);
	munmap(file, (size_t)bytes);
	return loaded;
}

void *pe_load_find(const struct pe_loaded *l, const char *name)
{
	uint32_t bytes;
	const uint8_t *exports = find_directory(l, DIRECTORY_EXPORTS, &bytes);
	const uint8_t *functions = l->base + word(exports + 28),
		      *names = l->base + word(exports + 32),
		      *ordinals = l->base + word(exports + 36);

	for (uint32_t i = 0; i < word(exports + 24); i++)
		if (strcmp((const char *)l->base + word(names + 4 * i), name) == 0)
			return l->base + word(functions + 4 * half(ordinals + 2 * i));
	return NULL;
}

void pe_unload(struct pe_loaded *l)
{
	if (l->base)
		munmap(l->base, l->bytes);
	*l = (struct pe_loaded){ 0 };
}
