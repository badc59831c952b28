/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/base/arguments.h"
#include "viewer/base/buffer.h"
#include "viewer/base/complaint.h"
#include "viewer/base/json.h"
#include "viewer/base/memory.h"
#include "viewer/base/progress.h"
#include "viewer/base/sum.h"
#include "viewer/commands/commands.h"
#include "viewer/model/allocators.h"
#include "viewer/model/losses.h"
#include "viewer/model/model.h"
#include "viewer/report/report.h"
#include "viewer/report/text.h"
#include "viewer/view/terminal.h"

#define COLUMNS 5

struct row {
	char *name;
	uint64_t number[COLUMNS];
};

/* Names on the left, numbers on the right, each column as wide as it needs to be. On a terminal that is too narrow
 * for that, the numbers are below the names. */
struct table {
	const char *title;
	const char *column[COLUMNS];
	struct row *row;
	size_t rows, room;
};

/* Takes the name, which is freed with the table. */
static struct row *add_table_row(struct table *t, char *name)
{
	memory_room(t->row, t->rows, t->room);
	t->row[t->rows] = (struct row){ .name = name };
	return &t->row[t->rows++];
}

static int measure_names(const struct table *t)
{
	size_t width = strlen(t->title);

	for (size_t i = 0; i < t->rows; i++)
		if (strlen(t->row[i].name) > width)
			width = strlen(t->row[i].name);
	return (int)width;
}

static int measure_column(const struct table *t, unsigned column)
{
	int width = (int)strlen(t->column[column]);

	for (size_t i = 0; i < t->rows; i++) {
		int digits = 1;

		for (uint64_t n = t->row[i].number[column]; n >= 10; n /= 10)
			digits++;
		width = digits > width ? digits : width;
	}
	return width;
}

/* Writes the table, unless it has no rows, and empties it. */
static void write_table(struct buffer *b, struct table *t)
{
	int width = measure_names(t), widths[COLUMNS] = { 0 }, columns = 2 + width;
	bool is_narrow;

	for (unsigned j = 0; j < COLUMNS && t->column[j]; j++) {
		widths[j] = measure_column(t, j);
		columns += 2 + widths[j];
	}
	is_narrow = b->width && columns > (int)b->width;
	for (size_t i = 0; t->rows && i <= t->rows; i++) {
		buffer_format(b, "  %-*s%s", is_narrow ? 0 : width,
			      i ? t->row[i - 1].name : t->title, is_narrow ? "\n  " : "");
		for (unsigned j = 0; j < COLUMNS && t->column[j]; j++) {
			if (i)
				buffer_format(b, "  %*" PRIu64, widths[j], t->row[i - 1].number[j]);
			else
				buffer_format(b, "  %*s", widths[j], t->column[j]);
		}
		buffer_text(b, "\n");
	}
	if (t->rows)
		buffer_text(b, "\n");
	for (size_t i = 0; i < t->rows; i++)
		free(t->row[i].name);
	free(t->row);
	*t = (struct table){ 0 };
}

static void add_counter(struct row *row, const struct model_counter *counter)
{
	sum_add(&row->number[0], counter->calls);
	sum_add(&row->number[1], counter->failed);
	sum_add(&row->number[2], counter->bytes);
}

/* "3 name", or "3 ?" if the package has no name */
static void write_indexed_package(struct buffer *b, const struct model *m, uint32_t index)
{
	const char *name = model_package(m, index)->name;

	buffer_decimal(b, index);
	buffer_text(b, " ");
	buffer_plain(b, name ? name : "?");
}

static void write_package_table(struct buffer *b, const struct model *m)
{
	struct table t = { .title = "package", .column = { "calls", "failed", "bytes" } };

	for (uint32_t i = 0; i < TRACE_PACKAGES; i++) {
		const struct model_package *package = model_package(m, i);
		struct buffer name = { 0 };
		struct row *row;

		if (!package->is_defined && !package->has_called)
			continue;
		write_indexed_package(&name, m, i);
		if (package->module) {
			buffer_text(&name, " (");
			buffer_plain(&name, package->module->base);
			buffer_text(&name, ")");
		}
		if (package->is_unloaded)
			buffer_text(&name, package->has_failed ? " [failed to initialise]"
							       : " [unloaded]");
		row = add_table_row(&t, buffer_take(&name));
		for (uint32_t j = 0; j < TRACE_FUNCTIONS; j++)
			add_counter(row, model_counter(m, i, j));
	}
	write_table(b, &t);
}

