/* SPDX-License-Identifier: MIT */
#ifndef ODD_HOST_H
#define ODD_HOST_H

/*
 * The host's side. Its private heap and its sections may be used in signal handlers, and need
 * nothing from the system. The other families use malloc() and free(). An allocation fails only
 * without memory, or above HOST_PRIVATE_BYTES.
 */

#include <stdbool.h>

#include "include/secpkg.h"

extern const LSA_SECPKG_FUNCTION_TABLE host_table;

enum { HOST_PRIVATE_BYTES = 32 }; /* the largest block of the private heap, or of a section */

/* A function that the next AllocateLsaHeap calls once, or NULL. */
extern void (*host_interlude)(void);

/* How many blocks the private heap, which holds the sections' blocks as well, has ever handed out, and
 * how many it has not got back. */
long host_private_made(void);
long host_private_live(void);
/* Prints both, without what there was at the last host_forget_counts(), in one write(). */
void host_print_counts(void);
void host_forget_counts(void);

/* What the entry point of a library, or of the program itself, returned. */
struct host_library {
	PSECPKG_FUNCTION_TABLE tables;
	ULONG count;
	ULONG version;
};

/* Finds the entry point by dlsym() with this handle, and calls it. Returns false if there is
 * none or if it fails. */
bool host_ask(void *handle, struct host_library *library);

/* Gives a table to a package, by Initialize. If that succeeds, calls GetInfo. */
NTSTATUS host_initialize(PSECPKG_FUNCTION_TABLE package, ULONG_PTR id, const void *table);

/* Initialises the first package of the program itself with the host's table. */
void host_start(void);

/* Calls CallPackage with a text as the command. */
NTSTATUS host_call(PSECPKG_FUNCTION_TABLE package, const char *command);

#endif
