/* SPDX-License-Identifier: MIT */
/*
 * A PE file of 64 bits for x86: its headers and sections. It is hostile input: each function checks what
 * it reads, and nothing is believed that lies outside of the file.
 *
 * A file that is cut short while it is open ends the program, as with ELF files. Pure otherwise.
 */
#ifndef LSATRACE_VIEWER_PE_PE_FILE_H
#define LSATRACE_VIEWER_PE_PE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/trace_format.h"

struct pe_file;

struct pe_section {
	char name[32]; /* a longer one is cut */
	uint32_t rva;
	uint32_t image_bytes;        /* in memory */
	uint32_t offset, file_bytes; /* in the file; lies within it */
	bool is_code;
};

enum pe_directory { PE_EXPORTS = 0, PE_EXCEPTIONS = 3, PE_DEBUG = 6 };

#define PE_TEXT_MOST 4096 /* bytes of a name or path */

/* Returns NULL if there is no such file, or it is not such a PE file. */
struct pe_file *pe_file_open(const char *path);
/* Accepts NULL. */
void pe_file_close(struct pe_file *f);

/* The address that debug information is relative to. */
uint64_t pe_file_base(const struct pe_file *f);
/* The whole file. */
const unsigned char *pe_file_bytes(const struct pe_file *f, size_t *size);
/* Is it a module that comes with Wine? */
bool pe_file_is_of_wine(const struct pe_file *f);

/* Fills in what tells the file from others; what the file has not is 0. */
void pe_file_identify(const struct pe_file *f, struct trace_pe_id *id);
/* Are both of one build? Stripping changes the size, so what counts is the GUID, if there is one. */
bool pe_file_is_same(const struct trace_pe_id *one, const struct trace_pe_id *other);

/* Returns the path of its PDB, as the linker wrote it; NULL if there is none. */
const char *pe_file_pdb(const struct pe_file *f);
/* Returns the name of a separate file with its debug information, and sets *crc to the checksum of that;
 * NULL if there is none. */
const char *pe_file_debug_link(const struct pe_file *f, uint32_t *crc);

/* Fills in the i-th section, and returns true; false after the last. */
bool pe_file_section(const struct pe_file *f, unsigned i, struct pe_section *section);

/* Returns what the file has at an RVA, and sets *bytes to how much follows it there, 0 with NULL. */
const unsigned char *pe_file_at(const struct pe_file *f, uint32_t rva, size_t *bytes);
/* Returns the extent of a directory of tables; zeroes: there is none. */
void pe_file_directory(const struct pe_file *f, enum pe_directory which, uint32_t *rva,
		       uint32_t *bytes);

/* The COFF symbols: 18 bytes each, and the table of texts behind them. */
const unsigned char *pe_file_symbols(const struct pe_file *f, uint32_t *count);
/* Returns a text of that table; NULL if it is none. */
const char *pe_file_text(const struct pe_file *f, uint32_t at);

/* Reads a little-endian number of 2 or 4 bytes. */
uint16_t pe_read_16(const unsigned char *at);
uint32_t pe_read_32(const unsigned char *at);

#endif
