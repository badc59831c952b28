/* SPDX-License-Identifier: MIT */
/*
 * What the loader has loaded, in every namespace, as it comes. A library that the host opened by
 * dlmopen() is in a namespace of its own, with a C library of its own, and knows nothing of us.
 *
 * The looker runs under the lock that dlsym() takes anyway, so nothing comes or goes meanwhile, and no
 * thread waits that would not have waited without us. Only dlsym() itself takes that lock from
 * outside: it runs the resolver of an indirect function while it holds it, and that one is ours.
 * dl_iterate_phdr() would not do: its lock is another, which a forked child may find taken for ever.
 */
#ifndef LSATRACE_PRELOAD_WAYS_IN_LINK_MAPS_H
#define LSATRACE_PRELOAD_WAYS_IN_LINK_MAPS_H

#include <link.h>
#include <stdbool.h>

/* An object, and whether it is in our own namespace. False: it is to be shown again after a dlclose(),
 * for it may have been another one. It waits for no lock of ours, and asks nothing of the loader. */
typedef bool link_maps_looker(const struct link_map *map, bool is_base);

/* Shows what has come since the last time. `handle` is what something is asked of: if it is not new,
 * nothing is shown. */
void link_maps_look(const void *handle, link_maps_looker *look);

/* Before a dlclose(): its handle may come again, for something else. */
void link_maps_closing(void);

/* What the resolver of the indirect function lsatrace_loaded() does (life/exported.c). That function
 * is exported so that dlsym() finds it, and never called. */
void link_maps_look_under_lock(void);

#endif
