/* SPDX-License-Identifier: MIT */
#include "viewer/top/sheet.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "include/kinds.h"
#include "viewer/base/memory.h"
#include "viewer/model/losses.h"
#include "viewer/model/model.h"
#include "viewer/report/text.h"
#include "viewer/top/names.h"
#include "viewer/view/layout.h"

#define COLUMNS_MOST 9u
#define SECOND_NS 1000000000u
#define OTHERS_ROWS 3u    /* of each table that has not the focus */
#define OTHERS_HEIGHT 18u /* lines from which on there is room for those */
#define WHERE_LEAST 24u
#define HEADER_MOST(height) \
	((height) / 4) /* lines; if it has more, these are cut and not wrapped */
#define NARROW 80u     /* columns: below, how full a section is has no bar */
#define WAITING "..."

static size_t least_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* A row whose cells are being written. */
struct row {
	struct buffer *b;
	const struct picture *p;
	struct names *names;
	const struct picture_row *row;
	bool is_exact; /* numbers for scripts: bytes without units */
	bool has_bars;
};

static void write_bytes(const struct row *r, uint64_t bytes)
{
	if (r->is_exact)
		buffer_decimal(r->b, bytes);
	else
		buffer_size(r->b, bytes);
}

static void write_number(const struct row *r, uint64_t number)
{
	if (r->is_exact)
		buffer_decimal(r->b, number);
	else
		buffer_grouped(r->b, number);
}

static void write_growth(const struct row *r, uint64_t now, uint64_t was,
			 void (*write)(const struct row *r, uint64_t number))
{
	if (now != was)
		buffer_text(r->b, now > was ? "+" : "-");
	write(r, now > was ? now - was : was - now);
}

static void write_count_cell(const struct row *r)
{
	write_number(r, r->row->count);
}

static void write_bytes_cell(const struct row *r)
{
	write_bytes(r, r->row->bytes);
}

static void write_more_count_cell(const struct row *r)
{
	write_growth(r, r->row->count, r->row->was_count, write_number);
}

static void write_more_bytes_cell(const struct row *r)
{
	write_growth(r, r->row->bytes, r->row->was_bytes, write_bytes);
}

static void write_rate_cell(const struct row *r)
{
	write_number(r, r->row->package.rate);
}

static void write_calls_cell(const struct row *r)
{
	write_number(r, r->row->package.calls);
}

static void write_package_cell(const struct row *r)
{
	model_write_package(r->p->model, r->row->key.package, r->b);
}

static void write_package_row_cell(const struct row *r)
{
	write_package_cell(r);
	if (model_package(r->p->model, r->row->key.package)->is_unloaded)
		buffer_text(r->b, " [unloaded]");
}

/* "[####......] 41.5%" */
static void write_fill_cell(const struct row *r)
{
	int fill = picture_fill(r->row), tenths = fill > 1000 ? 10 : fill / 100;

	if (fill < 0) {
		buffer_text(r->b, "?");
		return;
	}
	if (r->has_bars)
		buffer_format(r->b, "[%.*s%.*s] ", tenths, "##########", 10 - tenths, "..........");
	buffer_format(r->b, r->is_exact ? "%d.%d%%" : "%3d.%d%%", fill / 10, fill % 10);
}

static void write_size_cell(const struct row *r)
{
	if (r->row->max_size)
		write_bytes(r, r->row->max_size);
	else
		buffer_text(r->b, "?");
}

static void write_handle_cell(const struct row *r)
{
	buffer_hex(r->b, r->row->key.address);
}

static void write_family_cell(const struct row *r)
{
	const char *family = model_family(r->p->model, r->row->key.family);

	if (r->row->key.kind)
		buffer_text(r->b, "sections");
	else
		buffer_plain(r->b, family ? family : "?");
}

static void write_kind_cell(const struct row *r)
{
	buffer_text(r->b, kinds_text((enum trace_kind)r->row->key.kind));
	buffer_text(r->b, r->row->key.reason ? "/" : "");
	buffer_text(r->b, kinds_reason_text((enum trace_reason)r->row->key.reason));
}

/* "4 s", "1:02", "1:02:03" */
static void write_span(struct buffer *b, uint64_t ns)
{
	uint64_t seconds = ns / SECOND_NS;

	if (seconds < 60)
		buffer_format(b, "%" PRIu64 " s", seconds);
	else if (seconds < 3600)
		buffer_format(b, "%" PRIu64 ":%02" PRIu64, seconds / 60, seconds % 60);
	else
		buffer_format(b, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, seconds / 3600,
			      seconds / 60 % 60, seconds % 60);
}

