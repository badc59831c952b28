/* SPDX-License-Identifier: MIT */
/*
 * The functions that a library of packages exports for its host, and that a host may look for. The
 * tracer exports a symbol of each name as well, for hosts that are linked to a package (linked.h).
 *
 * To add one, add a row: ENTRY(name, what it is, WRAPPED_ constant of an export, else 0). The table
 * of entry points, the tracer's symbols (linked_amd64.S) and `make exports` follow from the rows.
 */
#ifndef LSATRACE_PRELOAD_WAYS_IN_ENTRY_POINTS_H
#define LSATRACE_PRELOAD_WAYS_IN_ENTRY_POINTS_H

#define ENTRY_POINTS(ENTRY) \
	ENTRY(SpLsaModeInitialize, ENTRY_IS_LSA_MODE, 0) \
	ENTRY(SpUserModeInitialize, ENTRY_IS_USER_MODE, 0) \
	ENTRY(LsaApInitializePackage, ENTRY_IS_EXPORT, WRAPPED_InitializePackage) \
	ENTRY(LsaApLogonUser, ENTRY_IS_EXPORT, WRAPPED_LogonUser) \
	ENTRY(LsaApLogonUserEx, ENTRY_IS_EXPORT, WRAPPED_LogonUserEx) \
	ENTRY(LsaApLogonUserEx2, ENTRY_IS_EXPORT, WRAPPED_LogonUserEx2) \
	ENTRY(LsaApCallPackage, ENTRY_IS_EXPORT, WRAPPED_CallPackage) \
	ENTRY(LsaApCallPackageUntrusted, ENTRY_IS_EXPORT, WRAPPED_CallPackageUntrusted) \
	ENTRY(LsaApCallPackagePassthrough, ENTRY_IS_EXPORT, WRAPPED_CallPackagePassthrough)

#ifndef __ASSEMBLER__

#include <stdint.h>

#include "preload/package/wrapped.h"

/* The symbols that the tracer exports, by hidden names: no other library's symbol is found
 * instead. */
#define ENTRY_POINTS_LINKED(name, ...) \
	extern const char linked_##name[] __attribute__((visibility("hidden")));
ENTRY_POINTS(ENTRY_POINTS_LINKED)

enum entry_kind {
	ENTRY_IS_LSA_MODE,  /* it returns the tables of packages (lsa_mode.h) */
	ENTRY_IS_USER_MODE, /* the same in a client */
	ENTRY_IS_EXPORT,    /* it is a function of the only package of its library (lsa_ap.h) */
};

struct entry_point {
	const char *name;
	const void *linked; /* the tracer's symbol of that name */
	enum entry_kind kind;
	enum wrapped export; /* if it is an export */
};

/* The numbers of the entry points, in the order of the rows. */
#define ENTRY_POINTS_NUMBER(name, ...) ENTRY_##name,
enum { ENTRY_POINTS(ENTRY_POINTS_NUMBER) ENTRY_POINTS_COUNT };
extern const struct entry_point entry_points[ENTRY_POINTS_COUNT];

/* Returns the entry point of that name, or NULL. */
const struct entry_point *entry_points_find(const char *name);

/* The function that a host gets in place of a library's own, of that calling convention. It is `real` itself if there are too
 * many libraries or packages, or if the cold lock was not free in time; both are counted. */
void *entry_points_stand_in(const struct entry_point *e, void *real, enum convention convention);

#endif
#endif
