/* SPDX-License-Identifier: MIT */
/* The live sections of a trace in the page, and what is live in them, by whom. */
#ifndef LSATRACE_VIEWER_PAGE_SECTIONS_H
#define LSATRACE_VIEWER_PAGE_SECTIONS_H

#include <stddef.h>
#include <stdint.h>

struct buffer;
struct json;
struct model;
struct symbols;

/* Writes up to *room rows of a table, and takes them from that. Returns how many sections are left out. */
uint64_t sections_write_rows(struct buffer *b, const struct model *model, struct symbols *symbols,
			     size_t *room);

/* Writes an object: a bounded number of sections, and of their blocks, and how many are left out. */
void sections_write_blocks(struct json *j, const struct model *model, struct symbols *symbols);

#endif
