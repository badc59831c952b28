/* SPDX-License-Identifier: MIT */
/* Writes findings into the page: a row of the table, and an article with the stacks. */
#ifndef LSATRACE_VIEWER_PAGE_ARTICLE_H
#define LSATRACE_VIEWER_PAGE_ARTICLE_H

#include <stddef.h>

struct buffer;
struct finding;
struct symbols;

/* `number` is that of the finding, from 1 on. */
void article_write_row(struct buffer *b, const struct finding *f, size_t number,
		       struct symbols *symbols);
void article_write(struct buffer *b, const struct finding *f, size_t number,
		   struct symbols *symbols);

#endif
