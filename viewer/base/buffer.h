/* SPDX-License-Identifier: MIT */
/*
 * Text that grows at its end, and the ways in which this program writes numbers into it. The
 * numbers are formatted by hand because `events` writes millions of lines, and printf takes five
 * times as long.
 *
 * Text from a trace, or from the debug information that a trace led to, is anybody's: buffer_utf8
 * makes it valid UTF-8, buffer_plain also takes away what a terminal would obey.
 *
 * A zeroed struct is an empty buffer. Not for use by two threads at once.
 */
#ifndef LSATRACE_VIEWER_BASE_BUFFER_H
#define LSATRACE_VIEWER_BASE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

struct buffer {
	char *data; /* terminated when anything was ever put in by the functions below */
	size_t used, room;
};

void buffer_release(struct buffer *b);

void buffer_bytes(struct buffer *b, const char *bytes, size_t count);
void buffer_text(struct buffer *b, const char *text);
void buffer_format(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

void buffer_decimal(struct buffer *b, uint64_t number);
/* With leading zeroes, at least `digits` (1..20) digits. */
void buffer_padded(struct buffer *b, uint64_t number, unsigned digits);
/* "0x7f12", lower case, without leading zeroes. */
void buffer_hex(struct buffer *b, uint64_t number);
/* Two digits a byte, as a build-id is written. */
void buffer_digits(struct buffer *b, const uint8_t *bytes, size_t count);

/* What is not UTF-8 becomes U+FFFD, and so does a zero byte. */
void buffer_utf8(struct buffer *b, const char *bytes, size_t count);
/* The same, and each control character becomes "?". */
void buffer_plain(struct buffer *b, const char *bytes, size_t count);

/* The text, which the caller frees; the buffer is empty afterwards. Never NULL. */
char *buffer_take(struct buffer *b);

#endif
