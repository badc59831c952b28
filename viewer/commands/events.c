/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "include/failures.h"
#include "include/kinds.h"
#include "viewer/base/arguments.h"
#include "viewer/base/buffer.h"
#include "viewer/base/complaint.h"
#include "viewer/base/memory.h"
#include "viewer/base/progress.h"
#include "viewer/commands/commands.h"
#include "viewer/findings/findings.h"
#include "viewer/model/event.h"
#include "viewer/model/model.h"
#include "viewer/model/verdicts.h"
#include "viewer/report/event_json.h"
#include "viewer/report/report.h"
#include "viewer/report/text.h"
#include "viewer/symbols/symbols.h"
#include "viewer/view/event_filter.h"
#include "viewer/view/event_line.h"
#include "viewer/view/event_stream.h"
#include "viewer/view/frames.h"
#include "viewer/view/terminal.h"

/* What the command line asks for. */
struct request {
	struct event_wishes wishes;
	bool has_stacks, has_sites, is_json;
	uint32_t last; /* the last ones of those that are wanted; 0: all */
	enum report_color color;
	struct places places;
};

#define INTO(member) ARGUMENT_INTO(request, member)

static const struct argument rows[] = {
	{ "stacks", 0, NULL, "print the backtrace of each call below it", arguments_take_flag,
	  INTO(has_stacks) },
	{ "sites", 0, NULL,
	  "print the site of each call that --fail could let\n"
	  "fail, for --fail=SLOT:site=SITE",
	  arguments_take_flag, INTO(has_sites) },
	{ "last", 0, "N", "only the last N of these calls", arguments_take_number, INTO(last),
	  .most = 1000000 },
	{ "json", 0, NULL,
	  "print one JSON object a line: time_ns since the\n"
	  "start, thread, package (index), function, section,\n"
	  "address, size, initial_size, result, duration_ns,\n"
	  "to (lsa or client, for a block that is handed\n"
	  "over), injected, finding, reason; with --sites also\n"
	  "site, with --stacks also stack. Unknown is null",
	  arguments_take_flag, INTO(is_json) },
};

struct printer {
	const struct request *request;
	struct model *model;
	struct verdicts *verdicts;
	struct event_filter *filter;
	struct event_line *line;
	struct symbols *symbols;
	struct frames_style style;
	struct buffer out;
	struct progress *progress;
	struct model_events events;
	uint64_t seen, passed; /* events, and those that are wanted */
	int status;
};

static void write_event(struct printer *p, const struct trace_event *e)
{
	const struct model_stack *stack;
	struct model_stack room;

	if (p->request->is_json) {
		event_json_write(&p->out, p->model, p->verdicts, e, p->request->has_sites,
				 p->request->has_stacks ? p->symbols : NULL);
		return;
	}
	event_line_write(p->line, &p->out, e);
	if (!p->request->has_stacks ||
	    event_role(model_function(p->model, e->function)->role, e) == EVENT_ROLE_RETURN)
		return;
	stack = model_stack(p->model, e->stack, &room);
	if (stack) {
		frames_write(&p->out, &p->style, p->symbols, p->model, e->package, stack);
		return;
	}
	buffer_text(&p->out, p->style.indent);
	if (e->caller) {
		buffer_text(&p->out, "called from ");
		buffer_hex(&p->out, e->caller);
		buffer_text(&p->out, "; ");
	}
	buffer_text(&p->out, "the backtrace could not be stored\n");
}

/* Prints the events that are wanted, or keeps the last ones. */
static void walk_events(struct printer *p, struct trace_event *last, struct trouble *trouble)
{
	struct event_stream *stream = event_stream_new(p->model);
	const struct trace_event *e;

	while (!p->out.error && (e = event_stream_next(stream, trouble)) != NULL) {
		if (++p->seen % READER_RING_EVENTS == 0)
			progress_show(p->progress, "reading events", p->seen, p->events.retained);
		if (!event_filter_passes(p->filter, e))
			continue;
		if (p->request->last)
			last[p->passed % p->request->last] = *e;
		else
			write_event(p, e);
		p->passed++;
	}
	event_stream_free(stream);
}

static void write_state(struct buffer *b, const struct model *model, const struct model_entry *entry)
{
	bool is_section = entry->state == TRACE_ENTRY_SECTION;

	buffer_text(b, is_section ? "section " : "block ");
	buffer_hex(b, entry->address);
	buffer_text(b, " of ");
	buffer_count(b, entry->size, "byte");
	buffer_text(b, model_process(model)->end == TRACE_END_RUNNING ? " is live"
								      : " is live at the end");
	if (entry->state == TRACE_ENTRY_SUSPECT)
		buffer_text(b, ", after it was freed wrongly");
	else if (entry->inherited)
		buffer_text(b, ", inherited from the parent process");
	else if (entry->ignored)
		buffer_text(b, ", as lsatrace_ignore() allows");
	else if (entry->is_excused)
		buffer_text(b, ", because --fail let its deletion fail");
	else if (model_is_leak(entry))
		buffer_text(b, is_section ? ": section-leak" : ": block-leak");
	buffer_text(b, "\n");
}

