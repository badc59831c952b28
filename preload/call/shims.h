/* SPDX-License-Identifier: MIT */
/*
 * The functions that stand in a package's table. The functions of the table get no pointer to it, so
 * there is one for each slot and package: by it a call is known to be that package's.
 */
#ifndef LSATRACE_PRELOAD_CALL_SHIMS_H
#define LSATRACE_PRELOAD_CALL_SHIMS_H

#include "include/slots.h"
#include "include/trace_format.h"

extern void *const shims[SLOT_COUNT][TRACE_PACKAGES];

#endif
