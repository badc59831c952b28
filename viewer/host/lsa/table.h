/* SPDX-License-Identifier: MIT */
/*
 * The tables that packages get: that of the LSA, as the newest SDK has it, and that of a client. Each slot does what its
 * documentation says, with what the host has in place of Windows; what makes no sense here returns
 * STATUS_NOT_SUPPORTED. They lie in read-only memory.
 */
#ifndef LSATRACE_HOST_LSA_TABLE_H
#define LSATRACE_HOST_LSA_TABLE_H

#include <stdbool.h>

#include "include/secpkg.h"

/* Returns the table, with shared memory of the host's own, or with NULL in its four slots. */
const LSA_SECPKG_NEWEST_TABLE *table_get(bool has_shared_memory);

extern const SECPKG_DLL_FUNCTIONS table_of_clients;

#endif
