/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload/base/kernel.h"
#include "preload/host/elf_image.h"
#include "preload/host/maps.h"
#include "preload/host/symtab.h"

#include "preload/base/poison.h"

enum { BLOCK = 32, HEAD_BYTES = 4096, PATH_BYTES = 4096, NAME_BYTES = 256 };

struct wanted {
	const char *name;
	size_t name_bytes; /* with the zero at its end */
	size_t bytes_least;
};

/* The image in memory, and its file. */
struct image_file {
	const struct link_map *map;
	uintptr_t start, end;
	int fd;
};

/* A symbol table, and where the names of its symbols are. */
struct table {
	ElfW(Shdr) symbols;
	ElfW(Shdr) strings;
};

static bool read_at(int fd, uint64_t at, void *to, size_t bytes)
{
	return kernel_pread(fd, to, bytes, (off_t)at) == (ssize_t)bytes;
}

static bool is_variable(const ElfW(Sym) * s, const struct wanted *w)
{
	return ELF64_ST_TYPE(s->st_info) == STT_OBJECT && s->st_shndx != SHN_UNDEF &&
	       s->st_size >= w->bytes_least;
}

/* Accepts a symbol only if it lies inside the image. */
static bool take(const ElfW(Sym) * s, const struct image_file *f, struct symbol *symbol)
{
	uintptr_t address = f->map->l_addr + s->st_value;

	if (address < f->start || address >= f->end || s->st_size > f->end - address)
		return false;
	*symbol = (struct symbol){ (void *)address, s->st_size };
	return true;
}

static bool has_name(const ElfW(Sym) * s, const struct image_file *f, const struct table *t,
		     const struct wanted *w)
{
	char name[NAME_BYTES];

	return s->st_name < t->strings.sh_size &&
	       read_at(f->fd, t->strings.sh_offset + s->st_name, name, w->name_bytes) &&
	       memcmp(name, w->name, w->name_bytes) == 0;
}

/* Symbols of the table from one number to another. A table that is longer than the file ends
 * there. */
static bool search(const struct image_file *f, const struct table *t, const struct wanted *w,
		   uint64_t from, uint64_t to, struct symbol *symbol)
{
	ElfW(Sym) block[BLOCK];

	for (; from < to; from += BLOCK) {
		size_t count = to - from < BLOCK ? to - from : BLOCK;

		if (!read_at(f->fd, t->symbols.sh_offset + from * sizeof(*block), block,
			     count * sizeof(*block)))
			return false;
		for (size_t i = 0; i < count; i++)
			if (is_variable(&block[i], w) && has_name(&block[i], f, t, w) &&
			    take(&block[i], f, symbol))
				return true;
	}
	return false;
}

/* Local symbols come first in a table; sh_info is how many. */
static bool search_table(const struct image_file *f, const struct table *t, const struct wanted *w,
			 struct symbol *symbol)
{
	uint64_t count = t->symbols.sh_size / sizeof(ElfW(Sym));
	uint64_t locals = t->symbols.sh_info < count ? t->symbols.sh_info : count;

	return search(f, t, w, locals, count, symbol) || search(f, t, w, 0, locals, symbol);
}

static bool find_table(const struct image_file *f, const ElfW(Ehdr) * header, struct table *t)
{
	if (header->e_shentsize != sizeof(ElfW(Shdr)))
		return false;
	for (uint64_t i = 0; i < header->e_shnum; i++) {
		if (!read_at(f->fd, header->e_shoff + i * sizeof(t->symbols), &t->symbols,
			     sizeof(t->symbols)))
			return false;
		if (t->symbols.sh_type == SHT_SYMTAB)
			return t->symbols.sh_link < header->e_shnum &&
			       read_at(f->fd,
				       header->e_shoff + t->symbols.sh_link * sizeof(t->strings),
				       &t->strings, sizeof(t->strings));
	}
	return false;
}

/* Is the file still the one that is mapped? It may have been replaced since: their beginnings are compared. */
static bool is_loaded_file(const struct image_file *f, ElfW(Ehdr) * header)
{
	static char head[HEAD_BYTES]; /* under the loader's lock, and stacks may be small */
	size_t mapped = maps_readable((const void *)f->start, sizeof(head));
	ssize_t bytes = kernel_pread(f->fd, head, mapped, 0);

	if (bytes < (ssize_t)sizeof(*header) || memcmp(head, (const void *)f->start, (size_t)bytes))
		return false;
	memcpy(header, head, sizeof(*header));
	return memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
	       header->e_ident[EI_CLASS] == ELFCLASS64;
}

static bool find_in_file(struct image_file *f, const struct wanted *w, struct symbol *symbol)
{
	static char path[PATH_BYTES + 1];
	size_t bytes = maps_path(f->start, path, PATH_BYTES);
	struct table table;
	ElfW(Ehdr) header;
	bool found;

	if (bytes == 0)
		return false;
	path[bytes] = '\0';
	f->fd = kernel_open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
	if (f->fd < 0)
		return false;
	found = is_loaded_file(f, &header) && find_table(f, &header, &table) &&
		search_table(f, &table, w, symbol);
	kernel_close(f->fd);
	return found;
}

bool symtab_find(const struct link_map *map, const char *name, size_t bytes_least,
		 struct symbol *symbol)
{
	struct wanted w = { name, strlen(name) + 1, bytes_least };
	struct image_file f = { .map = map };
	const ElfW(Sym) * exported;
	struct elf_dynamic dynamic;
	struct elf_image image;

	if (w.name_bytes > NAME_BYTES || !elf_image_at(map->l_ld, &image))
		return false;
	f.start = image.start;
	f.end = image.end;
	exported = elf_image_read(&dynamic, map) ? elf_image_find(&dynamic, name) : NULL;
	return (exported && is_variable(exported, &w) && take(exported, &f, symbol)) ||
	       find_in_file(&f, &w, symbol);
}
