/* SPDX-License-Identifier: MIT */
#include "viewer/view/frames.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "viewer/base/buffer.h"
#include "viewer/model/model.h"
#include "viewer/symbols/demangle.h"
#include "viewer/symbols/symbols.h"
#include "viewer/view/excerpt.h"

/* A stack that is being written. */
struct writer {
	struct buffer *text;
	const struct frames_style *style;
	struct symbols *symbols;
	const struct model *model;
	uint32_t package;
	unsigned number; /* of the next line */
	bool has_source; /* an excerpt was written */
};

struct frames_style frames_style(const char *indent, bool has_color)
{
	return (struct frames_style){
		.indent = indent,
		.folder = getcwd(NULL, 0),
		.has_color = has_color,
	};
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
			 const struct symbol *symbol, bool is_bold)
{
	buffer_text(b, is_bold ? "\033[1m" : "");
	if (style->names == FRAMES_NAMES_LINKAGE && symbol->linkage_name)
		buffer_plain(b, symbol->linkage_name);
	else if (style->names == FRAMES_NAMES_SHORT && symbol->function)
		demangle_shorten(b, symbol->function);
	else
		buffer_plain(b, symbol->function ? symbol->function : "?");
	buffer_text(b, is_bold ? "\033[0m" : "");
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
		write_symbol(b, style, symbol, style->has_color);
	else
		write_offset(b, frame);
}

void frames_write_brief(struct buffer *b, const struct frames_style *style,
			const struct symbol *symbol, const struct model_frame *frame)
{
	struct symbol brief = *symbol;
	const char *slash = brief.file ? strrchr(brief.file, '/') : NULL;

	if (slash)
		brief.file = slash + 1;
	if (is_known(symbol))
		write_symbol(b, style, &brief, false);
	else
		write_offset(b, frame);
}

static void write_line_start(struct writer *w)
{
	buffer_text(w->text, w->style->indent);
	buffer_text(w->text, "#");
	buffer_decimal(w->text, w->number++);
	buffer_text(w->text, " ");
}

/* Writes a line for the frame, and one for each inlined call. */
static void write_frame(struct writer *w, const struct model_frame *frame)
{
	const struct symbol *symbol = symbols_find(w->symbols, frame->module, frame->offset);
	bool is_own = model_is_in_package(w->model, w->package, frame);

	if (!is_known(symbol)) {
		write_line_start(w);
		write_offset(w->text, frame);
		buffer_text(w->text, "\n");
		return;
	}
	for (; symbol; symbol = symbol->outer) {
		write_line_start(w);
		write_symbol(w->text, w->style, symbol, is_own && w->style->has_color);
		buffer_text(w->text, " (");
		buffer_plain(w->text, frame->module->base);
		buffer_text(w->text, symbol->is_inlined ? ", inlined)\n" : ")\n");
		if (is_own && w->style->source && !w->has_source && symbol->file && symbol->line)
			w->has_source = excerpt_write(w->text, w->style->indent, symbol->file,
						      symbol->line, w->style->source);
	}
}

/* Is it of no interest: of the host, or of the C library, and not of the package? */
static bool is_foreign(const struct writer *w, const struct model_frame *frame)
{
	const char *exe = model_process(w->model)->exe;

	return frame->module && !model_is_in_package(w->model, w->package, frame) &&
	       (model_is_c_library(frame->module) || (exe && strcmp(frame->module->name, exe) == 0));
}

/* Writes one line for [first, end). */
static void write_folded(struct writer *w, const struct model_stack *stack, uint32_t first,
			 uint32_t end)
{
	const struct model_module *before = NULL;
	unsigned lines = 0;

	for (uint32_t i = first; i < end; i++)
		for (const struct symbol *s = symbols_find(w->symbols, stack->frame[i].module,
							   stack->frame[i].offset);
		     s; s = s->outer)
			lines++;
	buffer_text(w->text, w->style->indent);
	buffer_text(w->text, "... ");
	buffer_count(w->text, lines, "frame");
	for (uint32_t i = first; i < end; i++) {
		const struct model_module *module = stack->frame[i].module;

		if (module == before || (i > first && module == stack->frame[first].module))
			continue;
		buffer_text(w->text, before ? ", " : " of ");
		buffer_plain(w->text, module->base);
		before = module;
	}
	buffer_text(w->text, "\n");
	w->number += lines;
}

void frames_write(struct buffer *b, const struct frames_style *style, struct symbols *symbols,
		  const struct model *model, uint32_t package, const struct model_stack *stack)
{
	struct writer w = { b, style, symbols, model, package, 0, false };
	bool any = false;

	for (uint32_t i = 0; i < stack->frames; i++)
		any |= !is_foreign(&w, &stack->frame[i]);
	for (uint32_t i = 0, end; i < stack->frames; i = end) {
		end = i;
		/* The innermost frame made the call: it is never folded. */
		while (any && !style->has_all && i > 0 && end < stack->frames &&
		       is_foreign(&w, &stack->frame[end]))
			end++;
		if (end > i + 1) {
			write_folded(&w, stack, i, end);
		} else {
			write_frame(&w, &stack->frame[i]);
			end = i + 1;
		}
	}
	if (!stack->is_truncated)
		return;
	buffer_text(b, style->indent);
	buffer_text(b, "... (the outer frames were not recorded)\n");
}
