/* SPDX-License-Identifier: MIT */
/* The name of a trace file, made from the pattern that the user gave (--output). */
#ifndef LSATRACE_PRELOAD_FILE_NAME_H
#define LSATRACE_PRELOAD_FILE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NAME_BYTES_MOST = 4096 };

struct name {
	size_t bytes; /* without the NUL */
	bool cut_off; /* the name did not fit: it is of no use */
	char text[NAME_BYTES_MOST + 1];
};

/*
 * Expands %e (base name of the executable, or of the program that Wine runs), %p (pid), %h (name of the machine), %t (start_time_s,
 * seconds since 1970) and %%. Any other % stays. A pattern of `bytes` bytes that does not begin
 * with a slash is relative to `folder`, if that is not empty.
 */
void name_expand(struct name *name, const char *pattern, size_t bytes, const char *folder,
		 uint64_t start_time_s);

/* Cuts the name off after `base_bytes` bytes and appends ".1", ".2" and so on. */
void name_number(struct name *name, size_t base_bytes, unsigned number);

#endif
