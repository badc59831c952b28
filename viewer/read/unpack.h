/* SPDX-License-Identifier: MIT */
/*
 * Unpacks a trace that was compressed with zstd or gzip, into a file without a name, which is then read
 * like any other. It goes into TMPDIR or /tmp, and if there is no room, into memory.
 *
 * Whatever the file claims, what is written is bounded (trace_format.h, 7): the chunks that the header
 * of the trace counts, and a multiple of the compressed file.
 *
 * There is no state but the descriptors. Safe from any thread.
 */
#ifndef LSATRACE_VIEWER_READ_UNPACK_H
#define LSATRACE_VIEWER_READ_UNPACK_H

#include <stdbool.h>
#include <stddef.h>

#include "viewer/read/trouble.h"

struct progress;

/* Do these first bytes of a file, of which there are `count`, begin compressed data? */
bool unpack_applies(const unsigned char *bytes, size_t count);

/*
 * Unpacks an open file from its first byte on. Returns the descriptor of the result, to be closed, or -1
 * with the trouble filled in. `fd` stays open. The progress may be NULL.
 */
int unpack_file(int fd, struct progress *progress, struct trouble *t);

#define UNPACK_FREE_BYTES (64u << 20) /* what any file may unpack to */
#define UNPACK_RATIO 1000u            /* and so many times its size beside */
#define UNPACK_WINDOW_LOG 25          /* of zstd: 32 MiB */

#endif
