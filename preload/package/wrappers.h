/* SPDX-License-Identifier: MIT */
/*
 * The functions of a package that the host calls through us: the slots of its own table, or its
 * exports, by which a table is handed over, and those whose results change hands. All others stay the
 * package's. And one of the host's: UnloadPackage, by which a package says that it goes.
 *
 * There is one function for each slot and number of a package (packages.h): nothing they are given
 * says whose they are.
 */
#ifndef LSATRACE_PRELOAD_PACKAGE_WRAPPERS_H
#define LSATRACE_PRELOAD_PACKAGE_WRAPPERS_H

#include "preload/call/originals.h"

extern void *const wrappers[WRAPPED_COUNT][WRAPPED_PACKAGES];

#endif