static void write_age_cell(const struct row *r)
{
	int64_t age = (int64_t)r->p->age_ns - r->row->finding.first_ns;

	write_span(r->b, age > 0 ? (uint64_t)age : 0);
}

static void write_where_cell(const struct row *r)
{
	const char *place = names_place(r->names, &r->row->key);

	buffer_plain(r->b, place ? place : WAITING);
}

struct column {
	const char *title;
	void (*write)(const struct row *r);
	bool is_number;
	unsigned rank;  /* where there is no room, the highest goes first */
	unsigned order; /* 1 + the enum picture_order that goes by it; 0: none */
};

#define BY(order) 1 + PICTURE_BY_##order

/* The last column of each table is the widest, and has what room is left. */
static const struct table {
	const char *noun; /* what a row is */
	struct column column[COLUMNS_MOST];
} tables[PICTURE_TABLES] = {
	[PICTURE_PACKAGES] = { "package",
			       { { "calls/s", write_rate_cell, true, 2, BY(CALLS) },
				 { "calls", write_calls_cell, true, 3, 0 },
				 { "blocks", write_count_cell, true, 5, BY(COUNT) },
				 { "bytes", write_bytes_cell, true, 1, BY(BYTES) },
				 { "+blocks", write_more_count_cell, true, 6, 0 },
				 { "+bytes", write_more_bytes_cell, true, 4, BY(GROWTH) },
				 { "package", write_package_row_cell, false, 0, 0 } } },
	[PICTURE_SECTIONS] = { "section",
			       { { "fill", write_fill_cell, true, 0, BY(FILL) },
				 { "bytes", write_bytes_cell, true, 2, BY(BYTES) },
				 { "of", write_size_cell, true, 3, 0 },
				 { "blocks", write_count_cell, true, 5, BY(COUNT) },
				 { "+bytes", write_more_bytes_cell, true, 4, BY(GROWTH) },
				 { "section", write_handle_cell, false, 7, 0 },
				 { "package", write_package_cell, false, 6, 0 },
				 { "created by", write_where_cell, false, 0, 0 } } },
	[PICTURE_STACKS] = { "stack",
			     { { "bytes", write_bytes_cell, true, 0, BY(BYTES) },
			       { "blocks", write_count_cell, true, 4, BY(COUNT) },
			       { "+bytes", write_more_bytes_cell, true, 1, BY(GROWTH) },
			       { "+blocks", write_more_count_cell, true, 5, 0 },
			       { "of", write_family_cell, false, 3, 0 },
			       { "package", write_package_cell, false, 2, 0 },
			       { "allocated by", write_where_cell, false, 0, 0 } } },
	[PICTURE_FINDINGS] = { "finding",
			       { { "age", write_age_cell, true, 1, BY(TIME) },
				 { "count", write_count_cell, true, 2, BY(COUNT) },
				 { "+count", write_more_count_cell, true, 4, BY(GROWTH) },
				 { "finding", write_kind_cell, false, 0, 0 },
				 { "package", write_package_cell, false, 3, 0 },
				 { "where", write_where_cell, false, 0, 0 } } },
};

struct sheet_view sheet_view(void)
{
	return (struct sheet_view){
		.focus = PICTURE_STACKS,
		.order = { [PICTURE_PACKAGES] = PICTURE_BY_CALLS,
			   [PICTURE_SECTIONS] = PICTURE_BY_FILL,
			   [PICTURE_STACKS] = PICTURE_BY_BYTES,
			   [PICTURE_FINDINGS] = PICTURE_BY_TIME },
	};
}

/* Ends a line that was appended to the text. */
static void end_line(struct sheet *s, enum sheet_look look)
{
	size_t at = 0;

	if (s->lines)
		at = s->line[s->lines - 1].at + s->line[s->lines - 1].bytes + 1;
	memory_room(s->line, s->lines, s->room);
	s->line[s->lines++] = (struct sheet_line){ look, at, s->text.used - at };
	buffer_text(&s->text, "\n");
}

