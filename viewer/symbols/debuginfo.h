/* SPDX-License-Identifier: MIT */
/*
 * One binary with its debug information: from an address in its file to functions and lines.
 * Answers come from DWARF (units.h) or a PDB, or else from the symbol table, which has only functions.
 * A binary is an ELF file, or a PE file (pe_debug.h); an address in that is an RVA.
 *
 * For one thread at a time. Texts are valid until debuginfo_close(), and may hold any bytes.
 */
#ifndef LSATRACE_VIEWER_SYMBOLS_DEBUGINFO_H
#define LSATRACE_VIEWER_SYMBOLS_DEBUGINFO_H

#include <stdbool.h>
#include <stdint.h>

#include "include/trace_format.h"
#include "viewer/symbols/place.h"

struct debuginfo;
struct places;
struct progress;

/* How debug information is found that is not in the binary. */
struct debuginfo_search {
	char *path;                  /* of folders, in the syntax of elfutils */
	const struct places *places; /* the same for PE files */
	struct progress *progress;   /* while a server is asked; or NULL */
};

/*
 * Opens a binary, and reads its symbol table. What is given must outlive the result. Returns NULL if the
 * file is not there or is no such file, or if it has another build-id: then *has_changed is true. With
 * build_id_bytes 0, any file of that name is taken.
 */
struct debuginfo *debuginfo_open(const char *path, enum trace_module_kind kind,
				 const uint8_t *build_id, uint32_t build_id_bytes,
				 struct debuginfo_search *search, bool *has_changed);
/* Accepts NULL. */
void debuginfo_close(struct debuginfo *d);

/* Reads DWARF, or finds the PDB, if there is any. Once, before a place is asked for; `path` is the same as before. */
void debuginfo_read_lines(struct debuginfo *d, const char *path);
/* Was there DWARF, or is there a PDB? One can fail later. */
bool debuginfo_has_lines(const struct debuginfo *d);
/* Returns what keeps its debug information from being used, in words; NULL: nothing. */
const char *debuginfo_obstacle(const struct debuginfo *d);
/* The same of a part of it, as far as places have been asked for. */
const char *debuginfo_gap(const struct debuginfo *d);

/*
 * Fills in the places of an address, the innermost inlined function first, and returns how many: at
 * least 1, at most `room`. If nothing is known, the one place has no function and no file.
 */
unsigned debuginfo_find(struct debuginfo *d, uint64_t address, struct place *places, unsigned room);

/* Returns the name of the symbol that holds an address, and sets *from to how far behind its start
 * that is; or NULL. Valid as long as the binary is open. */
const char *debuginfo_find_data(struct debuginfo *d, uint64_t address, uint64_t *from);

#endif
