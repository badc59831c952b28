/* SPDX-License-Identifier: MIT */
/*
 * Handles: tokens, threads, notifications, users of the account database. They are numbers that stand for nothing
 * else, and are never used twice, so the use of a closed one is found. Any thread.
 */
#ifndef LSATRACE_HOST_LSA_OBJECTS_H
#define LSATRACE_HOST_LSA_OBJECTS_H

#include <stdbool.h>

#include "include/secpkg.h"

enum object { OBJECT_TOKEN, OBJECT_THREAD, OBJECT_NOTIFICATION, OBJECT_USER };

/* Returns a new handle. `data` is the caller's. */
HANDLE object_new(enum object kind, void *data);

/* Is this a handle of this kind? If it is one that was closed, or of another kind, that is told. */
bool object_is(enum object kind, HANDLE handle);

/* Sets *data, closes the handle, and returns true, if it is a handle of this kind. */
bool object_close(enum object kind, HANDLE handle, void **data);

/* These are slots of the table. A handle that is none of the host's is the package's own, and is accepted. */
LSA_DUPLICATE_HANDLE object_duplicate;

#endif