static void write_function_table(struct buffer *b, const struct model *m)
{
	struct table t = { .title = "function", .column = { "calls", "failed", "bytes" } };

	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++) {
		struct row *row;

		if (model_calls(m, i) == 0)
			continue;
		row = add_table_row(&t, buffer_take_plain(model_function(m, i)->name));
		for (uint32_t j = 0; j < TRACE_PACKAGES; j++)
			add_counter(row, model_counter(m, j, i));
	}
	write_table(b, &t);
}

static void write_transfer_table(struct buffer *b, const struct model *m)
{
	struct table t = { .title = "handed over by", .column = { "blocks", "bytes" } };

	for (uint32_t i = 0; i < TRACE_PACKAGES; i++) {
		for (uint32_t j = 0; j < TRACE_FUNCTIONS; j++) {
			const struct model_transfers *transfers = model_transfers(m, i, j);
			struct buffer name = { 0 };
			struct row *row;

			if (transfers->blocks == 0)
				continue;
			write_indexed_package(&name, m, i);
			buffer_text(&name, ", ");
			buffer_plain(&name, model_function(m, j)->name);
			row = add_table_row(&t, buffer_take(&name));
			row->number[0] = transfers->blocks;
			row->number[1] = transfers->bytes;
		}
	}
	write_table(b, &t);
}

/* What is live at the end of the trace. */
struct live {
	uint64_t sections;
	uint64_t blocks[256], bytes[256]; /* by family */
};

static void count_live(struct live *live, const struct model *m)
{
	struct reader_cursor c = { 0 };
	struct model_entry entry;

	while (model_next_entry(m, &c, &entry)) {
		if (entry.state == TRACE_ENTRY_SECTION) {
			live->sections++;
			continue;
		}
		live->blocks[entry.family]++;
		sum_add(&live->bytes[entry.family], entry.size);
	}
}

/* Sums up what all packages called of a family. */
static void count_family(struct row *row, const struct model *m, uint32_t family,
			 const struct live *live)
{
	row->number[3] = live->blocks[family];
	row->number[4] = live->bytes[family];
	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++)
		for (uint32_t j = 0; model_function(m, i)->name && j < TRACE_PACKAGES; j++)
			if (model_function(m, i)->family == family)
				add_counter(row, model_counter(m, j, i));
}

static void write_family_table(struct buffer *b, const struct model *m, const struct live *live)
{
	struct table t = { .title = "family",
			   .column = { "calls", "failed", "bytes", "live blocks", "live bytes" } };

	for (uint32_t family = 1; family < 256; family++) {
		struct row row = { 0 };

		if (!model_family(m, family))
			continue;
		count_family(&row, m, family, live);
		if (row.number[0] == 0 && row.number[3] == 0)
			continue;
		row.name = buffer_take_plain(model_family(m, family));
		*add_table_row(&t, NULL) = row;
	}
	write_table(b, &t);
}

/* Whose functions were called, and where clients find the memory of live sections. */
static void write_sections(struct buffer *b, const struct model *m)
{
	struct buffer allocators = { 0 };
	struct reader_cursor c = { 0 };
	struct model_entry entry;
	bool any;

	allocators_write(&allocators, m);
	any = allocators.used > 0;
	buffer_bytes(b, allocators.data, allocators.used);
	buffer_release(&allocators);
	while (model_next_entry(m, &c, &entry)) {
		if (!entry.has_descriptor)
			continue;
		any = true;
		buffer_text(b, "  section ");
		buffer_hex(b, entry.address);
		buffer_format(b, " of at most %" PRIu64 " bytes: /proc/%" PRId32 "/fd/%" PRIu32 "\n",
			      entry.size, model_process(m)->pid, entry.descriptor);
	}
	buffer_text(b, any ? "\n" : "");
}

static void write_totals(struct buffer *b, const struct model *m, const struct model_events *e,
			 const struct live *live)
{
	const struct model_process *process = model_process(m);

	buffer_format(b, "  live sections      %" PRIu64 "\n", live->sections);
	buffer_format(b, "  distinct stacks    %" PRIu64 "\n", process->stacks);
	buffer_format(b, "  calls in flight    %zu\n", model_in_flight(m));
	buffer_format(b, "  calls recorded     %" PRIu64 "\n", e->recorded);
	buffer_format(b, "  retained           %" PRIu64 " in %" PRIu64 " bytes, of ", e->retained,
		      e->ring_bytes);
	buffer_seconds(b, (uint64_t)e->last_ns - (uint64_t)e->first_ns, 3);
	buffer_text(b, " s\n");
	buffer_format(b, "  overwritten        %" PRIu64 "\n", e->overwritten);
	buffer_format(b, "  torn               %" PRIu64 "\n", e->torn);
	if (process->unwind_checked)
		buffer_format(b, "  backtraces checked %" PRIu64 ", %" PRIu64 " of them different\n",
			      process->unwind_checked, process->unwind_differed);
	if (process->unguarded)
		buffer_format(b, "  not guarded        %" PRIu64 " blocks that should have been\n",
			      process->unguarded);
	if (process->unmoved)
		buffer_format(b,
			      "  not moved          %" PRIu64 " guarded blocks that the LSA got\n",
			      process->unmoved);
}

