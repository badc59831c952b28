/* SPDX-License-Identifier: MIT */
/*
 * Writes text into HTML. All text of a trace goes through these, because a name may be markup.
 *
 * Pure functions.
 */
#ifndef LSATRACE_VIEWER_PAGE_HTML_H
#define LSATRACE_VIEWER_PAGE_HTML_H

#include <stdint.h>

struct buffer;
struct model;

/* Appends a text as plain text, for elements and for attributes in double quotes. */
void html_text(struct buffer *b, const char *text);

/* Appends "<TAG>text</TAG>"; `tag` may have attributes. */
void html_element(struct buffer *b, const char *tag, const char *text);
/* The same for a text of several lines. */
void html_lines(struct buffer *b, const char *tag, const char *lines);
/* The same for a number. */
void html_number(struct buffer *b, const char *tag, uint64_t number);

/* Appends a package's name, as model_write_package() does. */
void html_package(struct buffer *b, const struct model *model, uint32_t package);

#endif
