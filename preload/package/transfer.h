/* SPDX-License-Identifier: MIT */
/*
 * Memory that changes its owner. What a package returns from its entry points belongs to the LSA or
 * to the client from then on: it is no leak, and a free of it is not judged. A block takes along
 * what it points to, because strings, tokens and names are made of several blocks. Each block that
 * goes is recorded and counted, with the backtrace of the LSA's call.
 *
 * Called by a wrapper after the package's function has returned. Any thread. Changes errno.
 */
#ifndef LSATRACE_PRELOAD_PACKAGE_TRANSFER_H
#define LSATRACE_PRELOAD_PACKAGE_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/slots.h"

/* The return of one entry point. */
struct transfer {
	enum transfer_function function;
	uint32_t package;    /* index */
	const void *request; /* client request of the call; NULL: the entry point is not told one */
};

/* The entry point has returned, with an NTSTATUS, and what it returned has been handed over. It was called at a time in ticks (file/clock.h), in
 * this process. Its call is recorded: it is history, and nothing else depends on it. */
void transfer_note_return(const struct transfer *t, uint64_t began, int32_t status);

/* The block at an address goes to the LSA. NULL, and what is no live block, is fine. */
void transfer_to_lsa(const struct transfer *t, const void *block);

/* What a structure of the caller's, of that many bytes, points to goes to the LSA. */
void transfer_contents_to_lsa(const struct transfer *t, const void *structure, size_t bytes);

/* A buffer goes to the client: in the client's address space, or on the LSA's heap. */
void transfer_to_client(const struct transfer *t, const void *buffer);

/*
 * Is it a mistake to return that block, by contract? Notes the finding, with the number of the
 * parameter, if so:
 *
 *	a block or client buffer that was freed, and left there    wrong-transfer/freed
 *	to the client: a block of a heap or of a section           wrong-transfer/wrong-family
 *	to the LSA: a block of the private heap                    wrong-transfer/wrong-family
 *
 * What the ledger does not know is not judged. A block of the wrong family is suspect from then on:
 * one mistake is one finding.
 */
bool transfer_is_wrong(const struct transfer *t, bool to_client, const void *block,
		       unsigned parameter);

#endif
