/* SPDX-License-Identifier: MIT */
/*
 * Qualifies the names of functions by the namespaces, classes and functions around them. DWARF has
 * only the last part of a name, and the qualified one is in the symbol; but a compiler need not give
 * each function a symbol.
 *
 * libdw finds what is around an entry by a walk through its unit, from its beginning. Here each unit
 * is walked once, when a function in it is first asked for.
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_SYMBOLS_PARENTS_H
#define LSATRACE_VIEWER_SYMBOLS_PARENTS_H

#include <elfutils/libdw.h>

struct parents;

/* Never NULL. */
struct parents *parents_new(void);
/* Accepts NULL. */
void parents_free(struct parents *p);

/*
 * Returns the qualified name of a function, or of a call inlined into another; NULL if it has no name.
 * It is valid until parents_free().
 */
const char *parents_qualify(struct parents *p, Dwarf_Die *function);

#endif
