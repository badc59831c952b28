/* SPDX-License-Identifier: MIT */
/*
 * The file of a trace, opened for reading. It is not mapped: a file that shrinks while it is read
 * is an error here, and no SIGBUS.
 *
 * There is no state but the descriptor. Safe from any thread.
 */
#ifndef LSATRACE_VIEWER_READ_INPUT_H
#define LSATRACE_VIEWER_READ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "viewer/read/trouble.h"

struct progress;

/*
 * Opens a regular file that is not empty; does not wait for the writer of a FIFO. Returns its
 * descriptor, or that of what was in it if it is compressed, for input_close(); or -1 with the trouble
 * filled in. The progress, which may be NULL, is that of unpacking.
 */
int input_open(const char *path, struct progress *progress, struct trouble *t);

/*
 * Does the file begin as a trace does, or as a compressed one? If not, it may be a baseline, whose text
 * begins with the same letters and '-'. Returns false for a file that cannot be read.
 */
bool input_is_trace(const char *path);

/* Accepts -1. */
void input_close(int fd);

/* Writes the file's size in bytes to *size. */
bool input_size(int fd, uint64_t *size, struct trouble *t);

/*
 * Finds the first bytes at or behind `at` that are no hole of the file: [*start, *end). Returns false
 * if there are none. Where the file system does not tell holes from data, all is data.
 */
bool input_find_data(int fd, uint64_t at, uint64_t *start, uint64_t *end);

/* Copies all of [at, at + bytes) of the file to `to`. */
bool input_read(int fd, void *to, size_t bytes, uint64_t at, struct trouble *t);

#endif
