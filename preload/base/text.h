/* SPDX-License-Identifier: MIT */
/*
 * Builds and reads short texts without an allocator.
 *
 * The characters lie in a buffer of the caller's. They always end in a NUL; what does not fit is
 * cut off, and is_cut tells so. Each text belongs to one thread. Async-signal-safe.
 */
#ifndef LSATRACE_PRELOAD_BASE_TEXT_H
#define LSATRACE_PRELOAD_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Enough for a line that names a file. */
enum { TEXT_LINE_BYTES = 4600 };

struct text {
	char *at;
	size_t size;  /* of the buffer, at least 1 */
	size_t bytes; /* without the NUL */
	bool is_cut;
};

/* An empty text in a buffer, which is an array. */
#define TEXT_IN(buffer) \
	((struct text){ .at = ((buffer)[0] = '\0', (buffer)), .size = sizeof(buffer) })

void text_add(struct text *t, const char *string);
void text_add_bytes(struct text *t, const char *bytes, size_t count);
void text_add_number(struct text *t, uint64_t number);
/* In hexadecimal, with "0x" before it. */
void text_add_address(struct text *t, uint64_t address);

/* At start-up: notes which file standard error is. */
void text_start(void);

/* Writes "lsatrace: ", the text and a newline to standard error, in one call. Does nothing if
 * descriptor 2 is another file than it was at start-up: it is the host's own then. errno stays as it
 * is. */
void text_say(const struct text *t);

/* Reads a decimal number at `*at`, up to the first other character or `end`, and moves `*at`
 * there. No digits are 0. */
uint64_t text_read_number(const char **at, const char *end);

/* The value of a hexadecimal digit in lower case; -1 if it is none. */
int text_hex_value(char digit);

#endif
