/* SPDX-License-Identifier: MIT */
#include "viewer/symbols/split.h"

#include <dwarf.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"

#define PARTS_MOST 16

/* A section of the file in memory. */
struct part {
	const char *name;
	uint32_t old_id,
		new_id; /* in the index of a package of DWARF 4, and 5; 0: it is not cut up */
	uint64_t start, bytes; /* in the package, or in `data` */
	const void *data;      /* NULL: it lies in the package */
};

/* ".debug_addr.dwo" and ".debug_ranges.dwo" are made up: libdw takes no other sections beside. */
static const struct part known_parts[] = {
	{ ".debug_info.dwo", 1, 1, 0, 0, NULL },     { ".debug_abbrev.dwo", 3, 3, 0, 0, NULL },
	{ ".debug_line.dwo", 4, 4, 0, 0, NULL },     { ".debug_str_offsets.dwo", 6, 6, 0, 0, NULL },
	{ ".debug_rnglists.dwo", 0, 8, 0, 0, NULL }, { ".debug_str.dwo", 0, 0, 0, 0, NULL },
	{ ".debug_addr.dwo", 0, 0, 0, 0, NULL },     { ".debug_ranges.dwo", 0, 0, 0, 0, NULL },
};

#define PARTS (sizeof(known_parts) / sizeof(*known_parts))
#define PART_ADDRESSES (PARTS - 2)
#define PART_RANGES (PARTS - 1)

struct split {
	struct part part[PARTS];
	char *image;
	size_t image_bytes;
	Elf *elf;
	Dwarf *dwarf;
	Dwarf_Die unit;
};

static uint32_t read_word(const Elf_Data *data, uint64_t at)
{
	uint32_t word = 0;

	if (at <= data->d_size && data->d_size - at >= sizeof(word))
		memcpy(&word, (const char *)data->d_buf + at, sizeof(word));
	return word;
}

/* Returns the row of a unit in the index of a package, from 1; 0: there is none. */
static uint32_t find_row(const Elf_Data *index, uint64_t id, uint32_t slots)
{
	uint32_t slot = (uint32_t)id & (slots - 1), step = (uint32_t)(id >> 32) & (slots - 1);

	for (uint32_t i = 0; i < slots; i++, slot = (slot + (step | 1)) & (slots - 1)) {
		uint64_t at = 16 + (uint64_t)slot * 8;
		uint32_t row = read_word(index, 16 + (uint64_t)slots * 8 + (uint64_t)slot * 4);

		if (row == 0)
			return 0;
		if (read_word(index, at) == (uint32_t)id && read_word(index, at + 4) == id >> 32)
			return row;
	}
	return 0;
}

/* Cuts each part to what the unit has of it. */
static bool cut_parts(struct split *s, const Elf_Data *index, uint64_t id)
{
	uint32_t columns = read_word(index, 4), units = read_word(index, 8),
		 slots = read_word(index, 12);
	bool is_new = (read_word(index, 0) & 0xffff) == 5;
	uint64_t table = 16 + (uint64_t)slots * 12, row;

	if (slots == 0 || (slots & (slots - 1)) || slots > index->d_size / 12 ||
	    columns > PARTS_MOST)
		return false;
	row = find_row(index, id, slots);
	if (row == 0 || row > units)
		return false;
	for (uint32_t i = 0; i < columns; i++) {
		uint32_t name = read_word(index, table + (uint64_t)i * 4);
		uint32_t start = read_word(index, table + (row * columns + i) * 4);
		uint32_t bytes = read_word(index, table + ((units + row) * columns + i) * 4);

		for (size_t j = 0; name && j < PARTS; j++) {
			struct part *part = &s->part[j];

			if (name != (is_new ? part->new_id : part->old_id))
				continue;
			if (start > part->bytes || bytes > part->bytes - start)
				return false;
			part->start += start;
			part->bytes = bytes;
		}
	}
	return true;
}

