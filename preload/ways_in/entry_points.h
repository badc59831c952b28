/* SPDX-License-Identifier: MIT */
/*
 * The functions that a library of packages exports for its host, and that a host may look for. The
 * tracer exports a symbol of each name as well, for hosts that are linked to a package (linked.h).
 *
 * The assembler reads the list, too, and numbers those symbols in its order.
 */
#ifndef LSATRACE_PRELOAD_WAYS_IN_ENTRY_POINTS_H
#define LSATRACE_PRELOAD_WAYS_IN_ENTRY_POINTS_H

#define ENTRY_POINTS(ENTRY) \
	ENTRY(SpLsaModeInitialize) \
	ENTRY(SpUserModeInitialize) \
	ENTRY(LsaApInitializePackage) \
	ENTRY(LsaApLogonUser) \
	ENTRY(LsaApLogonUserEx) \
	ENTRY(LsaApLogonUserEx2) \
	ENTRY(LsaApCallPackage) \
	ENTRY(LsaApCallPackageUntrusted) \
	ENTRY(LsaApCallPackagePassthrough)

#ifndef __ASSEMBLER__

#include <stdint.h>

#include "preload/package/wrapped.h"

/* The symbols that the tracer exports, by names that no other library can get in front of. */
#define ENTRY_POINTS_LINKED(name) \
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

/* The entry point of a number, from 0 to ENTRY_POINTS_COUNT - 1. */
enum { ENTRY_POINTS_COUNT = 9 };
extern const struct entry_point entry_points[ENTRY_POINTS_COUNT];

/* The entry point of a name; NULL: the name is none's. */
const struct entry_point *entry_points_find(const char *name);

/* The function that a host gets in place of a library's own. It is `real` itself if there are too
 * many libraries or packages, or if the cold lock was not free in time; both are counted. */
void *entry_points_stand_in(const struct entry_point *e, void *real);

#endif
#endif
