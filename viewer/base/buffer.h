/* SPDX-License-Identifier: MIT */
/*
 * A text that grows at its end, and the one way in which the viewer writes numbers, addresses,
 * counts and foreign text into it. `events` writes millions of lines, so the functions for numbers
 * format by hand: printf takes five times as long.
 *
 * Text from a trace, or from debug information, may hold any bytes. buffer_utf8 makes it valid
 * UTF-8; buffer_plain also removes control characters, which a terminal would obey.
 *
 * A zeroed struct is an empty buffer. A buffer is for one thread at a time.
 */
#ifndef LSATRACE_VIEWER_BASE_BUFFER_H
#define LSATRACE_VIEWER_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct progress;

struct buffer {
	char *data; /* terminated; NULL until something is appended */
	size_t used, room;
	FILE *out;                 /* where the text goes as it grows; NULL: it stays in memory */
	struct progress *progress; /* the bar that is removed before a write, or NULL */
	uint64_t written;          /* bytes */
	bool is_to_file;           /* a regular one: what is written shows nowhere */
	/* If not NULL: appends what becomes of whole lines on their way to `out`. */
	void (*shape)(struct buffer *shaped, const char *lines, size_t bytes, unsigned width);
	unsigned width; /* for shape() */
	int error;      /* errno of the first write to `out` that failed; 0: none did */
};

/*
 * From now on the buffer holds only the end of the text: the rest goes to `out`, about 64 KiB of whole
 * lines at a time. A progress bar (or NULL) is removed before that; but if it goes to a file, the bar says
 * how much has. After a write that failed, further
 * text is dropped. The caller keeps `out`.
 */
void buffer_stream(struct buffer *b, FILE *out, struct progress *progress);
/* Writes what is left to `out`. Returns 0, or errno of the first write that failed. */
int buffer_flush(struct buffer *b);

/* Frees the text. The buffer is empty afterwards. */
void buffer_release(struct buffer *b);

/* Each of the following appends to the buffer. */
void buffer_bytes(struct buffer *b, const char *bytes, size_t count);
/* The length of a literal is known here. */
static inline void buffer_text(struct buffer *b, const char *text)
{
	buffer_bytes(b, text, strlen(text));
}
void buffer_format(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_blanks(struct buffer *b, size_t count);

void buffer_decimal(struct buffer *b, uint64_t number);
/* The same for negative numbers. */
void buffer_signed(struct buffer *b, int64_t number);
/* With leading zeroes, at least `digits` (1..20) digits. */
void buffer_padded(struct buffer *b, uint64_t number, unsigned digits);
/* An address or offset: "0x7f12", lower case, without leading zeroes. */
void buffer_hex(struct buffer *b, uint64_t number);
/* Two hexadecimal digits a byte, as a build-id is written. */
void buffer_hex_bytes(struct buffer *b, const uint8_t *bytes, size_t count);
/* "1 block", "2 blocks": a number with a noun. */
void buffer_count(struct buffer *b, uint64_t number, const char *noun);
/* "1,234,567" */
void buffer_grouped(struct buffer *b, uint64_t number);
/* Bytes in the largest unit of which there is one: "512 B", "1.5 KiB", "3.0 GiB"; cut, not rounded. */
void buffer_size(struct buffer *b, uint64_t bytes);
/* Seconds, with `digits` (1..9) digits after the point; further ones are cut off. */
void buffer_seconds(struct buffer *b, uint64_t ns, unsigned digits);

/* Replaces what is not UTF-8, and zero bytes, by U+FFFD. */
void buffer_utf8(struct buffer *b, const char *bytes, size_t count);
/* The same for a terminated text; also replaces each control character by "?". */
void buffer_plain(struct buffer *b, const char *text);

/*
 * Returns how many of the first bytes are printable ASCII, but not `a` or `b`. Most text is that, and
 * eight bytes are looked at at once.
 */
size_t buffer_span(const char *bytes, size_t count, char a, char b);

/* Returns the text, never NULL, for the caller to free. The buffer is empty afterwards. */
char *buffer_take(struct buffer *b);
/* The same as buffer_utf8() and buffer_plain(), into a text of its own. */
char *buffer_take_utf8(const char *bytes, size_t count);
char *buffer_take_plain(const char *text);
/* The same as buffer_take_utf8(). A text of more than `most` bytes (3 or more) is cut, and ends in "…". */
char *buffer_take_cut(const char *bytes, size_t count, size_t most);

#endif
