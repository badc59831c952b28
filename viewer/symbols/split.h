/* SPDX-License-Identifier: MIT */
/*
 * Split debug information that libdw does not find by itself (up to elfutils 0.190): that of units in
 * a package of them, BINARY.dwp, and in objects (-gsplit-dwarf=single).
 *
 * A unit gets an ELF file of its own in memory, which is what libdw would read from its .dwo file: the
 * sections of the package, each from where the unit's part begins. The package is not copied: it is
 * mapped behind a header that is made here. With it go the tables of addresses, which the binary has.
 *
 *   | ELF header, section headers, addresses | BINARY.dwp, mapped privately |
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_SYMBOLS_SPLIT_H
#define LSATRACE_VIEWER_SYMBOLS_SPLIT_H

#include <elfutils/libdw.h>
#include <stdbool.h>

struct split;

struct buffer;

/*
 * Finds the split unit of a skeleton: in the package of the binary with this path, or else in the file
 * that the skeleton names. Returns it, or NULL; then `gap` gets what is missing, in words for "its debug
 * information %s", as plain text.
 */
struct split *split_open(Dwarf_Die *skeleton, const char *binary, struct buffer *gap);
/* Accepts NULL. */
void split_close(struct split *s);

/* The unit with the functions, until split_close(). */
Dwarf_Die split_unit(const struct split *s);

#endif
