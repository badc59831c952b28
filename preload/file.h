/* SPDX-License-Identifier: MIT */
/*
 * The trace's file: named as the user asked, never in the place of another, and, where the file
 * system can do it, without a name until it is a whole trace.
 */
#ifndef LSATRACE_FILE_H
#define LSATRACE_FILE_H

#include <stdbool.h>

#include "name.h"

struct file {
	int fd;
	bool named;       /* false: it gets its name by file_publish() */
	struct name name; /* as far as it is known, also after a failure */
};

/* Makes the file. False, with errno set: it cannot be made. `folder` is where relative names are
 * meant. */
bool file_create(struct file *file, const char *folder, uint64_t start_time_s);

/* Gives it its name, if it has none. False, with errno set: it cannot have one. */
bool file_publish(struct file *file);

/* Takes a file away that came to nothing. The descriptor is closed. */
void file_abandon(struct file *file);

#endif
