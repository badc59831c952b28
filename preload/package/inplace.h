/* SPDX-License-Identifier: MIT */
/*
 * Tables that a host hands to its packages in a way that lsatrace does not see. The shims are put
 * into the host's own table, even if it lies in read-only memory. In the trace each such table is a
 * package. Nothing is ever undone in it.
 *
 * What the host writes into a slot afterwards:
 *
 *	into a slot that was empty               gets its shim the next time
 *	the function that the shim stands for    gets the shim again
 *	another function                         is left alone: it may call the shim, which it
 *	                                         found there before, and which would call it
 *
 * Any thread. Takes the cold lock when there is something to do. errno stays as it is.
 */
#ifndef LSATRACE_PRELOAD_PACKAGE_INPLACE_H
#define LSATRACE_PRELOAD_PACKAGE_INPLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "preload/call/convention.h"

/*
 * Puts shims into the first `slots` slots of a table, as far as they can be read, and no further.
 * Begins the trace if there is none. `convention` is that of the functions, `name` the package's name in
 * the trace.
 */
void inplace_hook(void **table, size_t slots, enum convention convention, const char *name);

/*
 * The same for a table that the host has filled just now. It may be another one than lay at that
 * place before, and slots of shared memory that are still empty get functions of lsatrace's.
 */
void inplace_hook_anew(void **table, size_t slots, enum convention convention, const char *name);

/* Would inplace_hook() change anything? Then a trace is needed. For callers that have to begin it
 * beforehand (trace_begin()), because they may not do so in inplace_hook(). */
bool inplace_has_work(void **table, size_t slots);

#endif
