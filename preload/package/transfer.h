/* SPDX-License-Identifier: MIT */
/*
 * Memory that changes its owner. What a package returns from its entry points belongs to the LSA or
 * to the client from then on, by documentation: it is no leak, and a free of it is not judged. A
 * block takes along what it points to, because strings, tokens and names are made of several blocks.
 * Each block that goes is recorded and counted, with the backtrace of the LSA's call.
 *
 * Called by a wrapper after the package's function has returned. Any thread. Changes errno.
 */
#ifndef LSATRACE_PRELOAD_PACKAGE_TRANSFER_H
#define LSATRACE_PRELOAD_PACKAGE_TRANSFER_H

#include <stddef.h>
#include <stdint.h>

#include "include/slots.h"

/* The return of one entry point. */
struct transfer {
	enum transfer_function function;
	uint32_t package;    /* index */
	const void *request; /* client request of the call; NULL: the entry point is not told one */
};

/* The block at an address goes to the LSA. NULL, and what is no live block, is fine. */
void transfer_to_lsa(const struct transfer *t, const void *block);

/* What a structure of the caller's, of that many bytes, points to goes to the LSA. */
void transfer_contents_to_lsa(const struct transfer *t, const void *structure, size_t bytes);

/* A buffer goes to the client: in the client's address space, or on the LSA's heap. */
void transfer_to_client(const struct transfer *t, const void *buffer);

#endif
