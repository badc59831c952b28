/* SPDX-License-Identifier: MIT */
#include "viewer/pe/pe_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "viewer/base/memory.h"

#define SECTIONS_MOST 512 /* Windows takes 96 */
#define SECTION_BYTES 40
#define SYMBOL_BYTES 18
#define MACHINE_AMD64 0x8664
#define MAGIC_64 0x20b
#define SECTION_IS_CODE 0x20000000 /* it is executable */
#define DEBUG_CODEVIEW 2

struct pe_file {
	const unsigned char *bytes;
	size_t size;
	size_t coff;     /* header, in the file */
	size_t optional; /* header, in the file */
	size_t directories_at;
	uint32_t directories;
	struct pe_section *section;
	unsigned sections;
	uint32_t symbols_at, symbols;
	size_t texts_at, texts_bytes;
};

uint16_t pe_read_16(const unsigned char *at)
{
	uint16_t number;

	memcpy(&number, at, sizeof(number));
	return number;
}

uint32_t pe_read_32(const unsigned char *at)
{
	uint32_t number;

	memcpy(&number, at, sizeof(number));
	return number;
}

static bool has(const struct pe_file *f, uint64_t at, uint64_t bytes)
{
	return at <= f->size && bytes <= f->size - at;
}

static bool map_file(struct pe_file *f, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	void *bytes = MAP_FAILED;

	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
		bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		close(fd);
	if (bytes == MAP_FAILED)
		return false;
	f->bytes = bytes;
	f->size = (size_t)status.st_size;
	return true;
}

const char *pe_file_text(const struct pe_file *f, uint32_t at)
{
	const unsigned char *text = f->bytes + f->texts_at + at;

	if (at < 4 || at >= f->texts_bytes || !memchr(text, '\0', f->texts_bytes - at))
		return NULL;
	return (const char *)text;
}

static void find_symbols(struct pe_file *f)
{
	uint32_t at = pe_read_32(f->bytes + f->coff + 8);
	uint32_t count = pe_read_32(f->bytes + f->coff + 12);
	uint64_t end = (uint64_t)at + (uint64_t)count * SYMBOL_BYTES;

	if (at == 0 || !has(f, at, end - at))
		return;
	f->symbols_at = at;
	f->symbols = count;
	if (!has(f, end, 4))
		return;
	f->texts_at = end;
	f->texts_bytes = pe_read_32(f->bytes + end);
	if (f->texts_bytes > f->size - end)
		f->texts_bytes = f->size - end;
}

/* "/123" is the text at 123 of the table. */
static void set_name(const struct pe_file *f, struct pe_section *section, const unsigned char *name)
{
	char digits[8] = "";
	const char *text;

	memcpy(section->name, name, 8);
	if (name[0] != '/')
		return;
	memcpy(digits, name + 1, 7);
	text = pe_file_text(f, (uint32_t)strtoul(digits, NULL, 10));
	if (text)
		memcpy(section->name, text, strnlen(text, sizeof(section->name) - 1) + 1);
	section->name[sizeof(section->name) - 1] = '\0';
}

static void add_section(struct pe_file *f, const unsigned char *header)
{
	struct pe_section *section = &f->section[f->sections];

	section->image_bytes = pe_read_32(header + 8);
	section->rva = pe_read_32(header + 12);
	section->file_bytes = pe_read_32(header + 16);
	section->offset = pe_read_32(header + 20);
	section->is_code = pe_read_32(header + 36) & SECTION_IS_CODE;
	if (section->image_bytes == 0)
		section->image_bytes = section->file_bytes;
	/* What is in the file and not in memory is padding. */
	if (section->file_bytes > section->image_bytes)
		section->file_bytes = section->image_bytes;
	if (!has(f, section->offset, section->file_bytes))
		section->offset = section->file_bytes = 0;
	set_name(f, section, header);
	f->sections++;
}

static bool read_headers(struct pe_file *f)
{
	uint16_t count, optional_bytes;
	size_t at;

	if (!has(f, 0, 64) || memcmp(f->bytes, "MZ", 2) != 0)
		return false;
	at = pe_read_32(f->bytes + 60);
	if (!has(f, at, 24 + 112) || memcmp(f->bytes + at, "PE\0", 4) != 0)
		return false;
	f->coff = at + 4;
	f->optional = f->coff + 20;
	optional_bytes = pe_read_16(f->bytes + f->coff + 16);
	if (pe_read_16(f->bytes + f->coff) != MACHINE_AMD64 ||
	    pe_read_16(f->bytes + f->optional) != MAGIC_64 || optional_bytes < 112 ||
	    !has(f, f->optional, optional_bytes))
		return false;
	f->directories_at = f->optional + 112;
	f->directories = pe_read_32(f->bytes + f->optional + 108);
	if (f->directories > (optional_bytes - 112u) / 8)
		f->directories = (optional_bytes - 112u) / 8;
	find_symbols(f);
	count = pe_read_16(f->bytes + f->coff + 2);
	f->section = memory_new(SECTIONS_MOST, sizeof(*f->section));
	at = f->optional + optional_bytes;
	for (; f->sections < count && f->sections < SECTIONS_MOST && has(f, at, SECTION_BYTES);
	     at += SECTION_BYTES)
		add_section(f, f->bytes + at);
	return true;
}

struct pe_file *pe_file_open(const char *path)
{
	struct pe_file *f = memory_new(1, sizeof(*f));

