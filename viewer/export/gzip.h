/* SPDX-License-Identifier: MIT */
/* A stream that compresses what is written to it, as gzip does. */
#ifndef LSATRACE_VIEWER_EXPORT_GZIP_H
#define LSATRACE_VIEWER_EXPORT_GZIP_H

#include <stdio.h>

/*
 * Returns a stream that writes to `out`, which stays open when this one is closed. fclose() fails if
 * anything could not be written. Never NULL.
 */
FILE *gzip_open(FILE *out);

#endif
