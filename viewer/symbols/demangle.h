/* SPDX-License-Identifier: MIT */
/*
 * Turns the names that compilers give to symbols into those of the source: C++ (Itanium), with its
 * clones and lambdas, and Rust (both manglings, without the hash). libiberty does the work.
 *
 * A name may come from a hostile file: time and memory are bounded. For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_SYMBOLS_DEMANGLE_H
#define LSATRACE_VIEWER_SYMBOLS_DEMANGLE_H

#include <stdbool.h>

struct buffer;

/* Does a symbol look mangled? */
bool demangle_applies(const char *symbol);

/* Returns the name of a symbol in the source, to be freed; NULL if the symbol is not mangled. */
char *demangle(const char *linkage_name);

/* Appends a name in which each list of template arguments is "<...>". */
void demangle_leave_out_arguments(struct buffer *b, const char *name);

/*
 * Appends a name for people, as plain text: each list of template arguments becomes "<...>", and what
 * is longer than 200 characters is cut.
 */
void demangle_shorten(struct buffer *b, const char *name);

#endif