/* Finds the sections of a file, and in a package the parts of the unit. */
static bool find_parts(struct split *s, Elf *file, uint64_t id)
{
	Elf_Data *index = NULL;
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t names;

	if (elf_getshdrstrndx(file, &names) != 0)
		return false;
	memcpy(s->part, known_parts, sizeof(known_parts));
	while ((section = elf_nextscn(file, section)) != NULL) {
		const char *name = gelf_getshdr(section, &header)
					   ? elf_strptr(file, names, header.sh_name)
					   : NULL;

		if (!name || (header.sh_flags & SHF_COMPRESSED))
			continue;
		if (strcmp(name, ".debug_cu_index") == 0)
			index = elf_rawdata(section, NULL);
		for (size_t i = 0; i < PART_ADDRESSES; i++) {
			if (strcmp(name, s->part[i].name) != 0)
				continue;
			s->part[i].start = header.sh_offset;
			s->part[i].bytes = header.sh_size;
		}
	}
	return s->part[0].bytes && (!index || cut_parts(s, index, id));
}

/* Takes a section of the binary from where the skeleton says that its part begins. */
static void take_table(struct part *part, Dwarf_Die *skeleton, const char *section_name,
		       const unsigned *attributes)
{
	Elf *elf = dwarf_getelf(dwarf_cu_getdwarf(skeleton->cu));
	Dwarf_Attribute attribute;
	Elf_Scn *section = NULL;
	Dwarf_Word base = 0;
	GElf_Shdr header;
	size_t names;

	for (; *attributes; attributes++)
		if (dwarf_formudata(dwarf_attr(skeleton, *attributes, &attribute), &base) == 0)
			break;
	if (!elf || elf_getshdrstrndx(elf, &names) != 0)
		return;
	while ((section = elf_nextscn(elf, section)) != NULL) {
		const char *name = gelf_getshdr(section, &header)
					   ? elf_strptr(elf, names, header.sh_name)
					   : NULL;
		Elf_Data *data;

		if (!name || strcmp(name, section_name) != 0)
			continue;
		data = elf_rawdata(section, NULL);
		if (data && base < data->d_size) {
			part->data = (const char *)data->d_buf + base;
			part->bytes = data->d_size - base;
		}
	}
}

/* Writes the header, and returns how many bytes it has. `image` NULL: only measures it. */
static size_t write_header(const struct split *s, char *image, size_t package)
{
	size_t at = sizeof(Elf64_Ehdr) + (PARTS + 2) * sizeof(Elf64_Shdr), names = at + 1;
	Elf64_Ehdr file = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
					 ELFDATA2LSB, EV_CURRENT },
			    .e_type = ET_REL,
			    .e_machine = EM_X86_64,
			    .e_version = EV_CURRENT,
			    .e_shoff = sizeof(Elf64_Ehdr),
			    .e_ehsize = sizeof(Elf64_Ehdr),
			    .e_shentsize = sizeof(Elf64_Shdr),
			    .e_shnum = PARTS + 2,
			    .e_shstrndx = PARTS + 1 };
	Elf64_Shdr header[PARTS + 2] = { 0 };

	for (size_t i = 0; i < PARTS; i++) {
		header[i + 1] = (Elf64_Shdr){ .sh_name = (Elf64_Word)(names - at),
					      .sh_type = SHT_PROGBITS,
					      .sh_offset = package + s->part[i].start,
					      .sh_size = s->part[i].bytes,
					      .sh_addralign = 1 };
		if (image)
			strcpy(image + names, s->part[i].name);
		names += strlen(s->part[i].name) + 1;
	}
	header[PARTS + 1] = (Elf64_Shdr){
		.sh_type = SHT_STRTAB, .sh_offset = at, .sh_size = names - at, .sh_addralign = 1
	};
	for (size_t i = PART_ADDRESSES; i < PARTS; i++) {
		names = (names + 7) & ~(size_t)7;
		header[i + 1].sh_offset = names;
		if (image && s->part[i].bytes)
			memcpy(image + names, s->part[i].data, s->part[i].bytes);
		names += s->part[i].bytes;
	}
	if (image) {
		memcpy(image, &file, sizeof(file));
		memcpy(image + sizeof(file), header, sizeof(header));
	}
	return names;
}

