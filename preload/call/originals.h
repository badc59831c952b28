/* SPDX-License-Identifier: MIT */
/*
 * What lies behind the functions that lsatrace puts into tables: where shims and wrappers find the
 * function that they stand for. Filled by preload/package/ before a package or the host sees the table,
 * and only read on the way of a call, without a lock.
 */
#ifndef LSATRACE_PRELOAD_CALL_ORIGINALS_H
#define LSATRACE_PRELOAD_CALL_ORIGINALS_H

#include <stdbool.h>
#include <stdint.h>

#include "include/slots.h"
#include "include/trace_format.h"

enum {
	WRAPPED_PACKAGES = 128,     /* packages that have wrappers at a time */
	ORIGINALS_OF_PACKAGE = 256, /* one lies package << 8 | slot behind the first */
};

/* By package index and slot: the host's function behind a shim, or lsatrace's own that replaces it; or
 * the stub in front of that (fail.h). */
extern void *originals_of_shims[TRACE_PACKAGES][ORIGINALS_OF_PACKAGE];

/* By package index: the id of the module that has its code; 0: it is unknown, or several. */
extern uint32_t originals_modules[TRACE_PACKAGES];

/* By package index: its table may have been used before its shims were put there. */
extern bool originals_are_late[TRACE_PACKAGES];

/* By package number (packages.h) and wrapper: the package's own function, or the host's. */
extern void *originals_of_wrappers[WRAPPED_PACKAGES][WRAPPED_COUNT];

/* The file descriptor behind a section's memory; -1: it has none, or the section is not known. */
typedef int originals_descriptor(uint64_t section);

/* By package index: what tells the descriptor of the sections that the package creates; NULL: its
 * sections have none. It may be asked for any address. */
extern originals_descriptor *originals_descriptors[TRACE_PACKAGES];

#endif
