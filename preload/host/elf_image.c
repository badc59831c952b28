/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <string.h>

#include "preload/host/elf_image.h"

#include "preload/base/poison.h"

enum {
	VERSION_HIDDEN = 0x8000, /* of an older version than the default one */
	FIRST_PAGE = 4096,       /* of an image: it is always mapped */
};

bool elf_image_at(const void *address, struct elf_image *image)
{
	struct dl_find_object found;

	if (_dl_find_object((void *)(uintptr_t)address, &found) != 0)
		return false;
	*image = (struct elf_image){
		.map = found.dlfo_link_map,
		.start = (uintptr_t)found.dlfo_map_start,
		.end = (uintptr_t)found.dlfo_map_end,
		.eh_frame_hdr = found.dlfo_eh_frame,
	};
	return true;
}

const struct link_map *elf_image_map_at(const void *address)
{
	struct elf_image image;

	return elf_image_at(address, &image) ? image.map : NULL;
}

bool elf_image_is_own(const void *address)
{
	const struct link_map *map = elf_image_map_at(address);

	return map && map == elf_image_map_at((const void *)&elf_image_is_own);
}

const struct link_map *elf_image_first(void)
{
	const struct link_map *map = elf_image_map_at((const void *)&elf_image_first);

	while (map && map->l_prev)
		map = map->l_prev;
	return map;
}

const ElfW(Phdr) * elf_image_headers(uintptr_t start, size_t readable, size_t *count)
{
	const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)start;

	if (readable < sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_phentsize != sizeof(ElfW(Phdr)) || header->e_phoff > readable ||
	    header->e_phnum > (readable - header->e_phoff) / sizeof(ElfW(Phdr)))
		return NULL;
	*count = header->e_phnum;
	return (const ElfW(Phdr) *)(start + header->e_phoff);
}

/* The build id among the notes of one segment; NULL: not there. */
static const ElfW(Nhdr) * find_build_id(const char *note, const char *end)
{
	while (note + sizeof(ElfW(Nhdr)) <= end) {
		const ElfW(Nhdr) *n = (const ElfW(Nhdr) *)note;
		const char *name = note + sizeof(*n);

		note = name + ((n->n_namesz + 3u) & ~3u) + ((n->n_descsz + 3u) & ~3u);
		if (note > end)
			return NULL;
		if (n->n_type == NT_GNU_BUILD_ID && n->n_namesz == 4 && memcmp(name, "GNU", 4) == 0)
			return n;
	}
	return NULL;
}

/* Notes lie in segments of their own, but within a loaded one that can be read. */
static bool is_loaded(const ElfW(Phdr) * headers, size_t count, const ElfW(Phdr) * note)
{
	for (size_t i = 0; i < count; i++)
		if (headers[i].p_type == PT_LOAD && headers[i].p_flags & PF_R &&
		    note->p_vaddr >= headers[i].p_vaddr &&
		    note->p_vaddr - headers[i].p_vaddr <= headers[i].p_filesz &&
		    note->p_memsz <= headers[i].p_filesz - (note->p_vaddr - headers[i].p_vaddr))
			return true;
	return false;
}

size_t elf_image_build_id(const struct elf_image *image, void *id, size_t most, const void **at)
{
	size_t count = 0;
	const ElfW(Phdr) *p = elf_image_headers(image->start, FIRST_PAGE, &count);

	for (size_t i = 0; i < count; i++) {
		const char *start = (const char *)(image->map->l_addr + p[i].p_vaddr);
		const ElfW(Nhdr) * note;
		size_t bytes;

		if (p[i].p_type != PT_NOTE || !is_loaded(p, count, &p[i]))
			continue;
		note = find_build_id(start, start + p[i].p_memsz);
		if (!note)
			continue;
		bytes = note->n_descsz < most ? note->n_descsz : most;
		*at = (const char *)(note + 1) + 4;
		memcpy(id, *at, bytes);
		return bytes;
	}
	return 0;
}

bool elf_image_describe(const struct elf_image *image, struct dl_phdr_info *info)
{
	size_t count = 0;
	const ElfW(Phdr) *headers = elf_image_headers(image->start, FIRST_PAGE, &count);

	if (!headers)
		return false;
	*info = (struct dl_phdr_info){
		.dlpi_addr = image->map->l_addr,
		.dlpi_name = image->map->l_name,
		.dlpi_phdr = headers,
		.dlpi_phnum = (ElfW(Half))count,
	};
	return true;
}

