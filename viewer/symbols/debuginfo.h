/* SPDX-License-Identifier: MIT */
/*
 * The debug information of one binary: from an address in its file to functions and lines. What
 * symbols.h says of speed is done here.
 *
 * One thread at a time. Texts live as long as the struct debuginfo, and are what the file holds.
 */
#ifndef LSATRACE_VIEWER_SYMBOLS_DEBUGINFO_H
#define LSATRACE_VIEWER_SYMBOLS_DEBUGINFO_H

#include <stdbool.h>
#include <stdint.h>

struct debuginfo;

/*
 * Opens the binary. NULL: it is not there, no ELF file, or (then *changed is true) has another
 * build-id. With build_id_bytes 0 any file of that name is taken.
 */
struct debuginfo *debuginfo_open(const char *path, const uint8_t *build_id, uint32_t build_id_bytes,
				 bool *changed);
void debuginfo_close(struct debuginfo *d);

/* Where an address is in the source, from the innermost inlined function outward. */
struct debuginfo_place {
	const char *function; /* NULL: unknown */
	const char *file;     /* NULL: unknown */
	const char *folder;   /* that a relative file is relative to; NULL: unknown */
	uint32_t line;        /* 0: unknown */
	bool is_inlined;
};

/* Fills at most `room` places and returns how many, at least 1; `room` too. */
unsigned debuginfo_find(struct debuginfo *d, uint64_t address, struct debuginfo_place *places,
			unsigned room);

#endif
