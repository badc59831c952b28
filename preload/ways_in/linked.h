/* SPDX-License-Identifier: MIT */
/*
 * Hosts that are linked to a package, and name its entry points instead of looking for them. The
 * loader gives them the tracer's symbols of these names, since the tracer is preloaded. Each of
 * these (linked_amd64.S) asks where it leads, and jumps there.
 */
#ifndef LSATRACE_PRELOAD_WAYS_IN_LINKED_H
#define LSATRACE_PRELOAD_WAYS_IN_LINKED_H

#include <stdint.h>

/* Where the symbol of an entry point's number leads to for `caller`, a return address. Never NULL:
 * without a function behind it, it returns an error. */
void *linked_target(uint32_t number, const void *caller);

/* The function that a package's table really holds, for code of its library: a package may have its
 * own exports in its table, and then the loader has put the tracer's symbols there. */
void *linked_behind(void *function, const void *code);

#endif
