/* SPDX-License-Identifier: MIT */
#ifndef TESTS_WINDOWS_WINELIB_H
#define TESTS_WINDOWS_WINELIB_H

/*
 * Calls packages as a host for Linux does, and as one for Windows: winelib_windows.c is compiled once for each.
 */

/* Initialises the package of an entry point with a table of this convention, and calls it. Prints a line. */
void winelib_call_native(void *entry, const char *name);
void winelib_call_windows(void *entry, const char *name);

#endif
