/* SPDX-License-Identifier: MIT */
/* Writes findings into the page: a row of the table, and an article with the stacks. */
#ifndef LSATRACE_VIEWER_PAGE_ARTICLE_H
#define LSATRACE_VIEWER_PAGE_ARTICLE_H

#include <stdbool.h>
#include <stddef.h>

struct buffer;
struct finding;
struct findings;
struct symbols;

void article_write_row(struct buffer *b, const struct findings *findings, const struct finding *f);
void article_write(struct buffer *b, const struct finding *f, struct symbols *symbols,
		   bool has_stacks);

#endif
