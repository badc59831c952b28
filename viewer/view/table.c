/* SPDX-License-Identifier: MIT */
#include "viewer/view/table.h"

#include <inttypes.h>
#include <string.h>

#include "include/kinds.h"
#include "viewer/base/buffer.h"
#include "viewer/base/sum.h"
#include "viewer/findings/findings.h"
#include "viewer/findings/wrappers.h"
#include "viewer/model/model.h"
#include "viewer/symbols/demangle.h"
#include "viewer/symbols/symbols.h"
#include "viewer/view/frames.h"
#include "viewer/view/layout.h"

#define MEASURED 1000u
#define WHERE_LEAST 24u
#define WHERE_MOST 60u

enum column { NUMBER, KIND, COUNT, BYTES, WHERE, PACKAGE, COLUMNS };

static const char *const titles[COLUMNS] = { "#", "kind", "count", "bytes", "where", "package" };

struct table {
	struct findings *findings;
	const struct frames_style *style;
	struct symbols *symbols;
	size_t width[COLUMNS];
	struct buffer cell[COLUMNS];
};

/* Finds the code of the package that is to blame: the innermost, but for wrappers. */
static const struct symbol *find_culprit(struct table *t, const struct finding *f,
					 const struct model_frame **frame)
{
	static const enum trace_finding_stacks order[] = { TRACE_STACK_CALL, TRACE_STACK_ALLOCATE,
							   TRACE_STACK_CREATE };
	const struct findings_namer *namer = &t->findings->namer;

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		const struct model_stack *stack = f->stack[order[i]];
		const struct symbol *symbol;
		unsigned first = f->skipped[order[i]], depth = first;

		if (!stack)
			continue;
		while ((symbol = wrappers_frame(stack, namer, depth, frame)) != NULL &&
		       !model_is_in_package(f->model, f->package, *frame))
			depth++;
		return symbol ? symbol : wrappers_frame(stack, namer, first, frame);
	}
	return NULL;
}

/* "function at file:line" of the package's own code, or what is known of it. */
static void write_where(struct table *t, const struct finding *f)
{
	struct buffer *b = &t->cell[WHERE];
	const struct model_frame *frame;
	const struct symbol *symbol = find_culprit(t, f, &frame);
	const char *slash;

	if (!symbol) {
		buffer_text(b, "?");
		return;
	}
	if (!symbol->function || !symbol->file) {
		frames_write_place(b, t->style, t->symbols, frame);
		return;
	}
	if (t->style->names == FRAMES_NAMES_LINKAGE && symbol->linkage_name)
		buffer_plain(b, symbol->linkage_name);
	else
		demangle_shorten(b, symbol->function);
	slash = strrchr(symbol->file, '/');
	buffer_text(b, " at ");
	buffer_plain(b, slash ? slash + 1 : symbol->file);
	if (symbol->line)
		buffer_format(b, ":%" PRIu32, symbol->line);
}

/* Returns the level. */
static enum trace_level fill_cells(struct table *t, size_t i)
{
	const struct finding *f = findings_get(t->findings, i);

	for (unsigned j = 0; j < COLUMNS; j++) {
		t->cell[j].used = 0;
		buffer_text(&t->cell[j], "");
	}
	buffer_decimal(&t->cell[NUMBER], i + 1);
	buffer_text(&t->cell[KIND], kinds_text(f->kind));
	buffer_text(&t->cell[KIND], f->reason ? "/" : "");
	buffer_text(&t->cell[KIND], kinds_reason_text(f->reason));
	buffer_grouped(&t->cell[COUNT], f->count);
	if (f->bytes)
		buffer_size(&t->cell[BYTES], f->bytes);
	write_where(t, f);
	model_write_package(f->model, f->package, &t->cell[PACKAGE]);
	return f->level;
}

static void measure_cells(struct table *t)
{
	for (unsigned j = 0; j < COLUMNS; j++) {
		size_t columns = layout_columns(t->cell[j].data, t->cell[j].used);

		if (columns > t->width[j])
			t->width[j] = columns;
	}
}

