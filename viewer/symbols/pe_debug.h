/* SPDX-License-Identifier: MIT */
/*
 * A PE file with its debug information: DWARF in it, or in a separate file that it names
 * (.gnu_debuglink); a PDB (pdb.h); or only the names of its symbols and exports. Addresses are RVAs.
 *
 * For one thread at a time. Texts are valid until pe_debug_close(), and may hold any bytes.
 */
#ifndef LSATRACE_VIEWER_SYMBOLS_PE_DEBUG_H
#define LSATRACE_VIEWER_SYMBOLS_PE_DEBUG_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#include "viewer/symbols/place.h"

struct pe_debug;
struct places;

/* Returns NULL if the file is not there or is no PE file, or if it has another identity: then
 * *has_changed is true. With id_bytes 0, any file is taken. */
struct pe_debug *pe_debug_open(const char *path, const uint8_t *id, uint32_t id_bytes,
			       bool *has_changed);
/* Accepts NULL. */
void pe_debug_close(struct pe_debug *d);

/* Returns its DWARF, and sets *bias to what has to be added to an address in it to get an RVA; or NULL.
 * Looks for a PDB as well. Once; `path` is the same as before. */
Dwarf *pe_debug_read_lines(struct pe_debug *d, const char *path, const struct places *places,
			   Dwarf_Addr *bias);
/* Is there a PDB that can be read? */
bool pe_debug_has_pdb(const struct pe_debug *d);
/* Returns what keeps its debug information from being used, in words; NULL: nothing. */
const char *pe_debug_obstacle(const struct pe_debug *d);
/* The same of a PDB, as far as it was needed. */
const char *pe_debug_gap(const struct pe_debug *d);

/* The same as pdb_find(); 0 without a PDB. */
unsigned pe_debug_find_in_pdb(struct pe_debug *d, uint64_t rva, struct place *places, unsigned room);
/* The same as those of pe_names.h. */
const char *pe_debug_find_function(const struct pe_debug *d, uint64_t rva);
const char *pe_debug_find_data(const struct pe_debug *d, uint64_t rva, uint64_t *from);

#endif
