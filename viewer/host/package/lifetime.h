/* SPDX-License-Identifier: MIT */
/* Begin and end of the packages. Main thread only, while no other one calls packages. */
#ifndef LSATRACE_HOST_PACKAGE_LIFETIME_H
#define LSATRACE_HOST_PACKAGE_LIFETIME_H

#include "viewer/host/memory/clients.h"
#include "viewer/host/package/packages.h"

/* Calls InitializePackage, Initialize and GetInfo, and InstanceInit in a client, of each package. */
void lifetime_begin(const LSA_SECPKG_NEWEST_TABLE *table, const SECPKG_DLL_FUNCTIONS *client_table);

/* Calls Shutdown of each package. */
void lifetime_end(void);

/* Calls GetInfo, which the package must have, for a client or NULL. Any thread. */
NTSTATUS lifetime_get_info(const struct package *package, struct client *client, SecPkgInfoW *info);

#endif
