/* SPDX-License-Identifier: MIT */
#include "viewer/page/article.h"

#include <inttypes.h>
#include <string.h>

#include "include/kinds.h"
#include "viewer/base/buffer.h"
#include "viewer/findings/message.h"
#include "viewer/model/model.h"
#include "viewer/page/html.h"
#include "viewer/report/text.h"
#include "viewer/symbols/demangle.h"
#include "viewer/symbols/symbols.h"
#include "viewer/view/excerpt.h"
#include "viewer/view/selection.h"

enum { SOURCE_LINES = 5, FAILED_MOST = 5 };

/* The fingerprint, as it is in a link. */
static void write_anchor(struct buffer *b, const struct finding *f)
{
	buffer_format(b, "f-%s", f->fingerprint);
}

static void write_offset(struct buffer *b, const struct model_frame *frame)
{
	html_text(b, frame->module ? frame->module->base : "?");
	buffer_text(b, "+");
	buffer_hex(b, frame->offset);
}

/* "function file.c:12" of the code that is to blame, as in the text's table; or where it is in its module. */
static void write_where(struct buffer *b, const struct findings *findings, const struct finding *f)
{
	const struct model_frame *frame;
	const struct symbol *symbol = selection_culprit(findings, f, &frame);
	struct buffer name = { 0 };
	const char *slash;

	if (!symbol) {
		buffer_text(b, "no backtrace");
		return;
	}
	if (symbol->function) {
		demangle_shorten(&name, symbol->function);
		html_element(b, "b", name.data);
		buffer_release(&name);
	} else {
		write_offset(b, frame);
	}
	if (!symbol->file)
		return;
	slash = strrchr(symbol->file, '/');
	buffer_text(b, " <span class=at>");
	html_text(b, slash ? slash + 1 : symbol->file);
	if (symbol->line)
		buffer_format(b, ":%u", symbol->line);
	buffer_text(b, "</span>");
}

void article_write_row(struct buffer *b, const struct findings *findings, const struct finding *f)
{
	const char *level = kinds_level_text(f->level);

	buffer_format(b, "<tr class=%s><td>%zu<td>%s<td>", level, f->number, level);
	message_write_kind(b, f);
	buffer_text(b, "<td class=n>");
	buffer_decimal(b, f->count);
	buffer_text(b, "<td class=n>");
	buffer_decimal(b, f->bytes);
	buffer_text(b, "<td><a href=\"#");
	write_anchor(b, f);
	buffer_text(b, "\">");
	write_where(b, findings, f);
	buffer_text(b, "</a><td>");
	html_package(b, f->model, f->package);
	buffer_text(b, "<td class=when>");
	text_write_time(b, "", f->last_ns ? f->last_ns : f->first_ns);
	if (f->baseline)
		html_element(b, "td", message_baseline(f));
	buffer_text(b, "\n");
}

/* A line for each function. */
static void write_frame(struct buffer *b, const struct model_frame *frame,
			const struct symbol *symbol)
{
	for (; symbol; symbol = symbol->outer) {
		if (symbol->function)
			html_text(b, symbol->function);
		else
			write_offset(b, frame);
		if (symbol->file) {
			buffer_text(b, "  ");
			html_text(b, symbol->file);
			if (symbol->line)
				buffer_format(b, ":%u", symbol->line);
		}
		if (frame->module && symbol->function) {
			buffer_text(b, "  ");
			html_text(b, frame->module->base);
			buffer_text(b, symbol->is_inlined ? ", inlined" : "");
		}
		buffer_text(b, "\n");
	}
}

/* The lines around the first function of the package, where its source is at hand. */
static void write_source(struct buffer *b, const struct model_frame *frame, struct symbols *symbols)
{
	const struct symbol *symbol = symbols_find(symbols, frame->module, frame->offset);
	struct buffer lines = { 0 };

	if (symbol->file && symbol->line &&
	    excerpt_write(&lines, "", symbol->file, symbol->line, SOURCE_LINES))
		html_lines(b, "pre class=source", lines.data);
	buffer_release(&lines);
}

/* Frames of others in a row are folded. There is one element for each run of frames, and not one for
 * each frame: of a thousand findings, a browser would need a second for these. */
