/* SPDX-License-Identifier: MIT */
/*
 * Lets every call of a command fail, one in each run, and reports what comes of it. The first run is as it
 * is: it tells the sites, and which findings have nothing to do with failures.
 *
 * For one thread.
 */
#ifndef LSATRACE_VIEWER_SWEEP_SWEEP_H
#define LSATRACE_VIEWER_SWEEP_SWEEP_H

#include <stddef.h>

struct sweep;

/* Returns the exit status. `options` are those of the command line, for --resume. */
int sweep_do(struct sweep *s, char *const *options, size_t count);

#endif
