/* SPDX-License-Identifier: MIT */
/*
 * Memory for the viewer. What is asked for is bounded by the size of the trace, whose counts are
 * checked first, so running out is the machine's state and not the trace's doing: it ends the
 * program with one line and status 2, and no caller has to unwind. Safe from any thread.
 */
#ifndef LSATRACE_VIEWER_BASE_MEMORY_H
#define LSATRACE_VIEWER_BASE_MEMORY_H

#include <stddef.h>

/* `count` items of `size` bytes, all zero. Never NULL. */
void *memory_new(size_t count, size_t size);

/* `old`, made `count` items of `size` bytes long; what is new is not cleared. Never NULL. */
void *memory_resize(void *old, size_t count, size_t size);

/* A terminated copy of `bytes` bytes. Never NULL. */
char *memory_text(const char *text, size_t bytes);

_Noreturn void memory_exhausted(void);

/*
 * Before uthash.h is included, whose own way out is a silent exit(-1). Maps are released by
 * HASH_CLEAR, which leaves the order of the items, and then going along hh.next.
 */
#define uthash_fatal(message) memory_exhausted()

/* Makes room for one more item in an array that doubles: `count` are used of `room`. */
#define memory_room(array, count, room) \
	do { \
		if ((count) == (room)) { \
			(room) = (room) ? (room)*2 : 16; \
			(array) = memory_resize((array), (room), sizeof(*(array))); \
		} \
	} while (0)

#endif