static bool map_image(struct split *s, int fd, uint64_t package_bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t header = (write_header(s, NULL, 0) + page - 1) / page * page;

	s->image_bytes = header + package_bytes;
	s->image = mmap(NULL, s->image_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	if (s->image == MAP_FAILED || mmap(s->image + header, package_bytes, PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED)
		return false;
	write_header(s, s->image, header);
	return true;
}

static bool open_image(struct split *s)
{
	Dwarf_CU *cu = NULL;
	uint8_t type;

	s->elf = elf_memory(s->image, s->image_bytes);
	s->dwarf = s->elf ? dwarf_begin_elf(s->elf, DWARF_C_READ, NULL) : NULL;
	while (s->dwarf && dwarf_get_units(s->dwarf, cu, &cu, NULL, &type, &s->unit, NULL) == 0)
		if (type == DW_UT_split_compile)
			return true;
	return false;
}

static struct split *open_file(const char *path, Dwarf_Die *skeleton, uint64_t id)
{
	static const unsigned addresses[] = { DW_AT_addr_base, DW_AT_GNU_addr_base, 0 };
	static const unsigned ranges[] = { DW_AT_GNU_ranges_base, 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct split *s = memory_new(1, sizeof(*s));
	struct stat status;
	bool is_good = false;
	Elf *file = NULL;

	s->image = MAP_FAILED;
	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		file = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (file && gelf_getclass(file) == ELFCLASS64 && find_parts(s, file, id)) {
		take_table(&s->part[PART_ADDRESSES], skeleton, ".debug_addr", addresses);
		take_table(&s->part[PART_RANGES], skeleton, ".debug_ranges", ranges);
		is_good = map_image(s, fd, (uint64_t)status.st_size) && open_image(s);
	}
	if (file)
		elf_end(file);
	if (fd >= 0)
		close(fd);
	if (is_good)
		return s;
	split_close(s);
	return NULL;
}

static const char *find_text(Dwarf_Die *die, unsigned name, unsigned older_name)
{
	Dwarf_Attribute memory, *attribute = dwarf_attr(die, name, &memory);

	return dwarf_formstring(attribute ? attribute : dwarf_attr(die, older_name, &memory));
}

/* The path of the file that the skeleton names. */
static void write_path(struct buffer *path, Dwarf_Die *skeleton, const char *name)
{
	const char *folder = find_text(skeleton, DW_AT_comp_dir, DW_AT_comp_dir);

	if (*name != '/' && folder) {
		buffer_text(path, folder);
		buffer_text(path, "/");
	}
	buffer_text(path, name);
}

struct split *split_open(Dwarf_Die *skeleton, const char *binary, struct buffer *gap)
{
	const char *name = find_text(skeleton, DW_AT_dwo_name, DW_AT_GNU_dwo_name);
	struct buffer package = { 0 }, path = { 0 };
	struct split *s;
	uint64_t id;

	if (!name || dwarf_cu_info(skeleton->cu, NULL, NULL, NULL, NULL, &id, NULL, NULL) != 0)
		return NULL;
	buffer_text(&package, binary);
	buffer_text(&package, ".dwp");
	write_path(&path, skeleton, name);
	s = open_file(package.data, skeleton, id);
	if (!s)
		s = open_file(path.data, skeleton, id);
	if (!s) {
		buffer_text(gap,
			    "is split, so inlined functions are missing: they are neither in ");
		buffer_plain(gap, path.data);
		buffer_text(gap, " nor in ");
		buffer_plain(gap, package.data);
	}
	buffer_release(&package);
	buffer_release(&path);
	return s;
}

void split_close(struct split *s)
{
	if (!s)
		return;
	if (s->dwarf)
		dwarf_end(s->dwarf);
	if (s->elf)
		elf_end(s->elf);
	if (s->image != MAP_FAILED)
		munmap(s->image, s->image_bytes);
	free(s);
}

Dwarf_Die split_unit(const struct split *s)
{
	return s->unit;
}
