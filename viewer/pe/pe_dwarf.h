/* SPDX-License-Identifier: MIT */
/*
 * The DWARF debug information of a PE file, for libdw, which reads ELF files only. So there is one in
 * memory, of the debug sections. They are not copied: the file is mapped behind a header that is made
 * here.
 *
 *   | ELF header, section headers, names | PE file, mapped privately |
 *
 * Addresses in it are RVAs plus pe_file_base(). For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_PE_PE_DWARF_H
#define LSATRACE_VIEWER_PE_PE_DWARF_H

#include <elfutils/libdw.h>

struct pe_dwarf;
struct pe_file;

/* `path` is that of the file. Returns NULL if there is none. */
struct pe_dwarf *pe_dwarf_open(const struct pe_file *f, const char *path);
/* Accepts NULL. */
void pe_dwarf_close(struct pe_dwarf *d);

/* Valid until pe_dwarf_close(). */
Dwarf *pe_dwarf_get(const struct pe_dwarf *d);

#endif
