/* SPDX-License-Identifier: MIT */
/*
 * A hash of bytes with a key that differs from run to run: nobody can make a trace whose items all
 * have one hash, and thus make a search linear. So nothing that is printed may depend on a hash.
 *
 * Safe from any thread.
 */
#ifndef LSATRACE_VIEWER_BASE_HASH_H
#define LSATRACE_VIEWER_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *bytes, size_t count);

#endif
