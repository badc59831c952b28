/* SPDX-License-Identifier: MIT */
#include "viewer/pe/pe_dwarf.h"

#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "viewer/base/memory.h"
#include "viewer/pe/pe_file.h"

#define SECTIONS_MOST 32

struct pe_dwarf {
	struct pe_section section[SECTIONS_MOST];
	unsigned sections;
	char *image;
	size_t image_bytes;
	Elf *elf;
	Dwarf *dwarf;
};

static bool find_sections(struct pe_dwarf *d, const struct pe_file *f)
{
	struct pe_section section;
	bool has_info = false;

	for (unsigned i = 0; pe_file_section(f, i, &section) && d->sections < SECTIONS_MOST; i++) {
		if (strncmp(section.name, ".debug_", 7) != 0 || section.file_bytes == 0)
			continue;
		has_info |= strcmp(section.name, ".debug_info") == 0;
		d->section[d->sections++] = section;
	}
	return has_info;
}

/* Writes the header, and returns how many bytes it has. `image` NULL: only measures it. */
static size_t write_header(const struct pe_dwarf *d, char *image, size_t file)
{
	unsigned count = d->sections + 2; /* the first is empty, the last has the names */
	size_t at = sizeof(Elf64_Ehdr) + count * sizeof(Elf64_Shdr), names = at + 1;
	Elf64_Ehdr elf = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
					EV_CURRENT },
			   .e_type = ET_EXEC,
			   .e_machine = EM_X86_64,
			   .e_version = EV_CURRENT,
			   .e_shoff = sizeof(Elf64_Ehdr),
			   .e_ehsize = sizeof(Elf64_Ehdr),
			   .e_shentsize = sizeof(Elf64_Shdr),
			   .e_shnum = (Elf64_Half)count,
			   .e_shstrndx = (Elf64_Half)(count - 1) };
	Elf64_Shdr header[SECTIONS_MOST + 2] = { 0 };

	for (unsigned i = 0; i < d->sections; i++) {
		const struct pe_section *section = &d->section[i];

		header[i + 1] = (Elf64_Shdr){ .sh_name = (Elf64_Word)(names - at),
					      .sh_type = SHT_PROGBITS,
					      .sh_offset = file + section->offset,
					      .sh_size = section->file_bytes,
					      .sh_addralign = 1 };
		if (image)
			strcpy(image + names, section->name);
		names += strlen(section->name) + 1;
	}
	header[count - 1] = (Elf64_Shdr){
		.sh_type = SHT_STRTAB, .sh_offset = at, .sh_size = names - at, .sh_addralign = 1
	};
	if (image) {
		memcpy(image, &elf, sizeof(elf));
		memcpy(image + sizeof(elf), header, count * sizeof(*header));
	}
	return names;
}

static const struct pe_section *find_section(const struct pe_dwarf *d, const char *name)
{
	for (unsigned i = 0; i < d->sections; i++)
		if (strcmp(d->section[i].name, name) == 0)
			return &d->section[i];
	return NULL;
}

/*
 * Where DWARF 5 of clang 16 and older refers to .debug_line_str, it asks the linker for an address, and not for an
 * offset: cut to 32 bits, that lies far behind the section. libdw reads no lines of such a unit.
 */
static void mend_line_strings(struct pe_dwarf *d, char *file, uint64_t base)
{
	const struct pe_section *lines = find_section(d, ".debug_line");
	const struct pe_section *strings = find_section(d, ".debug_line_str");
	size_t left, unit_bytes, header_bytes;
	unsigned char *at;

	if (!lines || !strings)
		return;
	at = (unsigned char *)file + lines->offset;
	/* A unit: 4 bytes of length, 2 of version, 2, 4 of the header's length, the header. */
	for (left = lines->file_bytes; left > 12; left -= unit_bytes, at += unit_bytes) {
		unit_bytes = pe_read_32(at) + (size_t)4;
		header_bytes = pe_read_32(at + 8);
		if (unit_bytes < 12 || unit_bytes > left || header_bytes > unit_bytes - 12)
			return;
		for (size_t i = 12; pe_read_16(at + 4) == 5 && i + 4 <= 12 + header_bytes; i++) {
			uint32_t offset = pe_read_32(at + i);
			uint32_t mended = offset - (uint32_t)(base + strings->rva);

			if (offset >= strings->file_bytes && mended < strings->file_bytes)
				memcpy(at + i, &mended, sizeof(mended));
		}
	}
}

/* The file may be another one by now, and a shorter one: then there is none. */
static bool map_image(struct pe_dwarf *d, const struct pe_file *f, const char *path)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t header = (write_header(d, NULL, 0) + page - 1) / page * page;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool is_mapped = false;
	struct stat status;
	size_t file_bytes;

	pe_file_bytes(f, &file_bytes);
	d->image_bytes = header + file_bytes;
	d->image = mmap(NULL, d->image_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	if (d->image != MAP_FAILED && fd >= 0 && fstat(fd, &status) == 0 &&
	    S_ISREG(status.st_mode) && (uint64_t)status.st_size == file_bytes)
		is_mapped = mmap(d->image + header, file_bytes, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_FIXED, fd, 0) != MAP_FAILED;
	if (fd >= 0)
		close(fd);
	if (is_mapped) {
		write_header(d, d->image, header);
		mend_line_strings(d, d->image + header, pe_file_base(f));
	}
	return is_mapped;
}

struct pe_dwarf *pe_dwarf_open(const struct pe_file *f, const char *path)
{
	struct pe_dwarf *d = memory_new(1, sizeof(*d));

	d->image = MAP_FAILED;
	if (find_sections(d, f) && map_image(d, f, path)) {
		elf_version(EV_CURRENT);
		d->elf = elf_memory(d->image, d->image_bytes);
		d->dwarf = d->elf ? dwarf_begin_elf(d->elf, DWARF_C_READ, NULL) : NULL;
	}
	if (d->dwarf)
		return d;
	pe_dwarf_close(d);
	return NULL;
}

void pe_dwarf_close(struct pe_dwarf *d)
{
	if (!d)
		return;
	if (d->dwarf)
		dwarf_end(d->dwarf);
	if (d->elf)
		elf_end(d->elf);
	if (d->image != MAP_FAILED)
		munmap(d->image, d->image_bytes);
	free(d);
}

Dwarf *pe_dwarf_get(const struct pe_dwarf *d)
{
	return d->dwarf;
}