	if (map_file(f, path) && read_headers(f))
		return f;
	pe_file_close(f);
	return NULL;
}

void pe_file_close(struct pe_file *f)
{
	if (!f)
		return;
	if (f->bytes)
		munmap((void *)f->bytes, f->size);
	free(f->section);
	free(f);
}

uint64_t pe_file_base(const struct pe_file *f)
{
	uint64_t base;

	memcpy(&base, f->bytes + f->optional + 24, sizeof(base));
	return base;
}

const unsigned char *pe_file_bytes(const struct pe_file *f, size_t *size)
{
	*size = f->size;
	return f->bytes;
}

bool pe_file_is_of_wine(const struct pe_file *f)
{
	static const char mark[] = "Wine builtin DLL"; /* behind the DOS header */

	return has(f, 64, sizeof(mark)) && memcmp(f->bytes + 64, mark, sizeof(mark)) == 0;
}

bool pe_file_section(const struct pe_file *f, unsigned i, struct pe_section *section)
{
	if (i >= f->sections)
		return false;
	*section = f->section[i];
	return true;
}

const unsigned char *pe_file_at(const struct pe_file *f, uint32_t rva, size_t *bytes)
{
	*bytes = 0;
	for (unsigned i = 0; i < f->sections; i++) {
		const struct pe_section *section = &f->section[i];

		if (rva < section->rva || rva - section->rva >= section->file_bytes)
			continue;
		*bytes = section->file_bytes - (rva - section->rva);
		return f->bytes + section->offset + (rva - section->rva);
	}
	return NULL;
}

void pe_file_directory(const struct pe_file *f, enum pe_directory which, uint32_t *rva,
		       uint32_t *bytes)
{
	bool is_there = which < f->directories;

	*rva = is_there ? pe_read_32(f->bytes + f->directories_at + which * 8) : 0;
	*bytes = is_there ? pe_read_32(f->bytes + f->directories_at + which * 8 + 4) : 0;
}

const unsigned char *pe_file_symbols(const struct pe_file *f, uint32_t *count)
{
	*count = f->symbols;
	return f->bytes + f->symbols_at;
}

/* Returns the CodeView record ("RSDS", GUID, age, path), at least 24 bytes, and sets *bytes; or NULL. */
static const unsigned char *find_codeview(const struct pe_file *f, size_t *bytes)
{
	const unsigned char *entry, *record;
	uint32_t rva, directory_bytes, record_bytes;
	size_t left, room;

	pe_file_directory(f, PE_DEBUG, &rva, &directory_bytes);
	entry = pe_file_at(f, rva, &left);
	for (left = left < directory_bytes ? left : directory_bytes; left >= 28;
	     left -= 28, entry += 28) {
		if (pe_read_32(entry + 12) != DEBUG_CODEVIEW)
			continue;
		record_bytes = pe_read_32(entry + 16);
		record = pe_file_at(f, pe_read_32(entry + 20), &room);
		*bytes = room < record_bytes ? room : record_bytes;
		if (*bytes >= 24 && memcmp(record, "RSDS", 4) == 0)
			return record;
	}
	return NULL;
}

void pe_file_identify(const struct pe_file *f, struct trace_pe_id *id)
{
	size_t bytes;
	const unsigned char *record = find_codeview(f, &bytes);

	memset(id, 0, sizeof(*id));
	id->stamp = pe_read_32(f->bytes + f->coff + 4);
	id->image_size = pe_read_32(f->bytes + f->optional + 56);
	id->check_sum = pe_read_32(f->bytes + f->optional + 64);
	if (record) {
		memcpy(id->pdb_guid, record + 4, sizeof(id->pdb_guid));
		id->pdb_age = pe_read_32(record + 20);
	}
}

bool pe_file_is_same(const struct trace_pe_id *one, const struct trace_pe_id *other)
{
	static const uint8_t none[sizeof(one->pdb_guid)];

	if (one->pdb_age != other->pdb_age ||
	    memcmp(one->pdb_guid, other->pdb_guid, sizeof(none)) != 0)
		return false;
	/* What strips a file gives it another stamp. */
	if (memcmp(one->pdb_guid, none, sizeof(none)) != 0)
		return true;
	return one->stamp == other->stamp && one->image_size == other->image_size &&
	       one->check_sum == other->check_sum;
}

const char *pe_file_pdb(const struct pe_file *f)
{
	size_t bytes;
	const unsigned char *record = find_codeview(f, &bytes);
	const unsigned char *path = record ? record + 24 : NULL;
	size_t length = record ? strnlen((const char *)path, bytes - 24) : 0;

	/* With -Wl,--build-id, GNU ld writes the record without a path. */
	return length && length < bytes - 24 && length < PE_TEXT_MOST ? (const char *)path : NULL;
}

const char *pe_file_debug_link(const struct pe_file *f, uint32_t *crc)
{
	for (unsigned i = 0; i < f->sections; i++) {
		const struct pe_section *section = &f->section[i];
		const char *name = (const char *)f->bytes + section->offset;
		size_t length, at;

		if (strcmp(section->name, ".gnu_debuglink") != 0)
			continue;
		length = strnlen(name, section->file_bytes);
		at = (length + 4) & ~(size_t)3;
		if (length == 0 || memchr(name, '/', length) || at > section->file_bytes ||
		    section->file_bytes - at < 4)
			return NULL;
		*crc = pe_read_32(f->bytes + section->offset + at);
		return name;
	}
	return NULL;
}