/* The same, in as many lines as it takes. */
static void end_header(struct sheet *s, enum sheet_look look, size_t width)
{
	size_t at = s->lines ? s->line[s->lines - 1].at + s->line[s->lines - 1].bytes + 1 : 0;
	struct buffer whole = { 0 }, wrapped = { 0 };
	const char *line;

	buffer_bytes(&whole, s->text.data + at, s->text.used - at);
	layout_lines(&wrapped, whole.data, whole.used, (unsigned)width, false);
	s->text.used = at;
	for (line = wrapped.data; *line; line += strcspn(line, "\n") + (strchr(line, '\n') != NULL)) {
		buffer_bytes(&s->text, line, strcspn(line, "\n"));
		end_line(s, look);
	}
	buffer_release(&whole);
	buffer_release(&wrapped);
}

static void add_line(struct sheet *s, enum sheet_look look, const char *text)
{
	buffer_text(&s->text, text);
	end_line(s, look);
}

void sheet_release(struct sheet *s)
{
	buffer_release(&s->text);
	free(s->line);
	*s = (struct sheet){ 0 };
}

static void write_process(struct sheet *s, const struct picture *p, const struct row *r)
{
	const struct model_process *process = model_process(p->model);
	const char *exe = process->exe;
	const char *slash = exe ? strrchr(exe, '/') : NULL;

	buffer_plain(&s->text, slash ? slash + 1 : exe ? exe : "?");
	buffer_format(&s->text, ", process %" PRId32 ", ", process->pid);
	if (process->end == TRACE_END_RUNNING) {
		buffer_text(&s->text, "running for ");
		write_span(&s->text, p->age_ns);
	} else {
		text_write_ending(&s->text, process);
	}
	buffer_text(&s->text, ": ");
	write_number(r, p->rate);
	buffer_text(&s->text, " calls/s, ");
	write_number(r, p->calls);
	buffer_text(&s->text, " calls");
}

static void write_live(struct sheet *s, const struct picture *p, const struct row *r)
{
	buffer_text(&s->text, "live: ");
	write_number(r, p->live_blocks);
	buffer_text(&s->text, p->live_blocks == 1 ? " block, " : " blocks, ");
	write_bytes(r, p->live_bytes);
	buffer_text(&s->text, r->is_exact ? " bytes; " : "; ");
	buffer_count(&s->text, p->live_sections, "section");
	buffer_text(&s->text, "; since the mark (");
	write_span(&s->text, p->taken_ns - p->mark_ns);
	buffer_text(&s->text, "): ");
	write_growth(r, p->live_blocks, p->was_blocks, write_number);
	buffer_text(&s->text, ", ");
	write_growth(r, p->live_bytes, p->was_bytes, write_bytes);
	buffer_text(&s->text, r->is_exact ? " bytes" : "");
}

/* A process that still runs may lose something later. */
static void write_exactness(struct sheet *s, const struct picture *p)
{
	bool is_running = model_process(p->model)->end == TRACE_END_RUNNING;

	if (model_is_exact(p->model)) {
		buffer_text(&s->text, is_running ? "; exact so far" : "; exact");
		return;
	}
	buffer_text(&s->text, "; a lower bound:");
	for (unsigned i = 0, any = 0; i < TRACE_LOST_COUNT; i++) {
		uint64_t lost = model_lost(p->model, (enum trace_lost)i);

		if (i != TRACE_LOST_EVENTS && lost)
			buffer_format(&s->text, "%s %" PRIu64 " %s", any++ ? "," : "", lost,
				      losses_words((enum trace_lost)i));
	}
}

static void write_found(struct sheet *s, const struct picture *p, const struct row *r)
{
	buffer_text(&s->text, "found: ");
	for (int level = TRACE_LEVEL_ERROR; level >= TRACE_LEVEL_NOTE; level--) {
		write_number(r, p->found[level]);
		buffer_text(&s->text, " ");
		buffer_text(&s->text, kinds_level_text((enum trace_level)level));
		buffer_text(&s->text, p->found[level] == 1 ? "" : "s");
		buffer_text(&s->text, level == TRACE_LEVEL_NOTE ? "" : ", ");
	}
	write_exactness(s, p);
}

static void write_header(struct sheet *s, const struct picture *p, const struct sheet_view *view,
			 size_t width)
{
	struct row r = { .b = &s->text, .p = p, .is_exact = view->height == 0 };

	write_process(s, p, &r);
	end_header(s, SHEET_PLAIN, width);
	write_live(s, p, &r);
	end_header(s, SHEET_PLAIN, width);
	write_found(s, p, &r);
	end_header(s, p->found[TRACE_LEVEL_ERROR] ? SHEET_ERROR : SHEET_PLAIN, width);
}

