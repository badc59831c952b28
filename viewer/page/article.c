/* SPDX-License-Identifier: MIT */
#include "viewer/page/article.h"

#include <string.h>

#include "include/kinds.h"
#include "viewer/base/buffer.h"
#include "viewer/findings/message.h"
#include "viewer/model/model.h"
#include "viewer/page/html.h"
#include "viewer/symbols/symbols.h"

/* The fingerprint, as it is in a link. */
static void write_anchor(struct buffer *b, const struct finding *f)
{
	buffer_format(b, "f-%s", f->fingerprint);
}

/* "function at file.c:12", or where it is in its module */
static void write_place(struct buffer *b, const struct model_frame *frame,
			const struct symbol *symbol, bool is_short)
{
	const char *slash = symbol->file ? strrchr(symbol->file, '/') : NULL;

	if (symbol->function) {
		html_element(b, "b", symbol->function);
	} else {
		html_text(b, frame->module ? frame->module->base : "?");
		buffer_text(b, "+");
		buffer_hex(b, frame->offset);
	}
	if (!symbol->file)
		return;
	buffer_text(b, " <span class=at>");
	html_text(b, is_short && slash ? slash + 1 : symbol->file);
	if (symbol->line)
		buffer_format(b, ":%u", symbol->line);
	buffer_text(b, "</span>");
}

/* The first stack, from its first function of the package on. */
static void write_where(struct buffer *b, const struct finding *f, struct symbols *symbols)
{
	const struct model_stack *stack = NULL;
	const struct model_frame *frame;

	for (unsigned i = 0; i < TRACE_FINDING_STACKS && !stack; i++)
		stack = f->stack[i];
	if (!stack) {
		buffer_text(b, "no backtrace");
		return;
	}
	frame = model_own_frame(f->model, f->package, stack);
	write_place(b, frame, symbols_find(symbols, frame->module, frame->offset), true);
}

void article_write_row(struct buffer *b, const struct finding *f, size_t number,
		       struct symbols *symbols)
{
	const char *level = kinds_level_text(f->level);

	buffer_format(b, "<tr class=%s><td>%zu<td>%s<td>", level, number, level);
	message_write_kind(b, f);
	buffer_text(b, "<td class=n>");
	buffer_decimal(b, f->count);
	buffer_text(b, "<td class=n>");
	buffer_decimal(b, f->bytes);
	buffer_text(b, "<td><a href=\"#");
	write_anchor(b, f);
	buffer_text(b, "\">");
	write_where(b, f, symbols);
	buffer_text(b, "</a><td>");
	html_package(b, f->model, f->package);
	buffer_text(b, "\n");
}

static void write_frame(struct buffer *b, const struct model_frame *frame,
			const struct symbol *symbol)
{
	for (; symbol; symbol = symbol->outer) {
		buffer_text(b, "<li>");
		write_place(b, frame, symbol, false);
		if (frame->module && symbol->function) {
			buffer_text(b, " <span class=at>");
			html_text(b, frame->module->base);
			buffer_text(b, symbol->is_inlined ? ", inlined</span>" : "</span>");
		}
	}
}

/* Frames of others in a row are folded. */
static void write_stack(struct buffer *b, const struct finding *f, const struct model_stack *stack,
			struct symbols *symbols)
{
	uint32_t i = 0, end;

	buffer_text(b, "<ol class=stack>");
	while (i < stack->frames) {
		bool is_own = model_is_in_package(f->model, f->package, &stack->frame[i]);

		for (end = i + 1; end < stack->frames; end++)
			if (model_is_in_package(f->model, f->package, &stack->frame[end]) != is_own)
				break;
		buffer_text(b, is_own ? "" : "<li class=other><details><summary>");
		if (!is_own) {
			buffer_count(b, end - i, "frame");
			buffer_text(b, " outside of the package</summary><ol>");
		}
		for (; i < end; i++)
			write_frame(b, &stack->frame[i],
				    symbols_find(symbols, stack->frame[i].module,
						 stack->frame[i].offset));
		buffer_text(b, is_own ? "" : "</ol></details>");
	}
	if (stack->is_truncated)
		buffer_text(b, "<li>(outer frames were not recorded)");
	buffer_text(b, "</ol>\n");
}

void article_write(struct buffer *b, const struct finding *f, size_t number, struct symbols *symbols)
{
	static const char *const titles[TRACE_FINDING_STACKS] = {
		[TRACE_STACK_CALL] = "the call was made by",
		[TRACE_STACK_ALLOCATE] = "the block was allocated by",
		[TRACE_STACK_FREE] = "it was freed by",
		[TRACE_STACK_CREATE] = "the section was created by",
		[TRACE_STACK_DELETE] = "the section was deleted by",
		[TRACE_STACK_OWNER_CREATE] = "its own section was created by",
	};

	buffer_format(b, "<article class=%s id=\"", kinds_level_text(f->level));
	write_anchor(b, f);
	buffer_format(b, "\"><h3>%zu. ", number);
	message_write_kind(b, f);
	buffer_text(b, " <a href=\"#");
	write_anchor(b, f);
	buffer_format(b, "\" aria-label=\"link to finding %zu\">#</a></h3>\n", number);
	html_element(b, "p class=message", f->message);
	buffer_text(b, "<p class=facts>");
	buffer_count(b, f->count, "occurrence");
	buffer_text(b, ", ");
	buffer_count(b, f->bytes, "byte");
	buffer_text(b, "; package ");
	html_package(b, f->model, f->package);
	if (f->family) {
		buffer_text(b, "; ");
		html_text(b, f->family);
	}
	buffer_format(b, "; process %d; fingerprint %s</p>\n", model_process(f->model)->pid,
		      f->fingerprint);
	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++) {
		if (!f->stack[i] ||
		    (i == TRACE_STACK_DELETE && f->kind == TRACE_KIND_LIVE_AT_DELETE))
			continue;
		html_element(b, "h4", titles[i]);
		write_stack(b, f, f->stack[i], symbols);
	}
	buffer_text(b, "</article>\n");
}
