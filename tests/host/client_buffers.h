/* SPDX-License-Identifier: MIT */
#ifndef HOST_CLIENT_BUFFERS_H
#define HOST_CLIENT_BUFFERS_H

/*
 * The clients of the host, each with a simulated address space. A client's addresses mean
 * nothing to the host's process, and every space starts at the same address: those of different
 * clients coincide. All functions may be called from any thread; an unknown request or address
 * does no harm.
 */

#include "include/secpkg.h"

/* Adds a client, which lives as long as the process. Returns NULL if memory is exhausted. */
PLSA_CLIENT_REQUEST client_new(void);

NTSTATUS client_allocate(PLSA_CLIENT_REQUEST request, ULONG size, PVOID *address);

/* Freeing NULL is documented to succeed. */
NTSTATUS client_free(PLSA_CLIENT_REQUEST request, PVOID address);

/* Copy size bytes into and out of a buffer of the client. */
NTSTATUS client_write(PLSA_CLIENT_REQUEST request, PVOID address, const void *from, ULONG size);
NTSTATUS client_read(PLSA_CLIENT_REQUEST request, PVOID address, void *to, ULONG size);

#endif
