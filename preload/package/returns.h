/* SPDX-License-Identifier: MIT */
/*
 * The return of one entry point of a package: what it returns by its parameters changes its owner.
 * include/ownership.h says by which parameters, and on what basis.
 *
 * A wrapper calls returns_begin(), then the package's function, then returns_end(). Any thread.
 * errno stays as it is.
 */
#ifndef LSATRACE_PRELOAD_PACKAGE_RETURNS_H
#define LSATRACE_PRELOAD_PACKAGE_RETURNS_H

#include <stdint.h>

#include "include/secpkg.h"
#include "preload/call/convention.h"
#include "preload/package/transfer.h"

enum owned_form {
	FORM_BLOCK,
	FORM_STRING,
	FORM_BUFFER,
	FORM_BUFFERS,
	FORM_PRIMARY,
	FORM_ATTRIBUTES
};
enum owned_owner { OWNER_LSA, OWNER_CLIENT };
enum owned_when { WHEN_SUCCESS, WHEN_ALWAYS, WHEN_ASKED };
enum owned_basis { BASIS_CONTRACT, BASIS_DOCUMENTED, BASIS_PRACTICE };

/* A row of include/ownership.h. */
struct owned {
	enum owned_form form;
	enum owned_owner owner;
	enum owned_when when;
	enum owned_basis basis;
};

/* Of a SECPKG_PRIMARY_CRED, by its documentation. */
enum { PRIMARY_CRED_BYTES = 200 };

/* Parameters of one entry point, and words of a structure that is an answer to an attribute. */
enum { OWNED_MOST = 8, ATTRIBUTE_WORDS = 8 };

struct returns {
	struct transfer transfer;
	const struct owned *row;
	void *const *place; /* the argument for each row; NULL: the caller does not want it */
	unsigned rows;
	ULONG asked;                /* a flag, or the attribute */
	uint32_t trace;             /* trace_number() when the function was called, */
	enum convention convention; /* of the package */
	uint64_t began;             /* and the time, in ticks */
	void *before[OWNED_MOST];   /* what lay in the places of blocks */
	uint64_t attributes[ATTRIBUTE_WORDS];
};

/* Before the function is called. `submitted` is what the LSA hands in, of that many bytes; NULL:
 * nothing. The other members of `r` than transfer, row, place, rows, convention and asked are set here. */
void returns_begin(struct returns *r, const void *submitted, ULONG bytes);

/* After it has returned `status`, which is returned. */
NTSTATUS returns_end(struct returns *r, NTSTATUS status);

#endif
