/* SPDX-License-Identifier: MIT */
/*
 * Replaces dlsym(), dlvsym() and dlclose() for libraries that do not find those of the tracer.
 *
 * A library that is opened with RTLD_DEEPBIND finds the C library's functions before the tracer's,
 * and one that is opened by dlmopen() finds those of another C library. The loader has stored their
 * addresses in the library's global offset table (GOT). There they are replaced by the tracer's,
 * and the original is kept with the library. A call of such a library that does not concern the
 * tracer goes on to the original.
 *
 * This is done when dlsym() is called. So a library whose constructor looks for packages is too
 * early.
 */
#ifndef LSATRACE_PRELOAD_WAYS_IN_GOT_HOOKS_H
#define LSATRACE_PRELOAD_WAYS_IN_GOT_HOOKS_H

#include "preload/ways_in/link_maps.h"

/* The functions that are replaced. The last one is SpLsaModeInitialize, to which a library may be
 * linked. dlsym_amd64.S has the first two by number. */
enum loader_function {
	LOADER_DLSYM,
	LOADER_DLVSYM,
	LOADER_DLCLOSE,
	LOADER_ENTRY,
	LOADER_FUNCTIONS
};

/* Notes the tracer's functions. At start-up. */
void got_hooks_init(void *const ours[LOADER_FUNCTIONS]);

/* For link_maps_look(): replaces the functions in an image. Returns true if it uses none of
 * them. */
link_maps_looker got_hooks_patch;

/* The function that a caller, a return address, would have reached without the tracer. Of
 * LOADER_ENTRY it may be NULL: then look the function up in the caller's scope (scope.h). */
void *got_hooks_original(enum loader_function function, const void *caller);

/* Does the tracer replace a function of the C library of that name? */
bool got_hooks_has(const char *name);

/* The tracer's function for a symbol that somebody found by that name. NULL if it is not the C
 * library's, or if another library, which may need the symbol itself, comes between the tracer and
 * the C library. */
void *got_hooks_stand_in(const char *name, void *symbol);

#endif
