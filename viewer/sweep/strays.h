/* SPDX-License-Identifier: MIT */
/*
 * Processes that a command leaves behind. They become children of its nearest ancestor that is a reaper.
 *
 * For processes with one thread.
 */
#ifndef LSATRACE_VIEWER_SWEEP_STRAYS_H
#define LSATRACE_VIEWER_SWEEP_STRAYS_H

#include <stdbool.h>
#include <sys/types.h>

/* Makes this process a reaper. */
void strays_adopt(void);
/* Kills the children of this process, and theirs, but not those that are its own. `is_own` NULL: none is.
 * Writes the numbers of those that had not ended to the file at `path`, if there are any. NULL: to none. */
void strays_end(bool (*is_own)(const void *context, pid_t child), const void *context,
		const char *path);
/* Is a process in such a file? */
bool strays_have(const char *path, pid_t pid);

#endif
