/* SPDX-License-Identifier: MIT */
/*
 * The names that a PE file has without debug information: of COFF symbols, and else of what it exports.
 * Neither says where a function ends; the table of unwind information does (.pdata). What lies behind the
 * end of a function has no name.
 *
 * Pure. For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_PE_PE_NAMES_H
#define LSATRACE_VIEWER_PE_PE_NAMES_H

#include <stdint.h>

struct pe_file;
struct pe_names;

/* The file must outlive the result. Never NULL. */
struct pe_names *pe_names_new(const struct pe_file *f);
/* Accepts NULL. */
void pe_names_free(struct pe_names *n);

/* Returns the name of the function that holds an RVA, as it is linked; NULL if it is not known. */
const char *pe_names_function(const struct pe_names *n, uint64_t rva);

/* Returns the name of the last symbol in the same section at or before an RVA, and sets *from to how far
 * behind its start that is; or NULL. */
const char *pe_names_data(const struct pe_names *n, uint64_t rva, uint64_t *from);

#endif