/* A table, or that part of it which is shown. Row 0 is the heading. */
struct part {
	enum picture_table table;
	size_t first, rows;
	size_t columns;
	char **cell; /* by row and column */
	size_t width[COLUMNS_MOST];
	bool is_shown[COLUMNS_MOST];
};

static char *write_title(const struct part *part, size_t column, const struct picture *p,
			 const struct sheet_view *view)
{
	struct buffer b = { 0 };

	buffer_text(&b, tables[part->table].column[column].title);
	if (tables[part->table].column[column].order == 1 + view->order[part->table])
		buffer_text(&b, "*");
	if (column + 1 == part->columns) {
		buffer_text(&b, "  (");
		buffer_count(&b, p->rows[part->table], tables[part->table].noun);
		buffer_text(&b, ")");
	}
	return buffer_take(&b);
}

static char *write_cell(const struct part *part, size_t row, size_t column, const struct picture *p,
			struct names *names, const struct sheet_view *view)
{
	struct buffer b = { 0 };
	struct row r = { .b = &b,
			 .p = p,
			 .names = names,
			 .row = &p->row[part->table][part->first + row],
			 .is_exact = view->height == 0,
			 .has_bars = view->height && view->width >= NARROW };

	tables[part->table].column[column].write(&r);
	return buffer_take(&b);
}

static void fill_part(struct part *part, const struct picture *p, struct names *names,
		      const struct sheet_view *view)
{
	while (part->columns < COLUMNS_MOST && tables[part->table].column[part->columns].title)
		part->columns++;
	part->cell = memory_new((part->rows + 1) * part->columns, sizeof(char *));
	for (size_t i = 0; i <= part->rows; i++)
		for (size_t j = 0; j < part->columns; j++) {
			char *cell = i ? write_cell(part, i - 1, j, p, names, view)
				       : write_title(part, j, p, view);
			size_t columns = layout_columns(cell, strlen(cell));

			part->cell[i * part->columns + j] = cell;
			if (columns > part->width[j])
				part->width[j] = columns;
		}
}

/* Leaves columns out until the last one has room. */
static void fit_part(struct part *part, size_t width)
{
	const struct column *column = tables[part->table].column;
	size_t last = part->columns - 1, least = 1, used;

	/* The title may be cut. */
	for (size_t i = 1; i <= part->rows; i++) {
		const char *cell = part->cell[i * part->columns + last];
		size_t columns = layout_columns(cell, strlen(cell));

		least = columns > least ? columns : least;
	}
	least = least_of(least, WHERE_LEAST);
	for (size_t j = 0; j < part->columns; j++)
		part->is_shown[j] = true;
	while (width) {
		size_t worst = last;

		used = 0;
		for (size_t j = 0; j < last; j++) {
			if (!part->is_shown[j])
				continue;
			used += part->width[j] + 2;
			if (column[j].rank > column[worst].rank)
				worst = j;
		}
		if (used + least <= width || worst == last)
			break;
		part->is_shown[worst] = false;
	}
	if (width)
		part->width[last] = used + 1 < width ? width - used : 1;
}

/* Of "function at file:line < caller < caller", the callers go first. */
static void cut_cell(struct buffer *b, const char *text, size_t columns)
{
	size_t bytes = strlen(text);
	char *shorter = memory_text(text, bytes), *caller;

	while (layout_columns(shorter, bytes) > columns) {
		caller = NULL;
		for (char *next = shorter; (next = strstr(next, " < ")) != NULL; next++)
			caller = next;
		if (!caller)
			break;
		*caller = '\0';
		bytes = (size_t)(caller - shorter);
	}
	layout_cut_place(b, shorter, columns);
	free(shorter);
}

static void write_part_row(struct sheet *s, const struct part *part, size_t row)
{
	const struct column *column = tables[part->table].column;
	bool is_first = true;

	for (size_t j = 0; j < part->columns; j++) {
		struct buffer cut = { 0 };
		size_t columns;

		if (!part->is_shown[j])
			continue;
		cut_cell(&cut, part->cell[row * part->columns + j], part->width[j]);
		columns = layout_columns(cut.data, cut.used);
		buffer_text(&s->text, is_first ? "" : "  ");
		if (column[j].is_number)
			buffer_format(&s->text, "%*s", (int)(part->width[j] - columns), "");
		buffer_bytes(&s->text, cut.data, cut.used);
		if (!column[j].is_number && j + 1 < part->columns)
			buffer_format(&s->text, "%*s", (int)(part->width[j] - columns), "");
		buffer_release(&cut);
		is_first = false;
	}
}

