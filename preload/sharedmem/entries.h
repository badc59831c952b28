/* SPDX-License-Identifier: MIT */
/* The functions of the embedded implementation for code of Windows: each calls the one for System V. */
#ifndef LSATRACE_PRELOAD_SHAREDMEM_ENTRIES_H
#define LSATRACE_PRELOAD_SHAREDMEM_ENTRIES_H

#include "include/slots.h"

/* By slot, as in functions.h. */
extern void *const sharedmem_entries[SLOT_COUNT];

#endif