void article_write_stack(struct buffer *b, const struct model *model, uint32_t package,
			 const struct model_stack *stack, struct symbols *symbols)
{
	bool has_source = false;
	uint32_t i = 0, end;

	while (i < stack->frames) {
		const struct model_frame *first = &stack->frame[i];
		bool is_own = model_is_in_package(model, package, first);

		for (end = i + 1; end < stack->frames; end++)
			if (model_is_in_package(model, package, &stack->frame[end]) != is_own)
				break;
		if (!is_own) {
			buffer_text(b, "<details class=other><summary>");
			buffer_count(b, end - i, "frame");
			buffer_text(b, " outside of the package</summary>");
		}
		buffer_text(b, "<pre class=stack>");
		for (; i < end; i++)
			write_frame(b, &stack->frame[i],
				    symbols_find(symbols, stack->frame[i].module,
						 stack->frame[i].offset));
		buffer_text(b, "</pre>");
		if (is_own && !has_source)
			write_source(b, first, symbols);
		has_source |= is_own;
		buffer_text(b, is_own ? "" : "</details>");
	}
	buffer_text(b, stack->is_truncated ? "<p>Outer frames were not recorded.</p>\n" : "\n");
}

static void write_facts(struct buffer *b, const struct finding *f)
{
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
	buffer_format(b, "; process %d", model_process(f->model)->pid);
	if (f->thread)
		buffer_format(b, ", thread %d", f->thread);
	text_write_time(b, f->first_ns == f->last_ns ? "; at " : "; first at ", f->first_ns);
	if (f->last_ns != f->first_ns)
		text_write_time(b, "; last at ", f->last_ns);
	if (f->baseline)
		buffer_format(b, "; %s", message_baseline(f));
	if (f->baseline == FINDING_GROWN)
		buffer_format(b, " from %" PRIu64, f->ceiling);
	buffer_format(b, "; fingerprint %s</p>\n", f->fingerprint);
}

static void write_stacks(struct buffer *b, const struct finding *f, struct symbols *symbols)
{
	static const char *const titles[TRACE_FINDING_STACKS] = {
		[TRACE_STACK_CALL] = "the call was made by",
		[TRACE_STACK_ALLOCATE] = "the block was allocated by",
		[TRACE_STACK_FREE] = "it was freed by",
		[TRACE_STACK_CREATE] = "the section was created by",
		[TRACE_STACK_DELETE] = "the section was deleted by",
		[TRACE_STACK_OWNER_CREATE] = "its own section was created by",
	};

	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++) {
		if (!f->stack[i] ||
		    (i == TRACE_STACK_DELETE && f->kind == TRACE_KIND_LIVE_AT_DELETE))
			continue;
		html_element(b, "h4", titles[i]);
		article_write_stack(b, f->model, f->package, f->stack[i], symbols);
	}
}

/* The calls on whose error paths it lies. */
static void write_failed(struct buffer *b, const struct finding *f, struct symbols *symbols)
{
	struct model_stack room;

	for (size_t i = 0; i < f->faileds && i < FAILED_MOST; i++) {
		const struct finding_failed *failed = &f->failed[i];
		const struct model_stack *stack = model_stack(failed->model, failed->stack, &room);

		buffer_text(b, i ? "<h4>and after " : "<h4>after ");
		html_text(b, model_function(failed->model, failed->function)->name);
		buffer_text(b, " was made to fail, called by</h4>\n");
		if (stack)
			article_write_stack(b, failed->model, failed->package, stack, symbols);
	}
	if (f->faileds > FAILED_MOST)
		buffer_format(b, "<p>and after %zu other calls.</p>\n", f->faileds - FAILED_MOST);
}

void article_write(struct buffer *b, const struct finding *f, struct symbols *symbols,
		   bool has_stacks)
{
	buffer_format(b, "<article class=%s id=\"", kinds_level_text(f->level));
	write_anchor(b, f);
	buffer_format(b, "\"><h3>%zu. ", f->number);
	message_write_kind(b, f);
	buffer_text(b, " <a href=\"#");
	write_anchor(b, f);
	buffer_format(b, "\" aria-label=\"link to finding %zu\">#</a></h3>\n", f->number);
	html_element(b, "p class=message", f->message);
	write_facts(b, f);
	if (has_stacks) {
		write_stacks(b, f, symbols);
		write_failed(b, f, symbols);
	} else {
		buffer_format(b,
			      "<p>lsatrace report --finding=%zu shows its backtraces: with those "
			      "of all findings, this page would be too large.</p>\n",
			      f->number);
	}
	buffer_text(b, "</article>\n");
}