/* Gives the places what the terminal, or a long line, leaves for them. */
static void measure_where(struct table *t, unsigned width)
{
	size_t others = 2 * COLUMNS, room = WHERE_MOST;

	for (unsigned j = 0; j < COLUMNS; j++)
		others += j == WHERE ? 0 : t->width[j];
	if (width)
		room = width > others + WHERE_LEAST ? width - others : WHERE_LEAST;
	if (t->width[WHERE] > room)
		t->width[WHERE] = room;
}

/* Of "function at file:line" the function is cut. */
static void cut_cell(struct buffer *cut, const char *text, size_t width)
{
	const char *at = NULL, *next = text;
	struct buffer function = { 0 };
	size_t tail;

	while ((next = strstr(next, " at ")) != NULL)
		at = next++;
	tail = at ? layout_columns(at, strlen(at)) : 0;
	if (!at || layout_columns(text, strlen(text)) <= width || tail + 4 > width) {
		layout_cut(cut, text, width);
		return;
	}
	buffer_bytes(&function, text, (size_t)(at - text));
	layout_cut(cut, function.data, width - tail);
	buffer_text(cut, at);
	buffer_release(&function);
}

static void write_cell(struct buffer *b, const struct table *t, enum column j, const char *text)
{
	bool is_number = j == NUMBER || j == COUNT || j == BYTES;
	size_t columns;
	struct buffer cut = { 0 };

	cut_cell(&cut, text, t->width[j]);
	columns = layout_columns(cut.data, cut.used);
	buffer_text(b, "  ");
	if (is_number)
		buffer_format(b, "%*s", (int)(t->width[j] - columns), "");
	buffer_bytes(b, cut.data, cut.used);
	if (!is_number && j != PACKAGE)
		buffer_format(b, "%*s", (int)(t->width[j] - columns), "");
	buffer_release(&cut);
}

static void write_row(struct buffer *b, const struct table *t, const char *color)
{
	for (unsigned j = 0; j < COLUMNS; j++) {
		buffer_text(b, j == KIND ? color : "");
		write_cell(b, t, (enum column)j, t->cell[j].data);
		buffer_text(b, j == KIND && *color ? "\033[0m" : "");
	}
	buffer_text(b, "\n");
}

static void write_count(struct buffer *b, const struct findings *f)
{
	uint64_t occurrences = f->errors;

	sum_add(&occurrences, f->warnings);
	sum_add(&occurrences, f->notes);
	buffer_grouped(b, f->shown);
	buffer_text(b, f->shown == 1 ? " finding (" : " findings (");
	buffer_grouped(b, occurrences);
	buffer_text(b, occurrences == 1 ? " occurrence)\n\n" : " occurrences)\n\n");
}

void table_write(struct buffer *b, const struct frames_style *style, struct findings *findings,
		 struct symbols *symbols)
{
	static const char *const colors[] = {
		[TRACE_LEVEL_NOTE] = "\033[36m",
		[TRACE_LEVEL_WARNING] = "\033[35m",
		[TRACE_LEVEL_ERROR] = "\033[31m",
	};
	struct frames_style plain = *style;
	struct table t = { .findings = findings, .style = &plain, .symbols = symbols };

	if (findings->shown == 0)
		return;
	plain.has_color = false;
	write_count(b, findings);
	for (unsigned j = 0; j < COLUMNS; j++)
		buffer_text(&t.cell[j], titles[j]);
	measure_cells(&t);
	for (size_t i = 0; i < findings->shown && i < MEASURED; i++) {
		fill_cells(&t, i);
		measure_cells(&t);
	}
	measure_where(&t, b->width);
	for (unsigned j = 0; j < COLUMNS; j++) {
		t.cell[j].used = 0;
		buffer_text(&t.cell[j], titles[j]);
	}
	write_row(b, &t, "");
	for (size_t i = 0; i < findings->shown; i++) {
		enum trace_level level = fill_cells(&t, i);

		write_row(b, &t, style->has_color ? colors[level] : "");
	}
	buffer_text(b, "\n");
	for (unsigned j = 0; j < COLUMNS; j++)
		buffer_release(&t.cell[j]);
}
