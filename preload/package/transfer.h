/* SPDX-License-Identifier: MIT */
/*
 * Memory that changes hands. What a package returns from its entry points is documented to be the
 * LSA's or the client's from then on: it is no leak, and a free of it is not judged. With a block
 * goes what it points to: strings, tokens and names are made of several. Each block that goes is
 * counted and recorded, with the backtrace of the LSA's call.
 */
#ifndef LSATRACE_PRELOAD_PACKAGE_TRANSFER_H
#define LSATRACE_PRELOAD_PACKAGE_TRANSFER_H

#include <stddef.h>
#include <stdint.h>

#include "include/slots.h"

/* The return of one entry point; on the stack of the wrapper that the LSA called. */
struct transfer {
	enum transfer_function function;
	uint32_t package;
	const void *request; /* of the client that the call was made for; NULL: it is not told */
};

/* The block at an address goes to the LSA; NULL is fine, and what is no live block is left alone. */
void transfer_to_lsa(const struct transfer *t, const void *block);

/* What a structure of the caller's points to goes to the LSA. */
void transfer_contents_to_lsa(const struct transfer *t, const void *structure, size_t bytes);

/* A buffer in the client's address space, or on the LSA's heap, goes to the client. */
void transfer_to_client(const struct transfer *t, const void *buffer);

#endif