static enum sheet_look look_of(const struct picture *p, const struct part *part, size_t row,
			       const struct sheet_view *view)
{
	static const enum sheet_look looks[] = {
		[TRACE_LEVEL_NOTE] = SHEET_NOTE, [TRACE_LEVEL_WARNING] = SHEET_WARNING, [TRACE_LEVEL_ERROR] = SHEET_ERROR
	};
	bool is_focus = view->height && part->table == view->focus;

	if (row == 0)
		return is_focus ? SHEET_FOCUS : SHEET_HEADING;
	row += part->first - 1;
	if (is_focus && row == view->selected[part->table])
		return SHEET_SELECTED;
	if (part->table != PICTURE_FINDINGS)
		return SHEET_PLAIN;
	return looks[p->row[part->table][row].finding.level];
}

static void write_table(struct sheet *s, const struct picture *p, struct names *names,
			const struct sheet_view *view, enum picture_table table, size_t rows)
{
	struct part part = { .table = table, .first = view->first[table], .rows = rows };

	fill_part(&part, p, names, view);
	fit_part(&part, view->width);
	for (size_t i = 0; i <= rows; i++) {
		write_part_row(s, &part, i);
		end_line(s, look_of(p, &part, i, view));
	}
	for (size_t i = 0; i < (rows + 1) * part.columns; i++)
		free(part.cell[i]);
	free(part.cell);
}

/* Scrolls the table that has the focus, so that the selected row is among those that are shown. */
static void scroll_table(struct sheet_view *view, size_t rows)
{
	size_t *first = &view->first[view->focus], selected = view->selected[view->focus];

	if (view->fits == 0)
		return;
	if (*first + view->fits > rows)
		*first = rows > view->fits ? rows - view->fits : 0;
	if (selected < *first)
		*first = selected;
	if (selected >= *first + view->fits)
		*first = selected - view->fits + 1;
}

static void write_tables(struct sheet *s, const struct picture *p, struct names *names,
			 struct sheet_view *view, size_t room)
{
	size_t rows[PICTURE_TABLES] = { 0 }, used = PICTURE_TABLES;
	bool has_others = room >= OTHERS_HEIGHT;

	for (unsigned i = 0; i < PICTURE_TABLES; i++) {
		if (i == view->focus)
			continue;
		rows[i] = least_of(p->rows[i], OTHERS_ROWS);
		view->first[i] = 0;
		used += rows[i];
	}
	if (!has_others)
		used = 1;
	view->fits = room > used ? room - used : 0;
	if (room == 0)
		return;
	rows[view->focus] = least_of(p->rows[view->focus], view->fits);
	scroll_table(view, p->rows[view->focus]);
	for (unsigned i = 0; i < PICTURE_TABLES; i++)
		if (has_others || i == view->focus)
			write_table(s, p, names, view, (enum picture_table)i, rows[i]);
}

/* All tables, for a stream. */
static void write_stream(struct sheet *s, const struct picture *p, struct names *names,
			 const struct sheet_view *view)
{
	for (unsigned i = 0; i < PICTURE_TABLES; i++) {
		add_line(s, SHEET_PLAIN, "");
		write_table(s, p, names, view, (enum picture_table)i,
			    least_of(p->rows[i], SHEET_ROWS));
	}
}

/* Adds as many lines as there is room for, from the one to which is scrolled; fills up with empty ones. */
static void add_lines(struct sheet *s, const char *text, struct sheet_view *view, size_t room)
{
	struct buffer wrapped = { 0 };
	size_t lines = 0, added = 0;

	layout_lines(&wrapped, text, strlen(text), view->width, false);
	for (const char *c = wrapped.data; c && *c; c++)
		lines += *c == '\n';
	view->fits = room;
	if (view->scrolled + room > lines)
		view->scrolled = lines > room ? lines - room : 0;
	lines = 0;
	for (char *line = wrapped.data, *end; line && (end = strchr(line, '\n')) != NULL;
	     line = end + 1, lines++) {
		if (lines < view->scrolled || added == room)
			continue;
		*end = '\0';
		add_line(s, SHEET_PLAIN, line);
		added++;
	}
	buffer_release(&wrapped);
}

