/* SPDX-License-Identifier: MIT */
#ifndef HOST_CLIENT_BUFFERS_H
#define HOST_CLIENT_BUFFERS_H

/*
 * The clients of the host, each with a simulated address space. A client's addresses mean nothing
 * in the host's process. Each space starts at the same address, so different clients have the same
 * addresses. Any thread may call these functions. An unknown request or address does no harm.
 */

#include "include/secpkg.h"

/* Adds a client that exists until the process ends. Returns NULL if there is no memory. */
PLSA_CLIENT_REQUEST client_new(void);

NTSTATUS client_allocate(PLSA_CLIENT_REQUEST request, ULONG size, PVOID *address);

/* Freeing NULL succeeds, as documented. */
NTSTATUS client_free(PLSA_CLIENT_REQUEST request, PVOID address);

/* Copies `size` bytes into or out of a buffer of the client. */
NTSTATUS client_write(PLSA_CLIENT_REQUEST request, PVOID address, const void *from, ULONG size);
NTSTATUS client_read(PLSA_CLIENT_REQUEST request, PVOID address, void *to, ULONG size);

#endif
