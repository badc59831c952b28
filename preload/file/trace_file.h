/* SPDX-License-Identifier: MIT */
/*
 * The trace's file: named as the user asked, never in the place of another, and, where the file
 * system can do it, without a name until it is a whole trace.
 */
#ifndef LSATRACE_PRELOAD_FILE_TRACE_FILE_H
#define LSATRACE_PRELOAD_FILE_TRACE_FILE_H

#include <stdbool.h>

#include "preload/file/name.h"

struct trace_file {
	int fd;
	bool named;       /* false: it gets its name by trace_file_publish() */
	struct name name; /* as far as it is known, also after a failure */
};

/* Makes the file. False, with errno set: it cannot be made. `folder` is where relative names are
 * meant. */
bool trace_file_create(struct trace_file *file, const char *folder, uint64_t start_time_s);

/* Gives it its name, if it has none. False, with errno set: it cannot have one. */
bool trace_file_publish(struct trace_file *file);

/* Takes a file away that came to nothing. The descriptor is closed. */
void trace_file_abandon(struct trace_file *file);

#endif
