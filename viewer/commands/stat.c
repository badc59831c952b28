/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"
#include "viewer/base/progress.h"
#include "viewer/commands/commands.h"
#include "viewer/commands/usage.h"
#include "viewer/findings/findings.h"
#include "viewer/model/allocators.h"
#include "viewer/model/model.h"
#include "viewer/report/report.h"

#define COLUMNS 5

static const char help[] =
	"usage: lsatrace stat [OPTION]... TRACE...\n\n"
	"Prints totals per package, function and family, how much of the history was kept, and "
	"what\n"
	"was lost. Calls, failures and bytes are exact, whatever became of the history; bytes are\n"
	"those asked for in calls that succeeded; live is what was not freed, inherited or not. "
	"Handed\n"
	"over is what is the LSA's or a client's since an entry point of the package returned "
	"it.\n\n"
	"      --help             this text\n"
	"\nThe status is 0, or 2 if a trace could not be read.\n";

static const struct option rows[] = {
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

struct row {
	char *name;
	uint64_t number[COLUMNS];
};

/* Names on the left, numbers on the right, as wide as they need to be. */
struct table {
	const char *title;
	const char *column[COLUMNS];
	struct row *row;
	size_t rows, room;
};

static struct row *add_row(struct table *t, const char *name)
{
	struct buffer b = { 0 };

	memory_room(t->row, t->rows, t->room);
	buffer_plain(&b, name, strlen(name));
	t->row[t->rows] = (struct row){ .name = buffer_take(&b) };
	return &t->row[t->rows++];
}

static size_t digits(uint64_t number)
{
	size_t count = 1;

	for (; number >= 10; number /= 10)
		count++;
	return count;
}

static int width_of(const struct table *t, unsigned column)
{
	size_t width = strlen(t->column[column]);

	for (size_t i = 0; i < t->rows; i++)
		if (digits(t->row[i].number[column]) > width)
			width = digits(t->row[i].number[column]);
	return (int)width;
}

static int name_width(const struct table *t)
{
	size_t width = strlen(t->title);

	for (size_t i = 0; i < t->rows; i++)
		if (strlen(t->row[i].name) > width)
			width = strlen(t->row[i].name);
	return (int)width;
}

/* Prints the table, unless it has no rows, and empties it. */
static void print_table(struct table *t)
{
	int width = name_width(t);

	for (size_t i = 0; t->rows && i <= t->rows; i++) {
		printf("  %-*s", width, i ? t->row[i - 1].name : t->title);
		for (unsigned j = 0; j < COLUMNS && t->column[j]; j++) {
			if (i)
				printf("  %*" PRIu64, width_of(t, j), t->row[i - 1].number[j]);
			else
				printf("  %*s", width_of(t, j), t->column[j]);
		}
		putchar('\n');
	}
	if (t->rows)
		putchar('\n');
	for (size_t i = 0; i < t->rows; i++)
		free(t->row[i].name);
	free(t->row);
	*t = (struct table){ 0 };
}

static void add_counter(struct row *row, const struct model_counter *counter)
{
	row->number[0] += counter->calls;
	row->number[1] += counter->failed;
	row->number[2] += counter->bytes;
}

static void print_packages(const struct model *m)
{
	struct table t = { .title = "package", .column = { "calls", "failed", "bytes" } };

	for (uint32_t i = 0; i < TRACE_PACKAGES; i++) {
		const struct model_package *package = model_package(m, i);
		struct buffer name = { 0 };
		struct row *row;

		if (!package->defined && !package->called)
			continue;
		buffer_format(&name, "%" PRIu32 " %s", i, package->name ? package->name : "?");
		if (package->module)
			buffer_format(&name, " (%s)", package->module->base);
		if (package->unloaded)
			buffer_text(&name, " [unloaded]");
		row = add_row(&t, name.data);
		buffer_release(&name);
		for (uint32_t j = 0; j < TRACE_FUNCTIONS; j++)
			add_counter(row, model_counter(m, i, j));
	}
	print_table(&t);
}

static void print_functions(const struct model *m)
{
	struct table t = { .title = "function", .column = { "calls", "failed", "bytes" } };

	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++) {
		struct row *row;

		if (model_calls(m, i) == 0)
			continue;
		row = add_row(&t, model_function(m, i)->name);
		for (uint32_t j = 0; j < TRACE_PACKAGES; j++)
			add_counter(row, model_counter(m, j, i));
	}
	print_table(&t);
}

static bool is_transferred(const struct model *m, uint32_t package, uint32_t function)
{
	return model_transfers(m, package, function)->blocks != 0;
}

static void add_transfers(struct table *t, const struct model *m, uint32_t package,
			  uint32_t function)
{
	const struct model_transfers *transfers = model_transfers(m, package, function);
	const char *name = model_package(m, package)->name;
	struct buffer text = { 0 };
	struct row *row;

	buffer_format(&text, "%" PRIu32 " %s, %s", package, name ? name : "?",
		      model_function(m, function)->name);
	row = add_row(t, text.data);
	row->number[0] = transfers->blocks;
	row->number[1] = transfers->bytes;
	buffer_release(&text);
}

static void print_transfers(const struct model *m)
{
	struct table t = { .title = "handed over by", .column = { "blocks", "bytes" } };

	for (uint32_t i = 0; i < TRACE_PACKAGES; i++)
		for (uint32_t j = 0; j < TRACE_FUNCTIONS; j++)
			if (is_transferred(m, i, j))
				add_transfers(&t, m, i, j);
	print_table(&t);
}