/* What is missing, and what that does to the results. */
static void write_lost(struct buffer *b, const struct model *m)
{
	bool any = false;

	for (unsigned i = 0; i < TRACE_LOST_COUNT; i++) {
		uint64_t lost = model_lost(m, (enum trace_lost)i);

		if (!lost)
			continue;
		any = true;
		buffer_format(b, "  lost               %" PRIu64 " %s%s\n", lost,
			      losses_words((enum trace_lost)i),
			      i == TRACE_LOST_EVENTS ? "; the results are still exact" : "");
	}
	if (!any)
		buffer_text(b, "  lost               nothing\n");
	if (!model_is_exact(m))
		buffer_text(b,
			    "  The results are a lower bound: there may be more findings, and more "
			    "leaks.\n");
}

/* The columns that a row of the tables has. */
static void write_numbers(struct json *j, const struct row *row)
{
	json_write_number(j, "calls", row->number[0]);
	json_write_number(j, "failed", row->number[1]);
	json_write_number(j, "bytes", row->number[2]);
}

static void write_packages(struct json *j, const struct model *m)
{
	json_open_array(j, "packages");
	for (uint32_t i = 0; i < TRACE_PACKAGES; i++) {
		const struct model_package *package = model_package(m, i);
		struct row row = { 0 };

		if (!package->is_defined && !package->has_called)
			continue;
		for (uint32_t k = 0; k < TRACE_FUNCTIONS; k++)
			add_counter(&row, model_counter(m, i, k));
		json_open_object(j, NULL);
		json_write_number(j, "index", i);
		json_write_text(j, "name", package->name);
		json_write_text(j, "module", package->module ? package->module->name : NULL);
		json_write_boolean(j, "unloaded", package->is_unloaded);
		write_numbers(j, &row);
		json_close_object(j);
	}
	json_close_array(j);
}

static void write_functions(struct json *j, const struct model *m)
{
	json_open_array(j, "functions");
	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++)
		for (uint32_t k = 0; k < TRACE_PACKAGES; k++) {
			struct row row = { 0 };

			add_counter(&row, model_counter(m, k, i));
			if (row.number[0] == 0)
				continue;
			json_open_object(j, NULL);
			json_write_text(j, "name", model_function(m, i)->name);
			json_write_text(j, "family", model_family(m, model_function(m, i)->family));
			json_write_number(j, "package", k);
			write_numbers(j, &row);
			json_close_object(j);
		}
	json_close_array(j);
	json_open_array(j, "transfers");
	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++)
		for (uint32_t k = 0; k < TRACE_PACKAGES; k++) {
			const struct model_transfers *transfers = model_transfers(m, k, i);

			if (transfers->blocks == 0)
				continue;
			json_open_object(j, NULL);
			json_write_text(j, "function", model_function(m, i)->name);
			json_write_number(j, "package", k);
			json_write_number(j, "blocks", transfers->blocks);
			json_write_number(j, "bytes", transfers->bytes);
			json_close_object(j);
		}
	json_close_array(j);
}

static void write_families(struct json *j, const struct model *m, const struct live *live)
{
	json_open_array(j, "families");
	for (uint32_t family = 1; family < 256; family++) {
		struct row row = { 0 };

		if (!model_family(m, family))
			continue;
		count_family(&row, m, family, live);
		json_open_object(j, NULL);
		json_write_text(j, "name", model_family(m, family));
		write_numbers(j, &row);
		json_write_number(j, "live_blocks", row.number[3]);
		json_write_number(j, "live_bytes", row.number[4]);
		json_close_object(j);
	}
	json_close_array(j);
}

static void write_history(struct json *j, const struct model_events *e)
{
	json_open_object(j, "events");
	json_write_number(j, "recorded", e->recorded);
	json_write_number(j, "retained", e->retained);
	json_write_number(j, "overwritten", e->overwritten);
	json_write_number(j, "lost", e->lost);
	json_write_number(j, "torn", e->torn);
	json_write_number(j, "ring_bytes", e->ring_bytes);
	json_write_integer(j, "first_ns", e->first_ns);
	json_write_integer(j, "last_ns", e->last_ns);
	json_close_object(j);
}

