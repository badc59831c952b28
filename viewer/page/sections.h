/* SPDX-License-Identifier: MIT */
/* The live sections of a trace in the page, and what is live in them, by whom. */
#ifndef LSATRACE_VIEWER_PAGE_SECTIONS_H
#define LSATRACE_VIEWER_PAGE_SECTIONS_H

struct buffer;
struct json;
struct model;
struct symbols;

/* Writes rows of a table. */
void sections_write_rows(struct buffer *b, const struct model *model, struct symbols *symbols);

/* Writes an object: the sections, and a bounded number of their blocks. */
void sections_write_blocks(struct json *j, const struct model *model, struct symbols *symbols);

#endif
