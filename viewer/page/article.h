/* SPDX-License-Identifier: MIT */
/* Writes findings into the page: a row of the table, and an article with the stacks; and any other stack. */
#ifndef LSATRACE_VIEWER_PAGE_ARTICLE_H
#define LSATRACE_VIEWER_PAGE_ARTICLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct finding;
struct findings;
struct model;
struct model_stack;
struct symbols;

void article_write_row(struct buffer *b, const struct findings *findings, const struct finding *f);
void article_write(struct buffer *b, const struct finding *f, struct symbols *symbols,
		   bool has_stacks);

/* Frames outside of the package are folded, and its innermost function has its source. */
void article_write_stack(struct buffer *b, const struct model *model, uint32_t package,
			 const struct model_stack *stack, struct symbols *symbols);

#endif
