/* SPDX-License-Identifier: MIT */
/*
 * Finds a variable of a loaded image by its name: in the dynamic symbol table, or, if it is not
 * exported, in the symbol table of the file. The file may hold anything. It is read piece by piece,
 * and entries that make no sense are passed over. If the file is no longer the one that was loaded,
 * nothing is found in it.
 *
 * The caller holds the loader's lock (ways_in/link_maps.h).
 */
#ifndef LSATRACE_PRELOAD_HOST_SYMTAB_H
#define LSATRACE_PRELOAD_HOST_SYMTAB_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>

struct symbol {
	void *address;
	size_t bytes;
};

/* Finds a symbol of at least `bytes_least` bytes. If the file has several, a global one is preferred.
 * Returns false if there is none. */
bool symtab_find(const struct link_map *map, const char *name, size_t bytes_least,
		 struct symbol *symbol);

#endif
