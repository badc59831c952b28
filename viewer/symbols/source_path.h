/* SPDX-License-Identifier: MIT */
/*
 * Paths of source files in debug information, which may be those of Windows: "C:\src\a.c". All of the
 * viewer sees them with slashes, "C:/src/a.c", as Windows takes them as well. Pure.
 */
#ifndef LSATRACE_VIEWER_SYMBOLS_SOURCE_PATH_H
#define LSATRACE_VIEWER_SYMBOLS_SOURCE_PATH_H

#include <stdbool.h>

/* Does it begin with a drive, such as "C:/"? */
bool source_path_has_drive(const char *path);

/*
 * Returns the path of a file, absolute if the folder is (NULL: unknown) or the file itself: without "//",
 * "/./" and "x/../", so that one file has one path. Valid UTF-8, to be freed.
 */
char *source_path_join(const char *folder, const char *file);

#endif
