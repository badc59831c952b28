/* SPDX-License-Identifier: MIT */
/* Fits text into the width and the characters of a terminal. Pure. */
#ifndef LSATRACE_VIEWER_VIEW_LAYOUT_H
#define LSATRACE_VIEWER_VIEW_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

struct buffer;

/* Returns how many columns a text of UTF-8 takes; escape sequences of colours take none. */
size_t layout_columns(const char *text, size_t bytes);

/*
 * Appends whole lines. With a width, longer lines are broken between words, and go on four columns
 * further right than they began; words are not broken. With is_ascii, other characters are replaced.
 */
void layout_lines(struct buffer *to, const char *lines, size_t bytes, unsigned width, bool is_ascii);

/* Appends a text, cut to a number of columns (1 or more), with an ellipsis where something is left out. */
void layout_cut(struct buffer *to, const char *text, size_t columns);
/* The same, but of "function at file:line" the function is cut: first its parameters are left out, then
 * namespaces and classes, and then its end. If that is not enough, what is left is the end of the place, with the line. */
void layout_cut_place(struct buffer *to, const char *text, size_t columns);

#endif
