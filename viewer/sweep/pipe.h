/* SPDX-License-Identifier: MIT */
/*
 * Whole messages through a pipe or a socket, between a process and one that it has made. Signals do not interrupt
 * them.
 *
 * Any thread. Nothing here prints.
 */
#ifndef LSATRACE_VIEWER_SWEEP_PIPE_H
#define LSATRACE_VIEWER_SWEEP_PIPE_H

#include <stdbool.h>
#include <stddef.h>

/* Return false if the other end is closed, or with errno set. */
bool pipe_write(int fd, const void *bytes, size_t count);
bool pipe_read(int fd, void *bytes, size_t count);

#endif
