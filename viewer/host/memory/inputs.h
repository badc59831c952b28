/* SPDX-License-Identifier: MIT */
/*
 * What a package is handed and must not write to: strings, LUIDs, parameters. It lies on pages of the thread's own, which
 * are made read-only before the call. Each call of an entry point opens a layer; calls that are nested in it open further
 * ones.
 */
#ifndef LSATRACE_HOST_MEMORY_INPUTS_H
#define LSATRACE_HOST_MEMORY_INPUTS_H

#include <stdbool.h>
#include <stddef.h>

#include "include/secpkg.h"

/* Opens a layer. Returns what inputs_close() takes. */
size_t inputs_open(void);
void inputs_close(size_t layer);

/* Returns a copy that the layer holds. */
void *inputs_copy(const void *from, size_t bytes);
PUNICODE_STRING inputs_name(const char *text); /* NULL for NULL */

/* Makes the layer read-only. */
void inputs_seal(size_t layer);

/* For a fault: if the address is in a sealed layer of this thread, makes it writable. Returns whether it was. */
bool inputs_unseal(void *address);

#endif
