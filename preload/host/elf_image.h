/* SPDX-License-Identifier: MIT */
/*
 * Loaded ELF files, called images: the executable, the libraries, the vdso. The one place that
 * answers which image holds an address, and the one that reads an image's headers and its dynamic
 * section (its names, the symbols that it exports, the places that the loader fills in), as the
 * loader left them in memory.
 *
 * No lock, no allocation, no system call; all namespaces of dlmopen() alike.
 *
 * The memory of an image is read in place, so the image has to stay loaded meanwhile. It does when
 * - it is on the stack of the calling thread: that thread will return into it; or the caller was just
 *   given a function in it, or is about to call one; or
 * - the calling thread holds the loader's lock (link_maps.h).
 * elf_image_at() alone may be asked for any address at any time, for it reads no image. What it
 * says of an image that may be unloaded meanwhile may be compared, but its `map` may not be
 * followed.
 */
#ifndef LSATRACE_PRELOAD_HOST_ELF_IMAGE_H
#define LSATRACE_PRELOAD_HOST_ELF_IMAGE_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where an image lies. */
struct elf_image {
	const struct link_map *map; /* the loader's description of it */
	uintptr_t start, end;       /* all of its segments lie here */
	const void *eh_frame_hdr;   /* its table of call frame information; NULL: it has none */
};

/* Finds the image that holds an address. Returns false if none does, or if that one is still being
 * loaded: an image is known from the time when it has been relocated, before its constructors
 * run. */
bool elf_image_at(const void *address, struct elf_image *image);

/* The same for those who need only the loader's description; NULL: no image. */
const struct link_map *elf_image_map_at(const void *address);

/* Does an address lie in the image of the tracer itself? */
bool elf_image_is_own(const void *address);

/* The first image of the tracer's namespace: the executable. Those after it follow by l_next. */
const struct link_map *elf_image_first(void);

/* The program headers of an image that begins at `start` with `readable` readable bytes. NULL: they
 * do not lie there, as they do in nearly every image. */
const ElfW(Phdr) * elf_image_headers(uintptr_t start, size_t readable, size_t *count);

/* Finds the build id. Returns its bytes, at most `most`, which are copied to `id`, and sets `*at`
 * to where it lies in memory; 0: it has none. Segments that are mapped are read in place. */
size_t elf_image_build_id(const struct elf_image *image, void *id, size_t most, const void **at);

/* Fills in what dl_iterate_phdr() would tell of an image, but for the members from dlpi_adds on.
 * Returns false if the program headers are not in the first page. */
bool elf_image_describe(const struct elf_image *image, struct dl_phdr_info *info);

/* What the dynamic section of an image says. */
struct elf_dynamic {
	const struct link_map *map;
	const ElfW(Sym) * symbols; /* never NULL, as the next one */
	const char *strings;
	const ElfW(Half) * versions; /* of each symbol; NULL: they have none */
	const uint32_t *hash; /* DT_GNU_HASH; NULL: there is none, and no symbol can be found */
	const char *soname;   /* NULL: it has none */
	struct {
		const ElfW(Rela) * all;
		size_t count;
	} relocations[2]; /* of data, and of the procedure linkage table */
};

/* Returns false if the image has no symbols. */
bool elf_image_read(struct elf_dynamic *dynamic, const struct link_map *map);

/* The symbol that the image defines for others under a name, in the default version; NULL: none. */
const ElfW(Sym) * elf_image_find(const struct elf_dynamic *dynamic, const char *name);

/* The address of a symbol that the image defines. */
void *elf_image_address(const struct elf_dynamic *dynamic, const ElfW(Sym) * symbol);

/* A word in which the loader stores the address of a symbol that another image defines. */
struct elf_import {
	const char *name;
	void **at;
	bool may_be_lazy; /* it may be stored when it is first used */
};

/* What a relocation fills in. Returns false if that is no address of another image's symbol. */
bool elf_image_import(const struct elf_dynamic *dynamic, const ElfW(Rela) * relocation,
		      struct elf_import *import);

/* Does the program or a library that was loaded with it define such a symbol? At start-up. */
bool elf_image_any_defines(const char *name);

/* Is it the C library, or libdl, which once held dlsym()? */
bool elf_image_is_c_library(const struct elf_dynamic *dynamic);

/* Are two names equal? strcmp() may belong to a sanitizer in the host, which calls dlsym() before
 * its own strcmp() works. */
bool elf_image_is_name(const char *a, const char *b);

#endif