/* What a package called: it has no backtrace. */
static void write_functions(struct buffer *b, const struct picture *p, uint32_t package)
{
	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++) {
		const struct model_counter *counter = model_counter(p->model, package, i);

		if (!counter->calls)
			continue;
		buffer_text(b, "  ");
		buffer_plain(b, model_function(p->model, i)->name);
		buffer_text(b, ": ");
		buffer_grouped(b, counter->calls);
		buffer_text(b, counter->calls == 1 ? " call" : " calls");
		if (counter->failed) {
			buffer_text(b, ", ");
			buffer_grouped(b, counter->failed);
			buffer_text(b, " failed");
		}
		if (counter->bytes) {
			buffer_text(b, ", ");
			buffer_size(b, counter->bytes);
		}
		buffer_text(b, "\n");
	}
}

static void write_stacks(struct sheet *s, const struct picture *p, struct names *names,
			 struct sheet_view *view, size_t room)
{
	size_t selected = view->selected[view->focus];
	const char *stacks = "";
	struct sheet_view one = *view;
	struct buffer text = { 0 };

	if (selected >= p->rows[view->focus] || room < 3)
		return;
	one.first[view->focus] = selected;
	write_table(s, p, names, &one, view->focus, 1);
	if (view->focus == PICTURE_PACKAGES) {
		write_functions(&text, p, p->row[view->focus][selected].key.package);
	} else {
		stacks = names_stacks(names, view->focus, &p->row[view->focus][selected].key);
		buffer_text(&text, stacks ? stacks : "its names are being looked up" WAITING "\n");
	}
	add_lines(s, text.data ? text.data : "", view, room - 2);
	buffer_release(&text);
}

/* Lines fit a terminal of 60 columns. */
static const char help[] = "1 2 3 4, Tab    packages, sections, stacks, findings\n"
			   "Up, Down, k, j  select a row; also PgUp, PgDn, Home, End\n"
			   "Enter           backtraces of the row; a package's calls\n"
			   "b               order by bytes\n"
			   "c               order by count: of blocks, or occurrences\n"
			   "g               order by growth since the mark\n"
			   "d               the first order: calls a second, fill, time\n"
			   "m               set the mark: growth is counted from now on\n"
			   "p, Space        pause, and go on\n"
			   "r               look again at once\n"
			   "q               leave; or leave this page\n"
			   "\n"
			   "A * is at the column by which a table is ordered. Blocks\n"
			   "are live until they are freed. Bytes are those asked for.\n"
			   "The fill of a section is that of what was asked for in it.\n"
			   "An age is that of the first occurrence. Only the trace is\n"
			   "read: the process does not notice.\n";

static void write_bar(struct sheet *s, const struct sheet_view *view)
{
	static const char *const keys[] = {
		[SHEET_TABLES] =
			"q leave  ? help  Tab table  Enter backtrace  b c g order  m mark  p pause",
		[SHEET_STACKS] = "q back  Up Down scroll  p pause",
		[SHEET_HELP] = "q back",
	};

	struct buffer bar = { 0 };

	buffer_plain(&bar, view->message ? view->message : keys[view->page]);
	/* A key is there with what it does, or is left out. */
	while (layout_columns(bar.data, bar.used) > view->width) {
		char *last = NULL;

		for (char *next = bar.data; (next = strstr(next, "  ")) != NULL; next++)
			last = next;
		if (!last)
			break;
		*last = '\0';
		bar.used = (size_t)(last - bar.data);
	}
	buffer_text(&s->text, bar.data);
	end_line(s, SHEET_BAR);
	buffer_release(&bar);
}

void sheet_write(struct sheet *s, const struct picture *p, struct names *names,
		 struct sheet_view *view)
{
	size_t room, last = view->height ? view->height - 1 : 0;

	s->text.used = s->lines = 0;
	write_header(s, p, view, view->width);
	if (s->lines > HEADER_MOST(view->height) && view->height) {
		s->text.used = s->lines = 0;
		write_header(s, p, view, 0);
	}
	if (view->height == 0) {
		write_stream(s, p, names, view);
		return;
	}
	/* Of a terminal with a few lines, the header has one, or none. */
	if (view->height < 10) {
		s->lines = view->height > 3;
		s->text.used = s->lines ? s->line[0].bytes + 1 : 0;
	}
	room = last - least_of(s->lines, last);
	if (view->page == SHEET_TABLES)
		write_tables(s, p, names, view, room);
	else if (view->page == SHEET_STACKS)
		write_stacks(s, p, names, view, room);
	else
		add_lines(s, help, view, room);
	while (s->lines < last)
		add_line(s, SHEET_PLAIN, "");
	write_bar(s, view);
}
