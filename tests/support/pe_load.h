/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_PE_LOAD_H
#define SUPPORT_PE_LOAD_H

/*
 * Loads a DLL for x86-64 as Windows would: maps its sections and relocates it. It must not need other
 * DLLs, and is never started. The file is one that was built here, and is trusted.
 */

#include <stddef.h>
#include <stdint.h>

struct pe_loaded {
	uint8_t *base; /* NULL: it could not be loaded */
	size_t bytes;
};

struct pe_loaded pe_load(const char *path);

/* The address of a function that it exports; NULL: there is none. */
void *pe_load_find(const struct pe_loaded *loaded, const char *name);

void pe_unload(struct pe_loaded *loaded);

#endif
