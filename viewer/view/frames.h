/* SPDX-License-Identifier: MIT */
/*
 * Writes stacks as text: one line for each frame, and one for each call inlined into it. The text
 * report and `events` use it.
 *
 * Frames of the host and of the C library, which are most, are folded: several that follow each other
 * are one line. Those of the package are in bold.
 */
#ifndef LSATRACE_VIEWER_VIEW_FRAMES_H
#define LSATRACE_VIEWER_VIEW_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

struct buffer;
struct model;
struct model_frame;
struct model_stack;
struct symbol;
struct symbols;

/* In the order of --names' values. */
enum frames_names { FRAMES_NAMES_SHORT, FRAMES_NAMES_FULL, FRAMES_NAMES_LINKAGE };

struct frames_style {
	const char *indent; /* before each line */
	char *folder;       /* files below it are shown relative to it; NULL: none are */
	bool has_color;
	bool has_all; /* no frames are folded */
	enum frames_names names;
	unsigned source; /* lines of source that are shown for the first frame of the package */
};

/* Returns a style for the current folder, for frames_release(). */
struct frames_style frames_style(const char *indent, bool has_color);
void frames_release(struct frames_style *style);

/* Appends the lines of a stack. `package` is the one that made the call. */
void frames_write(struct buffer *b, const struct frames_style *style, struct symbols *symbols,
		  const struct model *model, uint32_t package, const struct model_stack *stack);

/* Appends "function at file:line" of the innermost function at a frame, as much as is known. */
void frames_write_place(struct buffer *b, const struct frames_style *style, struct symbols *symbols,
			const struct model_frame *frame);

/* Appends "function at file:line" of a symbol at the frame, for a table: without the file's folder. */
void frames_write_brief(struct buffer *b, const struct frames_style *style,
			const struct symbol *symbol, const struct model_frame *frame);

#endif
