/* SPDX-License-Identifier: MIT */
#include "viewer/view/table.h"

#include <inttypes.h>
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/base/sum.h"
#include "viewer/findings/findings.h"
#include "viewer/findings/message.h"
#include "viewer/gate/baseline.h"
#include "viewer/model/model.h"
#include "viewer/view/frames.h"
#include "viewer/view/layout.h"
#include "viewer/view/selection.h"

#define MEASURED 1000u
#define WHERE_ENOUGH 24u
#define WHERE_MOST 60u
#define PACKAGE_LEAST 12u
#define KIND_LEAST 14u

enum column { NUMBER, BASELINE, KIND, COUNT, BYTES, WHERE, PACKAGE, COLUMNS };

static const char *const titles[COLUMNS] = { "#",     "baseline", "kind",   "count",
					     "bytes", "where",    "package" };
static const char *const colors[] = {
	[TRACE_LEVEL_NOTE] = "\033[36m",
	[TRACE_LEVEL_WARNING] = "\033[35m",
	[TRACE_LEVEL_ERROR] = "\033[31m",
};

struct table {
	struct findings *findings;
	const struct baseline *baseline; /* NULL: all findings; else what has changed since that */
	bool has_two_lines;              /* a row has */
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

static void clear_cells(struct table *t)
{
	for (unsigned j = 0; j < COLUMNS; j++) {
		t->cell[j].used = 0;
		buffer_text(&t->cell[j], "");
	}
}

static void fill_titles(struct table *t)
{
	clear_cells(t);
	for (unsigned j = 0; j < COLUMNS; j++)
		buffer_text(&t->cell[j], title(t, j));
}

static bool has_shrunk(const struct finding *f)
{
	return f->baseline == FINDING_KNOWN && f->count < f->ceiling;
}

/* Returns the finding's level, or -1 if it has no row. */
static int fill_finding(struct table *t, size_t i)
{
	const struct finding *f = findings_get(t->findings, i);

	if (t->baseline && (!f->baseline || (f->baseline == FINDING_KNOWN && !has_shrunk(f))))
		return -1;
	clear_cells(t);
	buffer_decimal(&t->cell[NUMBER], f->number);
	buffer_text(&t->cell[BASELINE],
		    t->baseline && has_shrunk(f) ? "shrunk" : message_baseline(f));
	message_write_kind(&t->cell[KIND], f);
	buffer_grouped(&t->cell[COUNT], f->count);
	if (f->bytes)
		buffer_size(&t->cell[BYTES], f->bytes);
	write_where(t, f);
	model_write_package(f->model, f->package, &t->cell[PACKAGE]);
	return (int)f->level;
}

/* Returns false behind the last one; *has_row is false if the entry has none. */
static bool fill_gone(struct table *t, size_t i, bool *has_row)
{
	const struct baseline_entry *entry = t->baseline ? baseline_get(t->baseline, i) : NULL;

	if (!entry)
		return false;
	*has_row = !entry->found;
	if (entry->found)
		return true;
	clear_cells(t);
	buffer_text(&t->cell[BASELINE], "gone");
	buffer_plain(&t->cell[KIND], entry->kind);
	buffer_grouped(&t->cell[COUNT], entry->ceiling);
	buffer_plain(&t->cell[WHERE], entry->words);
	return true;
}

static void measure_cells(struct table *t)
{
	for (unsigned j = 0; j < COLUMNS; j++) {
		size_t columns = layout_columns(t->cell[j].data, t->cell[j].used);

		if (columns > t->width[j])
			t->width[j] = columns;
	}
}

/* Returns false if there is no row. */
static bool measure_rows(struct table *t)
{
	bool has_row, any = false;

	fill_titles(t);
	measure_cells(t);
	for (size_t i = 0; i < t->findings->shown && i < MEASURED; i++) {
		if (fill_finding(t, i) < 0)
			continue;
		measure_cells(t);
		any = true;
	}
	for (size_t i = 0; i < MEASURED && fill_gone(t, i, &has_row); i++) {
		if (!has_row)
			continue;
		measure_cells(t);
		any = true;
	}
	return any;
}

/* Narrows a column, but not below `least`, by up to `excess`. Returns what is left of that. */
static size_t narrow(struct table *t, enum column j, size_t least, size_t excess)
{
	size_t most = t->width[j] > least ? t->width[j] - least : 0,
	       cut = excess < most ? excess : most;

	t->width[j] -= cut;
	return excess - cut;
}

static size_t sum_widths(const struct table *t, const enum column *columns, size_t count)
{
	size_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += has_column(t, columns[i]) ? 2 + t->width[columns[i]] : 0;
	return sum;
}

static const enum column one_line[] = { NUMBER, BASELINE, KIND, COUNT, BYTES, WHERE, PACKAGE };
static const enum column first_line[] = { NUMBER, KIND, COUNT, BYTES };
static const enum column second_line[] = { WHERE, PACKAGE, BASELINE };
#define ITEMS(array) array, sizeof(array) / sizeof(*(array))

static size_t excess(size_t columns, unsigned width)
{
	return columns > width ? columns - width : 0;
}

/* Fits the rows into a terminal: names of packages give way, then the places. Where these would lose too much, a
 * row has two lines. */
static void fit(struct table *t, unsigned width)
{
	const struct table natural = *t;
	size_t left;

	if (!width) {
		narrow(t, WHERE, WHERE_MOST, SIZE_MAX);
		return;
	}
	left = narrow(t, PACKAGE, PACKAGE_LEAST, excess(sum_widths(t, ITEMS(one_line)), width));
	if (narrow(t, WHERE, WHERE_ENOUGH, left) == 0)
		return;
	*t = natural;
	t->has_two_lines = true;
	narrow(t, KIND, KIND_LEAST, excess(sum_widths(t, ITEMS(first_line)), width));
	left = excess(sum_widths(t, ITEMS(second_line)) + 2 + t->width[NUMBER], width);
	narrow(t, WHERE, WHERE_ENOUGH / 2, narrow(t, PACKAGE, PACKAGE_LEAST, left));
}

static void write_cell(struct buffer *b, const struct table *t, enum column j, bool is_last)
{
	bool is_number = j == NUMBER || j == COUNT || j == BYTES;
	const struct buffer *text = &t->cell[j];
	size_t columns = layout_columns(text->data, text->used), blanks;
	struct buffer cut = { 0 };

	if (columns > t->width[j]) {
		layout_cut_place(&cut, text->data, t->width[j]);
		columns = layout_columns(cut.data, cut.used);
		text = &cut;
	}
	blanks = columns < t->width[j] ? t->width[j] - columns : 0;
	buffer_text(b, "  ");
	buffer_blanks(b, is_number ? blanks : 0);
	buffer_bytes(b, text->data, text->used);
	buffer_blanks(b, !is_number && !is_last ? blanks : 0);
	buffer_release(&cut);
}

static void write_line(struct buffer *b, const struct table *t, const char *color,
		       const enum column *columns, size_t count)
{
	/* No blanks at the end. */
	while (count && t->cell[columns[count - 1]].used == 0)
		count--;
	for (size_t i = 0; i < count; i++) {
		enum column j = columns[i];

		if (!has_column(t, j))
			continue;
		buffer_text(b, j == KIND ? color : "");
		write_cell(b, t, j, i == count - 1);
		buffer_text(b, j == KIND && *color ? "\033[0m" : "");
	}
	buffer_text(b, "\n");
}

/* A negative level: no colour. */
static void write_row(struct buffer *b, const struct table *t, const struct frames_style *style,
		      int level)
{
	const char *color = style->has_color && level >= 0 ? colors[level] : "";

	if (!t->has_two_lines) {
		write_line(b, t, color, ITEMS(one_line));
		return;
	}
	write_line(b, t, color, ITEMS(first_line));
	buffer_blanks(b, 2 + t->width[NUMBER]);
	write_line(b, t, color, ITEMS(second_line));
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

/* `style` has the colours of the rows; in a cell there are none. `selection` is NULL if there are no groups. */
static void write_rows(struct buffer *b, struct table *t, const struct frames_style *style,
		       const struct selection *selection)
{
	struct buffer common = { 0 };
	bool has_row;

	for (size_t i = 0; i < t->findings->shown; i++) {
		int level;

		if (selection)
			write_heading(b, t, selection, &common, i);
		level = fill_finding(t, i);
		if (level >= 0)
			write_row(b, t, style, level);
	}
	for (size_t i = 0; fill_gone(t, i, &has_row); i++)
		if (has_row)
			write_row(b, t, style, -1);
	buffer_release(&common);
}

static void write_table(struct buffer *b, struct table *t, const struct frames_style *style,
			const struct selection *selection)
{
	struct frames_style plain = *style;

	plain.has_color = false;
	t->style = &plain;
	if (measure_rows(t)) {
		fit(t, b->width);
		fill_titles(t);
		write_row(b, t, style, -1);
		write_rows(b, t, style, selection);
		buffer_text(b, "\n");
	}
	for (unsigned j = 0; j < COLUMNS; j++)
		buffer_release(&t->cell[j]);
}

void table_write(struct buffer *b, const struct frames_style *style, struct findings *findings,
		 const struct selection *selection)
{
	struct table t = { .findings = findings };

	if (findings->shown || findings->is_selected)
		write_count(b, findings);
	write_table(b, &t, style, selection->groups ? selection : NULL);
}

void table_write_changes(struct buffer *b, const struct frames_style *style,
			 struct findings *findings, const struct baseline *baseline)
{
	struct table t = { .findings = findings, .baseline = baseline };

	write_table(b, &t, style, NULL);
}
