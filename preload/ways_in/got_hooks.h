/* SPDX-License-Identifier: MIT */
/*
 * Libraries that look for packages where nobody sees it: opened with RTLD_DEEPBIND they find the C
 * library's dlsym() before ours; opened by dlmopen(), that of another C library. The loader has written
 * down what they found; ours is put in its place. What such a library asks that is no business of ours
 * goes on to where it would have gone.
 *
 * That is done when something is asked of our dlsym(): a library whose constructor looks for packages
 * comes too early for us.
 */
#ifndef LSATRACE_PRELOAD_WAYS_IN_GOT_HOOKS_H
#define LSATRACE_PRELOAD_WAYS_IN_GOT_HOOKS_H

#include "preload/ways_in/link_maps.h"

/* What is found in our place; the last one is SpLsaModeInitialize, to which a library may be linked. */
enum loader_function {
	LOADER_DLSYM,
	LOADER_DLVSYM,
	LOADER_DLCLOSE,
	LOADER_ENTRY,
	LOADER_FUNCTIONS
};

/* Tells what is ours. */
void got_hooks_init(void *const ours[LOADER_FUNCTIONS]);

/* For link_maps_look(). */
link_maps_looker got_hooks_patch;

/* What a caller, a return address, would have reached without us. Of LOADER_ENTRY it may be NULL: what
 * the scope of the caller has. */
void *got_hooks_original(enum loader_function function, const void *caller);

/* Do we stand in for a function of the C library of that name? */
bool got_hooks_has(const char *name);

/* Ours, for a symbol that somebody found under a name; NULL: it is none that we stand in for, or
 * somebody else stands behind us, who may need it himself. */
void *got_hooks_stand_in(const char *name, void *symbol);

#endif
