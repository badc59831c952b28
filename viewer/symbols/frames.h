/* SPDX-License-Identifier: MIT */
/*
 * Writes stacks as text: one line for each frame, and one for each call inlined into it. The text
 * report and `events` use it.
 */
#ifndef LSATRACE_VIEWER_SYMBOLS_FRAMES_H
#define LSATRACE_VIEWER_SYMBOLS_FRAMES_H

#include <stdbool.h>

struct buffer;
struct model_frame;
struct model_stack;
struct symbols;

struct frames_style {
	const char *indent; /* before each line */
	char *folder;       /* files below it are shown relative to it; NULL: none are */
	bool has_color;
};

/* Returns a style for the current folder, for frames_release(). */
struct frames_style frames_style(const char *indent, bool has_color);
void frames_release(struct frames_style *style);

/* Appends the lines of a stack. */
void frames_write(struct buffer *b, const struct frames_style *style, struct symbols *symbols,
		  const struct model_stack *stack);

/* Appends "function at file:line" of the innermost function at a frame, as much as is known. */
void frames_write_place(struct buffer *b, const struct frames_style *style, struct symbols *symbols,
			const struct model_frame *frame);

#endif
