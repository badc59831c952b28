/* SPDX-License-Identifier: MIT */
/* The file by which `lsatrace run` learns of traces, if it started this process. */
#ifndef LSATRACE_PRELOAD_FILE_SESSION_H
#define LSATRACE_PRELOAD_FILE_SESSION_H

#include <stddef.h>

/* Tells of a trace; or, with the mark "!", why there is none. Adds a line. */
void session_tell(const char *mark, const char *text, size_t bytes);

#endif
