/* SPDX-License-Identifier: MIT */
/*
 * The functions of ours that take the place of the host's behind the shims, so that they are traced and
 * judged as the host's are: the guarded ones, with allocator=guard.
 */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_FUNCTIONS_H
#define LSATRACE_PRELOAD_GUARDPAGE_FUNCTIONS_H

#include "include/slots.h"

/*
 * What is to stand behind the shim of a slot, where the host's table has `host`: one of ours, or
 * `host`. The first call makes what ours need; should it not be to be had, one line on standard error
 * says so, and the host's stay. Under the cold lock.
 */
void *functions_behind(enum slot slot, void *host);

/* The host's own, where ours stands before it; NULL: ours does not. */
void *functions_of_host(enum slot slot);

#endif
