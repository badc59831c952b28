/* SPDX-License-Identifier: MIT */
/*
 * The host's own shared memory. A handle is the address of the section's memory. What the host knows of blocks lies
 * elsewhere, and handles and addresses are looked up. Any thread.
 */
#ifndef LSATRACE_HOST_MEMORY_SECTIONS_H
#define LSATRACE_HOST_MEMORY_SECTIONS_H

#include "include/secpkg.h"

/* These four are slots of the table. What is wrong is told. */
PVOID section_create(ULONG max_bytes, ULONG initial_bytes);
PVOID section_allocate(PVOID section, ULONG bytes);
void section_free(PVOID section, PVOID block);
BOOLEAN section_delete(PVOID section);

#endif
