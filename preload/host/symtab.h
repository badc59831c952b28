/* SPDX-License-Identifier: MIT */
/*
 * A variable of a loaded object by its name: in its dynamic symbol table, or, if it is not
 * exported, in the symbol table of its file. A file may be anything, and is read piece by piece:
 * what makes no sense is no symbol, and a file that is not the one that is loaded has none.
 *
 * Under the loader's lock (loaded.h).
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

/* Of at least so many bytes. Of several in the file, a global one is preferred. False: there is
 * none. */
bool symtab_find(const struct link_map *map, const char *name, size_t bytes_least,
		 struct symbol *symbol);

#endif