/* The loader makes addresses of most images' entries, but not of those that it cannot write to. */
static const void *pointer_of(const struct link_map *map, const ElfW(Dyn) * d)
{
	return (const void *)(d->d_un.d_ptr < map->l_addr ? d->d_un.d_ptr + map->l_addr
							  : d->d_un.d_ptr);
}

bool elf_image_read(struct elf_dynamic *dynamic, const struct link_map *map)
{
	const ElfW(Dyn) *soname = NULL;

	*dynamic = (struct elf_dynamic){ .map = map };
	if (!map->l_ld)
		return false;
	for (const ElfW(Dyn) *d = map->l_ld; d->d_tag != DT_NULL; d++)
		switch (d->d_tag) {
		case DT_SYMTAB:
			dynamic->symbols = pointer_of(map, d);
			break;
		case DT_STRTAB:
			dynamic->strings = pointer_of(map, d);
			break;
		case DT_GNU_HASH:
			dynamic->hash = pointer_of(map, d);
			break;
		case DT_VERSYM:
			dynamic->versions = pointer_of(map, d);
			break;
		case DT_RELA:
			dynamic->relocations[0].all = pointer_of(map, d);
			break;
		case DT_RELASZ:
			dynamic->relocations[0].count = d->d_un.d_val / sizeof(ElfW(Rela));
			break;
		case DT_JMPREL:
			dynamic->relocations[1].all = pointer_of(map, d);
			break;
		case DT_PLTRELSZ:
			dynamic->relocations[1].count = d->d_un.d_val / sizeof(ElfW(Rela));
			break;
		case DT_SONAME:
			soname = d;
			break;
		default:
			break;
		}
	if (!dynamic->symbols || !dynamic->strings)
		return false;
	if (soname)
		dynamic->soname = dynamic->strings + soname->d_un.d_val;
	return true;
}

static uint32_t hash_of(const char *name)
{
	uint32_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (unsigned char)*name;
	return hash;
}

bool elf_image_is_name(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static bool is_symbol(const struct elf_dynamic *dynamic, uint32_t number, const char *name)
{
	const ElfW(Sym) *symbol = &dynamic->symbols[number];

	return symbol->st_shndx != SHN_UNDEF &&
	       !(dynamic->versions && dynamic->versions[number] & VERSION_HIDDEN) &&
	       elf_image_is_name(dynamic->strings + symbol->st_name, name);
}

/* The table of DT_GNU_HASH: four words, a filter that is passed over, buckets, chains. */
const ElfW(Sym) * elf_image_find(const struct elf_dynamic *dynamic, const char *name)
{
	const uint32_t *h = dynamic->hash, *buckets, *chain;
	uint32_t hash = hash_of(name), number;

	if (!h || h[0] == 0)
		return NULL;
	buckets = h + 4 + h[2] * (sizeof(ElfW(Addr)) / sizeof(*h));
	chain = buckets + h[0] - h[1];
	number = buckets[hash % h[0]];
	for (; number >= h[1]; number++) {
		if ((chain[number] | 1) == (hash | 1) && is_symbol(dynamic, number, name))
			return &dynamic->symbols[number];
		if (chain[number] & 1)
			break;
	}
	return NULL;
}

void *elf_image_address(const struct elf_dynamic *dynamic, const ElfW(Sym) * symbol)
{
	return (void *)(dynamic->map->l_addr + symbol->st_value);
}

bool elf_image_import(const struct elf_dynamic *dynamic, const ElfW(Rela) * relocation,
		      struct elf_import *import)
{
	const ElfW(Sym) *symbol = &dynamic->symbols[ELF64_R_SYM(relocation->r_info)];
	uint64_t type = ELF64_R_TYPE(relocation->r_info);

	if ((type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT && type != R_X86_64_64) ||
	    symbol->st_shndx != SHN_UNDEF || relocation->r_addend != 0)
		return false;
	import->name = dynamic->strings + symbol->st_name;
	import->at = (void **)(dynamic->map->l_addr + relocation->r_offset);
	import->may_be_lazy = type == R_X86_64_JUMP_SLOT;
	return true;
}

bool elf_image_any_defines(const char *name)
{
	struct elf_dynamic dynamic;

	for (const struct link_map *map = elf_image_first(); map; map = map->l_next)
		if (elf_image_read(&dynamic, map) && elf_image_find(&dynamic, name))
			return true;
	return false;
}

bool elf_image_is_c_library(const struct elf_dynamic *dynamic)
{
	return dynamic->soname && (elf_image_is_name(dynamic->soname, "libc.so.6") ||
				   elf_image_is_name(dynamic->soname, "libdl.so.2"));
}
