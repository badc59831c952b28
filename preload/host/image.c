/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <string.h>

#include "preload/host/image.h"

#include "preload/base/poison.h"

enum { VERSION_HIDDEN = 0x8000 }; /* of an older version than the default one */

/* The loader makes addresses of most objects' entries, but not of those it cannot write to. */
static const void *pointer_of(const struct link_map *map, const ElfW(Dyn) * d)
{
	return (const void *)(d->d_un.d_ptr < map->l_addr ? d->d_un.d_ptr + map->l_addr
							  : d->d_un.d_ptr);
}

static void take(struct image *image, const ElfW(Dyn) * d)
{
	const struct link_map *map = image->map;

	switch (d->d_tag) {
	case DT_SYMTAB:
		image->symbols = pointer_of(map, d);
		break;
	case DT_STRTAB:
		image->strings = pointer_of(map, d);
		break;
	case DT_GNU_HASH:
		image->hash = pointer_of(map, d);
		break;
	case DT_VERSYM:
		image->versions = pointer_of(map, d);
		break;
	case DT_RELA:
		image->places[0].all = pointer_of(map, d);
		break;
	case DT_RELASZ:
		image->places[0].count = d->d_un.d_val / sizeof(ElfW(Rela));
		break;
	case DT_JMPREL:
		image->places[1].all = pointer_of(map, d);
		break;
	case DT_PLTRELSZ:
		image->places[1].count = d->d_un.d_val / sizeof(ElfW(Rela));
		break;
	default:
		break;
	}
}

bool image_read(struct image *image, const struct link_map *map)
{
	*image = (struct image){ .map = map };
	if (!map->l_ld)
		return false;
	for (const ElfW(Dyn) *d = map->l_ld; d->d_tag != DT_NULL; d++)
		take(image, d);
	if (!image->symbols || !image->strings)
		return false;
	for (const ElfW(Dyn) *d = map->l_ld; d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_SONAME)
			image->soname = image->strings + d->d_un.d_val;
	return true;
}

static uint32_t hash_of(const char *name)
{
	uint32_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (unsigned char)*name;
	return hash;
}

bool image_is_name(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static bool is_named(const struct image *image, uint32_t number, const char *name)
{
	const ElfW(Sym) *symbol = &image->symbols[number];

	return symbol->st_shndx != SHN_UNDEF &&
	       !(image->versions && image->versions[number] & VERSION_HIDDEN) &&
	       image_is_name(image->strings + symbol->st_name, name);
}

/* The table of DT_GNU_HASH: four words, a filter that is passed over, buckets, chains. */
const ElfW(Sym) * image_find(const struct image *image, const char *name)
{
	const uint32_t *h = image->hash, *buckets, *chain;
	uint32_t hash = hash_of(name), number;

	if (!h || h[0] == 0)
		return NULL;
	buckets = h + 4 + h[2] * (sizeof(ElfW(Addr)) / sizeof(*h));
	chain = buckets + h[0] - h[1];
	number = buckets[hash % h[0]];
	for (; number >= h[1]; number++) {
		if ((chain[number] | 1) == (hash | 1) && is_named(image, number, name))
			return &image->symbols[number];
		if (chain[number] & 1)
			break;
	}
	return NULL;
}

void *image_address(const struct image *image, const ElfW(Sym) * symbol)
{
	return (void *)(image->map->l_addr + symbol->st_value);
}

const ElfW(Phdr) * image_headers(uintptr_t start, size_t readable, size_t *count)
{
	const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)start;

	if (readable < sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_phentsize != sizeof(ElfW(Phdr)) || header->e_phoff > readable ||
	    header->e_phnum > (readable - header->e_phoff) / sizeof(ElfW(Phdr)))
		return NULL;
	*count = header->e_phnum;
	return (const ElfW(Phdr) *)(start + header->e_phoff);
}

bool image_is_c_library(const struct image *image)
{
	return image->soname && (image_is_name(image->soname, "libc.so.6") ||
				 image_is_name(image->soname, "libdl.so.2"));
}

const struct link_map *image_at(const void *address, uintptr_t *start, uintptr_t *end)
{
	struct dl_find_object found;

	if (_dl_find_object((void *)(uintptr_t)address, &found) != 0)
		return NULL;
	if (start)
		*start = (uintptr_t)found.dlfo_map_start;
	if (end)
		*end = (uintptr_t)found.dlfo_map_end;
	return found.dlfo_link_map;
}