/* What the ledger has at the address that was asked for, and the misuses that name it. */
static void write_end_of_life(struct printer *p)
{
	uint64_t address = p->request->wishes.address;
	struct findings *findings;
	struct reader_cursor c = { 0 };
	struct model_entry entry;

	while (model_next_entry(p->model, &c, &entry))
		if (entry.address == address ||
		    (entry.state != TRACE_ENTRY_SECTION && address - entry.address < entry.size))
			write_state(&p->out, p->model, &entry);
	findings = findings_new(&p->model, 1, findings_name_by(p->symbols), NULL);
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *f = findings_look(findings, i);

		if (f->kind == TRACE_KIND_BLOCK_LEAK || f->kind == TRACE_KIND_SECTION_LEAK ||
		    ((!f->has_address || f->address != address) && f->block != address))
			continue;
		f = findings_get(findings, i);
		buffer_text(&p->out, kinds_level_text(f->level));
		buffer_text(&p->out, ": ");
		text_write_headline(&p->out, f);
		buffer_text(&p->out, "\n");
	}
	findings_free(findings);
}

static void print_events(struct printer *p, const char *path)
{
	const struct request *r = p->request;
	struct trace_event *last = memory_new(r->last, sizeof(*last));
	struct trouble trouble = { 0 };
	uint64_t kept;
	int error;

	buffer_stream(&p->out, stdout, p->progress);
	if (!r->is_json)
		terminal_shape(&p->out);
	if (r->wishes.has_address && !r->is_json && p->events.overwritten)
		buffer_format(&p->out, "(%" PRIu64 " earlier calls are overwritten)\n",
			      p->events.overwritten);
	walk_events(p, last, &trouble);
	kept = p->passed < r->last ? p->passed : r->last;
	for (uint64_t i = p->passed - kept; i < p->passed; i++)
		write_event(p, &last[i % r->last]);
	free(last);
	if (r->wishes.has_address && !r->is_json && trouble.error == TROUBLE_NONE)
		write_end_of_life(p);
	progress_end(p->progress);
	error = buffer_flush(&p->out);
	/* EPIPE: who reads it has seen enough. */
	if (error && error != EPIPE) {
		complaint_print("standard output", "%s", strerror(error));
		p->status = COMMAND_TROUBLE;
	}
	if (trouble.error != TROUBLE_NONE) {
		complaint_print(path, "%s", trouble.text);
		p->status = COMMAND_TROUBLE;
	}
}

/* Functions that are not traced are in a trace if --fail has named one. */
static void complain_of_sites(const struct model *m)
{
	for (uint32_t i = TRANSFER_END; i < TRACE_FUNCTIONS; i++)
		if (model_function(m, i)->name)
			return;
	complaint_print("lsatrace events",
			"of functions that are not traced, such as DuplicateHandle, there are "
			"sites if the trace is recorded with --fail=DuplicateHandle:0");
}

static int print_model(const struct request *r, struct printer *p, const char *path)
{
	bool has_color;

	p->request = r;
	p->symbols = symbols_new(p->progress);
	symbols_look_in(p->symbols, &r->places);
	p->filter = event_filter_new(&r->wishes, p->model, p->verdicts, p->symbols, "events");
	if (!p->filter) {
		symbols_free(p->symbols);
		return COMMAND_TROUBLE;
	}
	if (!r->is_json)
		terminal_page();
	has_color = report_wants_color(r->color, stdout);
	p->line = event_line_new(p->model, p->verdicts, has_color, r->has_sites);
	p->style = frames_style("    ", has_color);
	print_events(p, path);
	terminal_end();
	if (p->passed == 0 && p->status == 0)
		complaint_print("lsatrace events", "no event of %" PRIu64 " matches", p->seen);
	if (r->has_sites)
		complain_of_sites(p->model);
	report_complain_of_symbols("lsatrace events", p->symbols);
	frames_release(&p->style);
	event_filter_free(p->filter);
	symbols_free(p->symbols);
	event_line_free(p->line);
	buffer_release(&p->out);
	return p->status;
}

int command_events(int argc, char **argv)
{
	struct request request = { 0 };
	struct progress progress = { 0 };
	struct arguments arguments = {
		.operands = "TRACE",
		.description =
			"Prints the retained calls of the trace, oldest first, one line each:\n"
			"  [+seconds since the start] thread package function(arguments) = result\n"
			"      <seconds taken>\n"
			"\"= ?\" means that the call had not returned when the process ended, or\n"
			"when the trace was read. <injected>: --fail let it fail. An arrow\n"
			"marks a call that is a finding. Between the calls are the returns of\n"
			"the package's entry points, and the blocks that these hand over to the\n"
			"LSA or to a client:\n"
			"  [+seconds since the start] thread package entry-point = status\n"
			"      <seconds taken>\n"
			"  [+seconds since the start] thread package entry-point hands address\n"
			"      (size, family) to ...\n"
			"If none is wanted, a line on standard error says so.\n",
		.statuses = "The exit status is 0, or 2 if the trace could not be read.\n",
		.operand = "trace",
		.is_single = true,
		.bad_status = COMMAND_TROUBLE,
		.group = { event_filter_arguments(&request.wishes), ARGUMENT_GROUP(rows, &request),
			   report_color_arguments(&request.color),
			   places_arguments(&request.places) },
	};
	int status, first = arguments_parse(&arguments, argc, argv, &status);
	struct printer printer = { .progress = &progress };

	if (!first)
		return status;
	printer.model = report_open_trace(argv[first], &printer.events, &progress);
	if (!printer.model)
		return COMMAND_TROUBLE;
	printer.verdicts = verdicts_new(printer.model);
	status = print_model(&request, &printer, argv[first]);
	verdicts_free(printer.verdicts);
	model_close(printer.model);
	return status;
}
