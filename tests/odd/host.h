/* SPDX-License-Identifier: MIT */
#ifndef ODD_HOST_H
#define ODD_HOST_H

/*
 * The host's side. Its private heap and its sections may be used in signal handlers, and ask the
 * system for nothing; the other families are malloc() and free(). Allocations cannot fail but for
 * want of memory, or of more than HOST_PRIVATE_BYTES.
 */

#include <stdbool.h>

#include "include/secpkg.h"

extern const LSA_SECPKG_FUNCTION_TABLE host_table;

enum { HOST_PRIVATE_BYTES = 32 }; /* the largest block of the private heap, or of a section */

/* What the next AllocateLsaHeap does inside the host, once; NULL: nothing. */
extern void (*host_interlude)(void);

/* What the entry point of a library, or of the program itself, has returned. */
struct host_library {
	PSECPKG_FUNCTION_TABLE tables;
	ULONG count;
	ULONG version;
};

/* Finds the entry point by a handle of dlsym() and calls it. False: there is none, or it failed. */
bool host_ask(void *handle, struct host_library *library);

/* Hands a table to a package: Initialize, then GetInfo if that succeeded. */
NTSTATUS host_initialize(PSECPKG_FUNCTION_TABLE package, ULONG_PTR id, const void *table);

/* Initialises the program's own first package with the host's table. */
void host_start(void);

/* CallPackage of a package whose commands are texts. */
NTSTATUS host_call(PSECPKG_FUNCTION_TABLE package, const char *command);

#endif
