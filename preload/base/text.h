/* SPDX-License-Identifier: MIT */
/*
 * One line on standard error, in the few cases in which the tracer speaks: a bad option, a trace that
 * could not be made, --on-error. Also the building of short texts without an allocator.
 */
#ifndef LSATRACE_PRELOAD_BASE_TEXT_H
#define LSATRACE_PRELOAD_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define SAY_BYTES 4600

/* A text under construction; what does not fit is cut off. */
struct line {
	size_t bytes;
	char text[SAY_BYTES];
};

void line_bytes(struct line *l, const char *text, size_t bytes);
void line_text(struct line *l, const char *text);
void line_number(struct line *l, uint64_t number);
void line_address(struct line *l, uint64_t address);
/* The name of an errno value, such as "No space left on device". */
void line_errno(struct line *l, int error);

/* Writes "lsatrace: ", the text and a line feed to standard error. Keeps errno. */
void line_say(const struct line *l);

#endif
