/* SPDX-License-Identifier: MIT */
/* The name of a trace file, from the pattern that the user gave. */
#ifndef LSATRACE_PRELOAD_FILE_NAME_H
#define LSATRACE_PRELOAD_FILE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NAME_BYTES_MOST = 4096 };

struct name {
	size_t bytes;
	bool cut_off; /* it did not fit */
	char text[NAME_BYTES_MOST + 1];
};

/*
 * Expands %e, %p, %h, %t and %%; any other % stays as it is. A name that is not absolute is meant in
 * `folder`. Always terminated.
 */
void name_expand(struct name *name, const char *pattern, size_t bytes, const char *folder,
		 uint64_t start_time_s);

/* Appends ".1", ".2" and so on to a name that is taken. */
void name_number(struct name *name, size_t base_bytes, unsigned number);

#endif
