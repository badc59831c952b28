/* SPDX-License-Identifier: MIT */
#include "viewer/symbols/frames.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "viewer/base/buffer.h"
#include "viewer/model/model.h"
#include "viewer/symbols/symbols.h"

struct frames_style frames_style(const char *indent, bool color)
{
	return (struct frames_style){ indent, getcwd(NULL, 0), color };
}

void frames_release(struct frames_style *style)
{
	free(style->folder);
	style->folder = NULL;
}

static void plain(struct buffer *b, const char *text)
{
	buffer_plain(b, text, strlen(text));
}

/* From what is below the current folder, that folder is left out. */
static const char *shorten(const struct frames_style *style, const char *file)
{
	size_t length = style->folder ? strlen(style->folder) : 0;

	if (length > 1 && strncmp(file, style->folder, length) == 0 && file[length] == '/')
		return file + length + 1;
	return file;
}

static void write_symbol(struct buffer *b, const struct frames_style *style,
			 const struct symbol *symbol)
{
	buffer_text(b, style->color ? "\033[1m" : "");
	plain(b, symbol->function ? symbol->function : "?");
	buffer_text(b, style->color ? "\033[0m" : "");
	if (!symbol->file)
		return;
	buffer_text(b, " at ");
	plain(b, shorten(style, symbol->file));
	if (symbol->line) {
		buffer_text(b, ":");
		buffer_decimal(b, symbol->line);
	}
}

static bool is_known(const struct symbol *symbol)
{
	return symbol->function || symbol->file;
}

static void write_offset(struct buffer *b, const struct model_frame *frame)
{
	if (frame->module) {
		plain(b, frame->module->base);
		buffer_text(b, "+");
	} else if (!frame->has_address) {
		buffer_text(b, "?+");
	}
	buffer_hex(b, frame->offset);
}

void frames_place(struct buffer *b, const struct frames_style *style, struct symbols *symbols,
		  const struct model_frame *frame)
{
	const struct symbol *symbol = symbols_find(symbols, frame->module, frame->offset);

	if (is_known(symbol))
		write_symbol(b, style, symbol);
	else
		write_offset(b, frame);
}

static void write_number(struct buffer *b, const struct frames_style *style, unsigned number)
{
	buffer_text(b, style->indent);
	buffer_text(b, "#");
	buffer_decimal(b, number);
	buffer_text(b, " ");
}

/* Returns the number of the next line. */
static unsigned write_frame(struct buffer *b, const struct frames_style *style,
			    struct symbols *symbols, const struct model_frame *frame,
			    unsigned number)
{
	const struct symbol *symbol = symbols_find(symbols, frame->module, frame->offset);

	if (!is_known(symbol)) {
		write_number(b, style, number);
		write_offset(b, frame);
		buffer_text(b, "\n");
		return number + 1;
	}
	for (; symbol; symbol = symbol->outer) {
		write_number(b, style, number++);
		write_symbol(b, style, symbol);
		buffer_text(b, " (");
		plain(b, frame->module->base);
		buffer_text(b, symbol->inlined ? ", inlined)\n" : ")\n");
	}
	return number;
}

void frames_write(struct buffer *b, const struct frames_style *style, struct symbols *symbols,
		  const struct model_stack *stack)
{
	unsigned number = 0;

	for (uint32_t i = 0; i < stack->frames; i++)
		number = write_frame(b, style, symbols, &stack->frame[i], number);
	if (!stack->truncated)
		return;
	buffer_text(b, style->indent);
	buffer_text(b, "... (the frames further out were not recorded)\n");
}
