/* SPDX-License-Identifier: MIT */
#include "viewer/symbols/frames.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "viewer/base/buffer.h"
#include "viewer/model/model.h"
#include "viewer/symbols/symbols.h"

struct frames_style frames_style(const char *indent, bool has_color)
{
	return (struct frames_style){ indent, getcwd(NULL, 0), has_color };
}

void frames_release(struct frames_style *style)
{
	free(style->folder);
	style->folder = NULL;
}

/* Returns the file's path relative to the style's folder, if it lies below that. */
static const char *shorten_path(const struct frames_style *style, const char *file)
{
	size_t length = style->folder ? strlen(style->folder) : 0;

	if (length > 1 && strncmp(file, style->folder, length) == 0 && file[length] == '/')
		return file + length + 1;
	return file;
}

static void write_symbol(struct buffer *b, const struct frames_style *style,
			 const struct symbol *symbol)
{
	buffer_text(b, style->has_color ? "\033[1m" : "");
	buffer_plain(b, symbol->function ? symbol->function : "?");
	buffer_text(b, style->has_color ? "\033[0m" : "");
	if (!symbol->file)
		return;
	buffer_text(b, " at ");
	buffer_plain(b, shorten_path(style, symbol->file));
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
		buffer_plain(b, frame->module->base);
		buffer_text(b, "+");
	} else if (!frame->has_address) {
		buffer_text(b, "?+");
	}
	buffer_hex(b, frame->offset);
}

void frames_write_place(struct buffer *b, const struct frames_style *style, struct symbols *symbols,
			const struct model_frame *frame)
{
	const struct symbol *symbol = symbols_find(symbols, frame->module, frame->offset);

	if (is_known(symbol))
		write_symbol(b, style, symbol);
	else
		write_offset(b, frame);
}

static void write_line_start(struct buffer *b, const struct frames_style *style, unsigned number)
{
	buffer_text(b, style->indent);
	buffer_text(b, "#");
	buffer_decimal(b, number);
	buffer_text(b, " ");
}

/* Writes a line for the frame, and one for each inlined call. Returns the next line's number. */
static unsigned write_frame(struct buffer *b, const struct frames_style *style,
			    struct symbols *symbols, const struct model_frame *frame,
			    unsigned number)
{
	const struct symbol *symbol = symbols_find(symbols, frame->module, frame->offset);

	if (!is_known(symbol)) {
		write_line_start(b, style, number);
		write_offset(b, frame);
		buffer_text(b, "\n");
		return number + 1;
	}
	for (; symbol; symbol = symbol->outer) {
		write_line_start(b, style, number++);
		write_symbol(b, style, symbol);
		buffer_text(b, " (");
		buffer_plain(b, frame->module->base);
		buffer_text(b, symbol->is_inlined ? ", inlined)\n" : ")\n");
	}
	return number;
}

void frames_write(struct buffer *b, const struct frames_style *style, struct symbols *symbols,
		  const struct model_stack *stack)
{
	unsigned number = 0;

	for (uint32_t i = 0; i < stack->frames; i++)
		number = write_frame(b, style, symbols, &stack->frame[i], number);
	if (!stack->is_truncated)
		return;
	buffer_text(b, style->indent);
	buffer_text(b, "... (the outer frames were not recorded)\n");
}
