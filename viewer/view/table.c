/* SPDX-License-Identifier: MIT */
#include "viewer/view/table.h"

#include <inttypes.h>
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/base/sum.h"
#include "viewer/findings/findings.h"
#include "viewer/findings/message.h"
#include "viewer/model/model.h"
#include "viewer/view/frames.h"
#include "viewer/view/layout.h"
#include "viewer/view/selection.h"

#define MEASURED 1000u
#define WHERE_LEAST 12u
#define KIND_LEAST 14u
#define WHERE_MOST 60u

enum column { NUMBER, BASELINE, KIND, COUNT, BYTES, WHERE, PACKAGE, COLUMNS };

static const char *const titles[COLUMNS] = { "#",     "baseline", "kind",   "count",
					     "bytes", "where",    "package" };

struct table {
	struct findings *findings;
	const struct frames_style *style;
	size_t width[COLUMNS];
	struct buffer cell[COLUMNS];
};

/* Without a baseline, there is no column of it. */
static bool has_column(const struct table *t, unsigned j)
{
	return j != BASELINE || t->findings->has_baseline;
}

static const char *title(const struct table *t, unsigned j)
{
	return has_column(t, j) ? titles[j] : "";
}

/* "function at file:line" of the package's own code, or what is known of it. */
static void write_where(struct table *t, const struct finding *f)
{
	struct buffer *b = &t->cell[WHERE];
	const struct model_frame *frame;
	const struct symbol *symbol = selection_culprit(t->findings, f, &frame);

	if (symbol)
		frames_write_brief(b, t->style, symbol, frame);
	else
		buffer_text(b, "?");
}

/* Returns the level. */
static enum trace_level fill_cells(struct table *t, size_t i)
{
	const struct finding *f = findings_get(t->findings, i);

	for (unsigned j = 0; j < COLUMNS; j++) {
		t->cell[j].used = 0;
		buffer_text(&t->cell[j], "");
	}
	buffer_decimal(&t->cell[NUMBER], f->number);
	buffer_text(&t->cell[BASELINE], message_baseline(f));
	message_write_kind(&t->cell[KIND], f);
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
	size_t others = 2 * (COLUMNS - !has_column(t, BASELINE)), room = WHERE_MOST;

	for (unsigned j = 0; j < COLUMNS; j++)
		others += j == WHERE ? 0 : t->width[j];
	if (width)
		room = width > others + WHERE_LEAST ? width - others : WHERE_LEAST;
	/* On a narrow terminal, the kinds have to give way as well. */
	if (width && others + WHERE_LEAST > width && t->width[KIND] > KIND_LEAST) {
		size_t excess = others + WHERE_LEAST - width, most = t->width[KIND] - KIND_LEAST;

		t->width[KIND] -= excess < most ? excess : most;
	}
	if (t->width[WHERE] > room)
		t->width[WHERE] = room;
}

static void write_cell(struct buffer *b, const struct table *t, enum column j, const char *text)
{
	bool is_number = j == NUMBER || j == COUNT || j == BYTES;
	size_t columns;
	struct buffer cut = { 0 };

	layout_cut_place(&cut, text, t->width[j]);
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
		if (!has_column(t, j))
			continue;
		buffer_text(b, j == KIND ? color : "");
		write_cell(b, t, (enum column)j, t->cell[j].data);
		buffer_text(b, j == KIND && *color ? "\033[0m" : "");
	}
	buffer_text(b, "\n");
}

/* "2 findings (12 occurrences)" */
static void write_sums(struct buffer *b, uint64_t findings, uint64_t occurrences)
{
	buffer_grouped(b, findings);
	buffer_text(b, findings == 1 ? " finding (" : " findings (");
	buffer_grouped(b, occurrences);
	buffer_text(b, occurrences == 1 ? " occurrence)" : " occurrences)");
}

static void write_count(struct buffer *b, const struct findings *f)
{
	uint64_t occurrences = f->errors;

	sum_add(&occurrences, f->warnings);
	sum_add(&occurrences, f->notes);
	write_sums(b, f->shown, occurrences);
	if (f->is_selected && (f->hidden_errors || f->hidden_warnings || f->hidden_notes))
		buffer_text(b, " that the filters let pass; the exit status is that of all");
	buffer_text(b, "\n\n");
}

/* Writes what a group has in common, and its sums, before the first finding of it. */
static void write_heading(struct buffer *b, struct table *t, const struct selection *selection,
			  struct buffer *common, size_t i)
{
	uint64_t findings = 0, occurrences = 0, bytes = 0;
	struct buffer own = { 0 }, other = { 0 };

	selection_write_group(selection, t->findings, findings_get(t->findings, i), &own);
	if (common->data && strcmp(common->data, own.data) == 0) {
		buffer_release(&own);
		return;
	}
	for (; i < t->findings->shown; i++) {
		const struct finding *f = findings_get(t->findings, i);

		other.used = 0;
		selection_write_group(selection, t->findings, f, &other);
		if (strcmp(own.data, other.data) != 0)
			break;
		findings++;
		sum_add(&occurrences, f->count);
		sum_add(&bytes, f->bytes);
	}
	buffer_text(b, common->data ? "\n" : "");
	buffer_text(b, own.data);
	buffer_text(b, ": ");
	write_sums(b, findings, occurrences);
	buffer_text(b, ", ");
	buffer_size(b, bytes);
	buffer_text(b, "\n");
	buffer_release(&other);
	buffer_release(common);
	*common = own;
}

void table_write(struct buffer *b, const struct frames_style *style, struct findings *findings,
		 const struct selection *selection)
{
	static const char *const colors[] = {
		[TRACE_LEVEL_NOTE] = "\033[36m",
		[TRACE_LEVEL_WARNING] = "\033[35m",
		[TRACE_LEVEL_ERROR] = "\033[31m",
	};
	struct frames_style plain = *style;
	struct buffer common = { 0 };
	struct table t = { .findings = findings, .style = &plain };

	if (findings->shown || findings->is_selected)
		write_count(b, findings);
	if (findings->shown == 0)
		return;
	plain.has_color = false;
	for (unsigned j = 0; j < COLUMNS; j++)
		buffer_text(&t.cell[j], title(&t, j));
	measure_cells(&t);
	for (size_t i = 0; i < findings->shown && i < MEASURED; i++) {
		fill_cells(&t, i);
		measure_cells(&t);
	}
	measure_where(&t, b->width);
	for (unsigned j = 0; j < COLUMNS; j++) {
		t.cell[j].used = 0;
		buffer_text(&t.cell[j], title(&t, j));
	}
	write_row(b, &t, "");
	for (size_t i = 0; i < findings->shown; i++) {
		enum trace_level level;

		if (selection->groups)
			write_heading(b, &t, selection, &common, i);
		level = fill_cells(&t, i);
		write_row(b, &t, style->has_color ? colors[level] : "");
	}
	buffer_text(b, "\n");
	buffer_release(&common);
	for (unsigned j = 0; j < COLUMNS; j++)
		buffer_release(&t.cell[j]);
}
