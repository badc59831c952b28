/* SPDX-License-Identifier: MIT */
/* A place in the source, as debug information has it: only the type. */
#ifndef LSATRACE_VIEWER_SYMBOLS_PLACE_H
#define LSATRACE_VIEWER_SYMBOLS_PLACE_H

#include <stdbool.h>
#include <stdint.h>

/* Texts are the bytes of the file, and are owned by whoever filled them in. */
struct place {
	const char *function;     /* perhaps mangled; NULL: unknown */
	const char *linkage_name; /* its symbol, with the suffix of a clone; NULL: unknown */
	const char *file;         /* NULL: unknown */
	const char *folder;       /* to which a relative file is relative; NULL: unknown */
	uint32_t line;            /* 0: unknown */
	bool is_inlined;          /* the next place is the one that it is inlined into */
};

#endif
