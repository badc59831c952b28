/* SPDX-License-Identifier: MIT */
#ifndef PLUGIN_H
#define PLUGIN_H

#include "include/secpkg.h"

#define PLUGIN_RUN_NAME "plugin_run"

/*
 * Does this so many `times`: opens the library of a package, finds its entry point by `way` (dlsym,
 * dlvsym, kept, default, linked), initialises the package with the table, calls it once, and closes
 * the library. Returns 0, or the number of the step that failed.
 */
int plugin_run(const char *way, const char *path, PLSA_SECPKG_FUNCTION_TABLE table, long times);

/* Returns lsatrace_leaks_since(NULL), called from this library. */
#define PLUGIN_LEAKS_NAME "plugin_leaks"
size_t plugin_leaks(void);

typedef __typeof__(plugin_leaks) plugin_leaks_function;
typedef __typeof__(plugin_run) plugin_run_function;

#endif