static void write_object(struct json *j, const struct model *m, const struct model_events *events,
			 const struct live *live)
{
	const struct model_process *process = model_process(m);

	json_open_object(j, NULL);
	json_write_text(j, "path", model_path(m));
	json_write_integer(j, "pid", process->pid);
	json_write_text(j, "exe", process->exe);
	json_write_time(j, "start_time", process->start_ns);
	json_write_text(j, "end", process->end_text);
	if (process->has_exit_status)
		json_write_integer(j, "exit_status", process->exit_status);
	else
		json_write_null(j, "exit_status");
	write_packages(j, m);
	write_functions(j, m);
	write_families(j, m, live);
	json_write_number(j, "live_sections", live->sections);
	json_write_number(j, "stacks", process->stacks);
	json_write_number(j, "in_flight", model_in_flight(m));
	write_history(j, events);
	json_write_number(j, "unwind_checked", process->unwind_checked);
	json_write_number(j, "unwind_differed", process->unwind_differed);
	json_write_number(j, "unguarded", process->unguarded);
	json_write_number(j, "unmoved", process->unmoved);
	json_open_object(j, "lost");
	for (unsigned i = 0; i < TRACE_LOST_COUNT; i++)
		json_write_number(j, losses_name((enum trace_lost)i),
				  model_lost(m, (enum trace_lost)i));
	json_close_object(j);
	json_write_boolean(j, "exact", model_is_exact(m));
	json_close_object(j);
}

static void write_text(struct buffer *b, const struct model *m, const struct model_events *events,
		       const struct live *live)
{
	buffer_text(b, "trace ");
	buffer_plain(b, model_path(m));
	buffer_format(b, ", process %" PRId32 " (%s)\n  ", model_process(m)->pid,
		      model_process(m)->end_text);
	text_write_span(b, m, events);
	buffer_text(b, "\n\n");
	write_package_table(b, m);
	write_function_table(b, m);
	write_transfer_table(b, m);
	write_family_table(b, m, live);
	write_sections(b, m);
	write_totals(b, m, events, live);
	write_lost(b, m);
}

/* Returns false if the trace could not be read. `json` is NULL for text. */
static bool write_trace(struct buffer *b, struct json *json, const char *path, bool is_later)
{
	struct progress progress = { 0 };
	struct model_events events;
	struct model *m = report_open_trace(path, &events, &progress);
	struct live live = { 0 };

	if (!m)
		return false;
	count_live(&live, m);
	if (json) {
		write_object(json, m, &events, &live);
	} else {
		buffer_text(b, is_later ? "\n" : "");
		write_text(b, m, &events, &live);
	}
	model_close(m);
	return true;
}

static const struct argument rows[] = {
	{ "json", 0, NULL, "print one JSON document (lsatrace.stat.schema.json)",
	  arguments_take_flag, .offset = 0 },
};

static const char description[] =
	"Prints totals for each package, function and family, how much of the\n"
	"history was kept, and what was lost. Calls, failures and bytes are\n"
	"exact even if history was overwritten. Bytes are those asked for in\n"
	"calls that succeeded. Live is what was not freed, whether inherited or\n"
	"not. Handed over are blocks that an entry point of the package\n"
	"returned, and that belong to the LSA or to a client since then.\n";

int command_stat(int argc, char **argv)
{
	bool is_json = false;
	struct arguments arguments = {
		.operands = "TRACE...",
		.description = description,
		.statuses = "The exit status is 0, or 2 if a trace could not be read.\n",
		.operand = "trace",
		.bad_status = COMMAND_TROUBLE,
		.group = { ARGUMENT_GROUP(rows, &is_json) },
	};
	int error, status, first = arguments_parse(&arguments, argc, argv, &status);
	struct buffer out = { 0 };
	struct json json = { .out = &out };

	if (!first)
		return status;
	status = 0;
	buffer_stream(&out, stdout, NULL);
	if (!is_json)
		terminal_shape(&out);
	if (is_json) {
		json_open_object(&json, NULL);
		json_write_number(&json, "schema", 1);
		json_open_array(&json, "traces");
	}
	for (int i = first; i < argc; i++)
		if (!write_trace(&out, is_json ? &json : NULL, argv[i], i > first))
			status = COMMAND_TROUBLE;
	if (is_json) {
		json_close_array(&json);
		json_close_object(&json);
	}
	error = buffer_flush(&out);
	buffer_release(&out);
	/* EPIPE: who reads it has seen enough. */
	if (error && error != EPIPE) {
		complaint_print("standard output", "%s", strerror(error));
		status = COMMAND_TROUBLE;
	}
	return status;
}
