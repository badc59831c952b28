/* SPDX-License-Identifier: MIT */
/*
 * The table of wrappers. A wrapper is a function that the host calls in place of one of a
 * package's: of those slots of the package's own table, or of those exports, by which the package
 * is given a table, tells its name, hands memory over, or fails. All others stay the package's. The one of
 * UnloadPackage is called by the package, in place of the host's. include/slots.h lists them.
 *
 * There is one wrapper for each of these slots and each number of a package (packages.h), because
 * nothing that they are given tells the packages apart. wrappers.c defines them, on top of the
 * modules that put them into tables; so their addresses are declared here, below.
 */
#ifndef LSATRACE_PRELOAD_PACKAGE_WRAPPED_H
#define LSATRACE_PRELOAD_PACKAGE_WRAPPED_H

#include "preload/call/originals.h"

extern void *const wrappers[WRAPPED_COUNT][WRAPPED_PACKAGES];

#endif
