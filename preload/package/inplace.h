/* SPDX-License-Identifier: MIT */
/*
 * Tables that reach packages in a way of the host's own: the shims are put into the host's table where
 * it lies, though it be read-only. Each such table is a package of its own in the trace.
 *
 * Where a shim stood the host may write the function that it stands for again, and gets the shim
 * again. Another function that it writes there is left alone, for it may call what it found there
 * before: the shim, which would call it. Empty slots may be filled at any time.
 *
 * Any thread; takes the cold lock when there is something to do. Nothing in them is ever undone.
 */
#ifndef LSATRACE_PRELOAD_PACKAGE_INPLACE_H
#define LSATRACE_PRELOAD_PACKAGE_INPLACE_H

#include <stdbool.h>
#include <stddef.h>

/* Puts shims into the first `slots` slots of a table, and no further. Makes the trace if it is the first
 * table. Keeps errno. */
void inplace_hook(void **table, size_t slots, const char *name);

/* The same for a table that is filled, and may be another one than lay at its place before: slots of
 * shared memory that are empty get functions of ours. */
void inplace_hook_anew(void **table, size_t slots, const char *name);

/* Would inplace_hook() change anything? Then a trace is needed: for callers that have to make it beforehand,
 * by trace_begin(), because they may not do so in inplace_hook(). */
bool inplace_has_work(void **table, size_t slots);

#endif
