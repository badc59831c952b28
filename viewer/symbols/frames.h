/* SPDX-License-Identifier: MIT */
/*
 * A stack as text: one line a frame, inlined ones included. Used by the text report and by
 * `events`.
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
	char *folder;       /* paths below it are shown relative to it; NULL: none are */
	bool color;
};

/* The style for the current folder; released by frames_release. */
struct frames_style frames_style(const char *indent, bool color);
void frames_release(struct frames_style *style);

void frames_write(struct buffer *b, const struct frames_style *style, struct symbols *symbols,
		  const struct model_stack *stack);

/* "function at file:line", or as much of it as is known; of the innermost function. */
void frames_place(struct buffer *b, const struct frames_style *style, struct symbols *symbols,
		  const struct model_frame *frame);

#endif
