/* SPDX-License-Identifier: MIT */
/*
 * The functions and lines of a PDB, the debug information that Microsoft's tools write. LLVM's program
 * llvm-symbolizer reads it, if it is installed: it runs beside, one for each module, and answers one
 * question a line. One that does not answer within 10 seconds is ended, and not asked again.
 *
 * The newest one is taken. Before LLVM 15 it tells, of a function that is inlined, the line of the statement
 * that follows, of its callers too if they are inlined: then those places have no line.
 *
 * It is shown a folder of its own with links to both files, because it looks for the PDB beside the
 * module first, and does not check that both are of one build; that is done here.
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_SYMBOLS_PDB_H
#define LSATRACE_VIEWER_SYMBOLS_PDB_H

#include <stdint.h>

#include "viewer/symbols/place.h"

struct pdb;
struct pe_file;
struct places;

/*
 * Opens the PDB of a module with this path: where the linker has put it, beside the module, or in a
 * folder of the places. Returns NULL if the module names none. Otherwise, if it cannot be read,
 * pdb_obstacle() says why.
 */
struct pdb *pdb_open(const struct pe_file *f, const char *path, const struct places *places);
/* Accepts NULL. */
void pdb_close(struct pdb *p);

/* Returns what keeps it from being read, behind "its debug information"; NULL: nothing. */
const char *pdb_obstacle(const struct pdb *p);
/* The same of what was left out of the answers so far. */
const char *pdb_gap(const struct pdb *p);

/*
 * Fills in the places of an RVA, the innermost inlined function first, and returns how many; at most
 * `room`, which is at least 1. Returns 0 if nothing is known of it. Texts are valid until pdb_close().
 */
unsigned pdb_find(struct pdb *p, uint64_t rva, struct place *places, unsigned room);

#endif
