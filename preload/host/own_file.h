/* SPDX-License-Identifier: MIT */
/* Files that the tracer has open in the host: how large they may become, and whether a
 * descriptor is still the tracer's. The host may close any descriptor, and get the same number for
 * a file of its own. Any thread. */
#ifndef LSATRACE_PRELOAD_HOST_OWN_FILE_H
#define LSATRACE_PRELOAD_HOST_OWN_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Whether RLIMIT_FSIZE allows a file of `bytes` bytes. Going beyond it would raise SIGXFSZ. */
bool own_file_may_have(uint64_t bytes);

/* Makes a memory file of `bytes` bytes, all zero, for shared memory. Its size cannot be changed:
 * otherwise whoever opens it could shorten it, and the host would die of SIGBUS. Returns its
 * descriptor; -1 if that is not possible. */
int own_file_make(uint64_t bytes);

/* Makes a copy of a descriptor with a high number: 4096 or more, or in the upper half where there
 * are fewer. Hosts rely on the lowest free number for the next file that they open, and some close
 * all low numbers. Returns -1 if no high number is free. */
int own_file_copy_high(int fd);

/* Whether a descriptor, which may be -1, is open and refers to that file. */
bool own_file_is(int fd, dev_t device, ino_t inode);

#endif
