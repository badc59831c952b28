/* SPDX-License-Identifier: MIT */
/*
 * Hash maps: uthash, as the viewer uses it. Include this header instead of <uthash.h>, whose own
 * answer to a lack of memory is to exit without a word, and whose own hash has no key (hash.h).
 */
#ifndef LSATRACE_VIEWER_BASE_MAP_H
#define LSATRACE_VIEWER_BASE_MAP_H

#include "viewer/base/hash.h"
#include "viewer/base/memory.h"

#define HASH_FUNCTION(key, bytes, hash) ((hash) = (unsigned)hash_bytes(key, bytes))
#define uthash_fatal(message) memory_exhausted()
#include <uthash.h>

/*
 * Empties a map, and calls release(item) for each of its items, to free it. HASH_CLEAR keeps the
 * items linked by hh.next.
 */
#define map_release(head, release) \
	do { \
		__typeof__(head) map_item = (head), map_next; \
\
		HASH_CLEAR(hh, (head)); \
		for (; map_item; map_item = map_next) { \
			map_next = map_item->hh.next; \
			release(map_item); \
		} \
	} while (0)

#endif
