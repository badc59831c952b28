/* SPDX-License-Identifier: MIT */
/*
 * Wine's own host of packages, secur32. It calls InitializePackage of each package that it loads, though
 * a package that is no authentication package has none: then it calls NULL. For its sake such a package
 * gets a function of that name in the host's copy of its table, which gives the package the name of its
 * file.
 */
#ifndef LSATRACE_PRELOAD_PACKAGE_WINE_HOST_H
#define LSATRACE_PRELOAD_PACKAGE_WINE_HOST_H

#include <stdbool.h>
#include <stddef.h>

/* Is a caller, a return address, that host? */
bool wine_host_is(const void *caller);

/* Writes the name of the file that holds an address, in lower case, without folder and extension. Returns
 * its length; 0: it is not known. */
size_t wine_host_name_package(const void *code, char *name, size_t bytes);

#endif
