/* SPDX-License-Identifier: MIT */
/*
 * Memory for the viewer. Requests are bounded by the size of the trace, because counts in the trace
 * are checked first. So a lack of memory is the fault of the machine and not of the trace. It ends
 * the program with one line and status 2, and no caller has to handle it.
 *
 * Safe from any thread.
 */
#ifndef LSATRACE_VIEWER_BASE_MEMORY_H
#define LSATRACE_VIEWER_BASE_MEMORY_H

#include <stddef.h>

/* Returns `count` items of `size` bytes, all zero. Never NULL. */
void *memory_new(size_t count, size_t size);

/* Resizes `old` to `count` items of `size` bytes. Does not clear what is new. Never NULL. */
void *memory_resize(void *old, size_t count, size_t size);

/* Returns a terminated copy of `bytes` bytes. Never NULL. */
char *memory_text(const char *text, size_t bytes);

/* Ends the program. */
_Noreturn void memory_exhausted(void);

/* Makes room for one more item in an array that has `count` items and room for `room`. */
#define memory_room(array, count, room) \
	do { \
		if ((count) == (room)) { \
			(room) = (room) ? (room)*2 : 16; \
			(array) = memory_resize((array), (room), sizeof(*(array))); \
		} \
	} while (0)

#endif