static void add_live(struct row *row, const struct model *m, uint32_t family)
{
	for (size_t i = 0; i < model_entries(m); i++) {
		const struct model_entry *entry = model_entry(m, i);

		if (entry->family == family && entry->state != TRACE_ENTRY_SECTION) {
			row->number[3]++;
			row->number[4] += entry->size;
		}
	}
}

static void print_families(const struct model *m)
{
	struct table t = { .title = "family",
			   .column = { "calls", "failed", "bytes", "live blocks", "live bytes" } };

	for (uint32_t family = 1; family < 256; family++) {
		struct row *row;

		if (!model_family(m, family))
			continue;
		row = add_row(&t, model_family(m, family));
		for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++)
			for (uint32_t j = 0; model_function(m, i)->name && j < TRACE_PACKAGES; j++)
				if (model_function(m, i)->family == family)
					add_counter(row, model_counter(m, j, i));
		add_live(row, m, family);
		if (row->number[0] == 0 && row->number[3] == 0)
			free(t.row[--t.rows].name);
	}
	print_table(&t);
}

/* Whose functions were called, and where clients find the memory of live sections. */
static void print_embedded(const struct model *m)
{
	struct buffer lines = { 0 };

	allocators_write(&lines, m);
	for (size_t i = 0; i < model_entries(m); i++) {
		const struct model_entry *entry = model_entry(m, i);

		if (entry->has_descriptor)
			buffer_format(&lines,
				      "  section 0x%" PRIx64 " of at most %" PRIu64
				      " bytes: /proc/%" PRId32 "/fd/%" PRIu32 "\n",
				      entry->address, entry->size, model_pid(m), entry->descriptor);
	}
	if (lines.used)
		puts(lines.data);
	buffer_release(&lines);
}

static void print_history(const struct model *m, const struct model_events *e)
{
	uint64_t span_ns = (uint64_t)e->last_ns - (uint64_t)e->first_ns;
	uint64_t sections = 0;

	for (size_t i = 0; i < model_entries(m); i++)
		sections += model_entry(m, i)->state == TRACE_ENTRY_SECTION;
	printf("  live sections      %" PRIu64 "\n", sections);
	printf("  distinct stacks    %" PRIu64 "\n", model_stacks(m));
	printf("  calls in flight    %zu\n", model_in_flight(m));
	printf("  calls recorded     %" PRIu64 "\n", e->recorded);
	printf("  retained           %" PRIu64 " in %" PRIu64 " bytes, of %" PRIu64 ".%03" PRIu64
	       " s\n",
	       e->retained, e->ring_bytes, span_ns / 1000000000u, span_ns / 1000000u % 1000u);
	printf("  overwritten        %" PRIu64 "\n", e->overwritten);
	printf("  torn               %" PRIu64 "\n", e->torn);
	if (model_unwind_checked(m))
		printf("  backtraces checked %" PRIu64 ", %" PRIu64 " of them different\n",
		       model_unwind_checked(m), model_unwind_differences(m));
	if (model_unguarded(m))
		printf("  not guarded        %" PRIu64 " blocks that should have been\n",
		       model_unguarded(m));
	if (model_unmoved(m))
		printf("  not moved          %" PRIu64 " guarded blocks that the LSA got\n",
		       model_unmoved(m));
}

/* What is missing, and what that does to the results. */
static void print_losses(const struct model *m)
{
	bool any = false;

	for (unsigned i = 0; i < TRACE_LOST_COUNT; i++) {
		uint64_t lost = model_lost(m, (enum trace_lost)i);

		if (!lost)
			continue;
		any = true;
		printf("  lost               %" PRIu64 " %s%s\n", lost,
		       findings_lost_words((enum trace_lost)i),
		       i == TRACE_LOST_EVENTS ? "; the results are exact all the same" : "");
	}
	if (!any)
		puts("  lost               nothing");
	if (!model_exact(m))
		puts("  The results are a lower bound: there may be more findings, and more "
		     "leaks.");
}

static bool print_trace(const char *path)
{
	struct progress progress = { 0 };
	struct trouble trouble;
	struct model_events events;
	struct model *m = model_open(path, &progress, &trouble);
	bool good = m && model_count_events(m, &events, &progress, &trouble);
	struct buffer name = { 0 };

	progress_end(&progress);
	if (!good) {
		report_trouble(path, trouble.text);
		model_close(m);
		return false;
	}
	buffer_plain(&name, model_path(m), strlen(model_path(m)));
	printf("trace %s, process %" PRId32 " (%s)\n\n", name.data, model_pid(m), model_end_text(m));
	print_packages(m);
	print_functions(m);
	print_transfers(m);
	print_families(m);
	print_embedded(m);
	print_history(m, &events);
	print_losses(m);
	buffer_release(&name);
	model_close(m);
	return true;
}

int cmd_stat(int argc, char **argv)
{
	int value, status = 0;

	opterr = optind = 0;
	while ((value = getopt_long(argc, argv, ":", rows, NULL)) != -1) {
		if (value != 'h')
			return usage_refuse(argv, rows, value);
		return fputs(help, stdout) < 0 ? USAGE_STATUS : 0;
	}
	if (optind == argc)
		return usage_wrong(argv[0], "no trace was given");
	for (int first = optind; optind < argc; optind++) {
		if (optind > first)
			putchar('\n');
		if (!print_trace(argv[optind]))
			status = USAGE_STATUS;
	}
	/* Whoever read our output may have seen enough: nothing to complain about. */
	if ((fflush(stdout) != 0 || ferror(stdout)) && errno != EPIPE) {
		report_trouble("standard output", "could not be written");
		status = USAGE_STATUS;
	}
	return status;
}
