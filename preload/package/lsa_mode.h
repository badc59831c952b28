/* SPDX-License-Identifier: MIT */
/*
 * Libraries whose packages have tables. On the way from such a library to a traced package,
 * lsatrace replaces what the host and the package would get:
 *
 *	the host looks for      the library's SpLsaModeInitialize, or SpUserModeInitialize
 *	  and gets              an entry point of lsatrace's, which calls that one
 *	that one returns        an array of tables, one for each package
 *	  and the host gets     a copy of the array, with wrappers in some slots (own_tables.h)
 *	the host calls          Initialize in the copy, and passes its own table
 *	  and the package gets  a copy of that, with shims in the traced slots (packages.h, table.h)
 */
#ifndef LSATRACE_PRELOAD_PACKAGE_LSA_MODE_H
#define LSATRACE_PRELOAD_PACKAGE_LSA_MODE_H

#include "preload/package/own_tables.h"

/*
 * Returns the entry point that stands for `real`, a library's own of that calling convention; the same one
 * for the same library. Returns `real` itself if there are too many libraries, which is counted. Any thread;
 * takes the cold lock.
 */
void *lsa_mode_entry_for(void *real, enum library_mode mode, enum convention convention);

/* For the entry points: what the one of that index stands for. Takes no lock. */
void *lsa_mode_real(uint32_t index);

/* And what they do once that one has succeeded: replace the array of `count` tables, at least one, by the
 * copy for the host, which is `caller`, a return address. errno stays as it is. Takes the cold lock. */
void lsa_mode_take(uint32_t index, const void *caller, ULONG version, void **tables, ULONG count);

/* Forgets libraries that were unloaded, and their packages, those of lsa_ap.h as well. Under the
 * cold lock. */
void lsa_mode_forget_unloaded(void);

#endif
