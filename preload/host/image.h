/* SPDX-License-Identifier: MIT */
/*
 * A loaded object as its dynamic section describes it: its names, the symbols that it exports, the
 * places that the loader filled in. Read in memory, as the loader trusted it.
 *
 * It must stay loaded meanwhile. No lock, no allocation.
 */
#ifndef LSATRACE_PRELOAD_HOST_IMAGE_H
#define LSATRACE_PRELOAD_HOST_IMAGE_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct image {
	const struct link_map *map;
	const ElfW(Sym) * symbols; /* never NULL once read, as the next one */
	const char *strings;
	const ElfW(Half) * versions; /* of each symbol; NULL: they have none */
	const uint32_t *hash; /* DT_GNU_HASH; NULL: there is none, and nothing can be found */
	const char *soname;   /* NULL: it has none */
	struct {
		const ElfW(Rela) * all;
		size_t count;
	} places[2]; /* that the loader fills in: of data, and of the procedure linkage table */
};

/* False: it has no symbols. */
bool image_read(struct image *image, const struct link_map *map);

/* What it defines for others under a name, in the default version; NULL: nothing. */
const ElfW(Sym) * image_find(const struct image *image, const char *name);

/* Are two names the same? strcmp() may be a sanitizer's, who asks before he has found the real one. */
bool image_is_name(const char *a, const char *b);

/* Where a symbol that it defines lies. */
void *image_address(const struct image *image, const ElfW(Sym) * symbol);

/* The program headers of an object that begins at an address with as many readable bytes, if they
 * follow on an ELF header there, as in most; NULL: not in this one. */
const ElfW(Phdr) * image_headers(uintptr_t start, size_t readable, size_t *count);

/* Is it the C library, or the part of it that once held dlsym()? */
bool image_is_c_library(const struct image *image);

/* The object that holds an address; NULL: none, or one that is still being loaded. `end`, if not NULL,
 * becomes where it ends. */
const struct link_map *image_at(const void *address, uintptr_t *start, uintptr_t *end);

#endif
