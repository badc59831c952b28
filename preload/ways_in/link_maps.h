/* SPDX-License-Identifier: MIT */
/*
 * What the loader has loaded, in every namespace, as it comes. A library that the host opened by
 * dlmopen() is in a namespace of its own, with a C library of its own, and does not know the
 * tracer.
 *
 * The loader's list of images may be walked, and images that are not on the own stack may be read
 * and patched, only under the loader's lock: nothing comes or goes meanwhile. There is no function
 * that takes that lock but dlsym(): it runs the resolver of an indirect function while it holds the
 * lock, and one of those belongs to the tracer. The host called dlsym(), or a function that takes
 * the lock as well, so no thread waits that would not have waited without the tracer.
 * dl_iterate_phdr() would not do: its lock is another one, which a forked child may find taken for
 * ever.
 *
 * What runs under the loader's lock may take LOCK_COLD and those below it. So nobody may wait for
 * the loader's lock while it holds one of them.
 */
#ifndef LSATRACE_PRELOAD_WAYS_IN_LINK_MAPS_H
#define LSATRACE_PRELOAD_WAYS_IN_LINK_MAPS_H

#include <link.h>
#include <stdbool.h>

/* Runs a function under the loader's lock. It may not ask the loader for anything. */
void link_maps_run(void (*function)(void *argument), void *argument);

/* Looks at an image; `is_base`: it is in the tracer's own namespace. Returns true if an image with
 * this content need never be shown again, false if it is to be shown again after something was
 * unloaded. */
typedef bool link_maps_looker(const struct link_map *map, bool is_base);

/* Shows what has come since the last time. `handle` is what dlsym() is called with: if it was used
 * before, nothing is new. */
void link_maps_look(const void *handle, link_maps_looker *look);

/* What the resolver of the indirect function lsatrace_loaded() does (life/exported.c). That
 * function is exported so that dlsym() finds it, and never called. */
void link_maps_run_job(void);

#endif
