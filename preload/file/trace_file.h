/* SPDX-License-Identifier: MIT */
/*
 * The file of a trace, and its place in the file system. It gets the name that the user asked for,
 * or that name with ".1", ".2" and so on: it never replaces a file, and never follows a link. Where
 * the file system can do it, the file has no name before it is a whole trace, so that nobody finds
 * half of one, and a process that dies leaves none.
 *
 *	trace_file_create() ──▶ (caller writes the header) ──▶ trace_file_publish()
 *	                                               └────▶ trace_file_abandon()
 *
 * Under the cold lock.
 */
#ifndef LSATRACE_PRELOAD_FILE_TRACE_FILE_H
#define LSATRACE_PRELOAD_FILE_TRACE_FILE_H

#include <stdbool.h>

#include "preload/file/name.h"

struct trace_file {
	int fd;
	bool named;       /* false: trace_file_publish() gives it its name */
	struct name name; /* as far as it is known, also after a failure */
};

/* Makes the file. `folder` and `start_time_s` are those of name_expand(). Returns false with errno
 * set if it cannot be made. */
bool trace_file_create(struct trace_file *file, const char *folder, uint64_t start_time_s);

/* Gives the file its name, if it has none. Returns false with errno set if that fails. */
bool trace_file_publish(struct trace_file *file);

/* Removes a file that cannot become a trace, and closes its descriptor. */
void trace_file_abandon(struct trace_file *file);

#endif
