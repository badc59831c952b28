/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "viewer/base/arguments.h"
#include "viewer/base/buffer.h"
#include "viewer/base/complaint.h"
#include "viewer/base/memory.h"
#include "viewer/base/progress.h"
#include "viewer/commands/commands.h"
#include "viewer/model/event.h"
#include "viewer/model/model.h"
#include "viewer/read/timeline.h"
#include "viewer/report/event_json.h"
#include "viewer/report/event_line.h"
#include "viewer/report/report.h"
#include "viewer/symbols/symbols.h"
#include "viewer/view/frames.h"

/* What the command line asks for. */
struct request {
	const char *function, *package; /* NULL: any */
	uint32_t thread;                /* 0: any */
	bool has_address;
	uint64_t address;
	bool has_stacks, is_json, has_findings_only;
	uint32_t last; /* the last ones of those that are wanted; 0: all */
	enum report_color color;
	struct places places;
};

static bool parse_number(const char *text, int base, uint64_t *number)
{
	char *end;

	if (!(*text >= '0' && *text <= '9') && base == 10)
		return false;
	errno = 0;
	*number = strtoull(text, &end, base);
	return *text && *text != '-' && *text != '+' && *text != ' ' && !*end && errno == 0;
}

static const char *take_address(void *request, const struct argument *row, const char *value)
{
	struct request *r = request;

	(void)row;
	r->has_address = parse_number(value, 16, &r->address);
	return r->has_address ? NULL : "an address, such as 0x7f0012345678";
}

#define INTO(member) ARGUMENT_INTO(request, member)

static const struct argument rows[] = {
	{ "stacks", 0, NULL, "print the backtrace of each call below it", arguments_take_flag,
	  INTO(has_stacks) },
	{ "function", 0, "NAME", "only calls of this function", arguments_take_text, INTO(function) },
	{ "package", 0, "INDEX|NAME", "only calls by this package", arguments_take_text,
	  INTO(package) },
	{ "thread", 0, "TID", "only calls by this thread", arguments_take_number, INTO(thread),
	  .most = INT32_MAX },
	{ "address", 0, "ADDRESS",
	  "only calls on this section or block, or on the\nblock that holds the address",
	  take_address, .offset = 0 },
	{ "findings", 0, NULL, "only calls that are findings", arguments_take_flag,
	  INTO(has_findings_only) },
	{ "last", 0, "N", "only the last N of these calls", arguments_take_number, INTO(last),
	  .most = 1000000 },
	{ "json", 0, NULL,
	  "print one JSON object a line: time_ns since the\n"
	  "start, thread, package (index), function, section,\n"
	  "address, size, initial_size, result, duration_ns,\n"
	  "to (lsa or client, for a block that is handed\n"
	  "over), finding; with --stacks also stack. Unknown\n"
	  "is null",
	  arguments_take_flag, INTO(is_json) },
};

struct printer {
	const struct request *request;
	struct model *model;
	bool function[TRACE_FUNCTIONS]; /* those that were asked for, by number */
	bool package[TRACE_PACKAGES];
	struct event_line *line;
	struct symbols *symbols;
	struct frames_style style;
	struct buffer out;
	int status;
};

static bool choose_functions(struct printer *p, const char *wanted)
{
	bool any = false;

	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++) {
		const char *name = model_function(p->model, i)->name;

		p->function[i] = !wanted || (name && strcmp(name, wanted) == 0);
		any |= p->function[i];
	}
	return any;
}

/* A name goes before an index: a package may be called "2". */
static bool choose_packages(struct printer *p, const char *wanted)
{
	bool any = false;
	uint64_t index;

	for (uint32_t i = 0; i < TRACE_PACKAGES; i++) {
		const char *name = model_package(p->model, i)->name;

		p->package[i] = !wanted || (name && strcmp(name, wanted) == 0);
		any |= p->package[i];
	}
	if (!any && parse_number(wanted, 10, &index) && index < TRACE_PACKAGES)
		any = p->package[index] = true;
	return any;
}

static bool concerns_address(const struct trace_event *e, enum trace_role role, uint64_t address)
{
	uint64_t size = event_has_size(role) ? event_size(role, e) : 0;

	if (e->section == address && event_has_section(role, e))
		return true;
	if (!event_has_address(role, e))
		return false;
	return e->address == address ||
	       (role != TRACE_ROLE_CREATE_SECTION && e->address && address - e->address < size);
}

static bool is_wanted(const struct printer *p, const struct trace_event *e)
{
	const struct request *r = p->request;

	return p->function[e->function] && p->package[e->package] &&
	       (!r->has_findings_only || e->verdict) &&
	       (!r->thread || (uint32_t)e->tid == r->thread) &&
	       (!r->has_address ||
		concerns_address(e, event_role(model_function(p->model, e->function)->role, e),
				 r->address));
}

static void write_event(struct printer *p, const struct trace_event *e)
{
	const struct model_stack *stack;
	struct model_stack room;

	if (p->request->is_json) {
		event_json_write(&p->out, p->model, e, p->request->has_stacks ? p->symbols : NULL);
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
	buffer_text(&p->out, "called from ");
	buffer_hex(&p->out, e->caller);
	buffer_text(&p->out, "; the backtrace could not be stored\n");
}

static void print_events(struct printer *p, const char *path)
{
	struct trouble trouble = { 0 };
	struct timeline *timeline = timeline_new(model_reader(p->model));
	struct trace_event *last = memory_new(p->request->last, sizeof(*last));
	const struct trace_event *e;
	size_t count = 0;
	int error;

	buffer_stream(&p->out, stdout, NULL);
	while (!p->out.error && (e = timeline_next(timeline, &trouble)) != NULL) {
		if (!is_wanted(p, e))
			continue;
		if (p->request->last)
			last[count++ % p->request->last] = *e;
		else
			write_event(p, e);
	}
	timeline_free(timeline);
	for (size_t i = count > p->request->last ? count - p->request->last : 0; i < count; i++)
		write_event(p, &last[i % p->request->last]);
	free(last);
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

static int print_model(const struct request *r, struct model *model, const char *path)
{
	bool has_color = report_wants_color(r->color, stdout);
	struct printer p = { .request = r, .model = model };

	if (!choose_functions(&p, r->function)) {
		arguments_refuse("events", "function", r->function, "a function of the trace");
		return COMMAND_TROUBLE;
	}
	if (!choose_packages(&p, r->package)) {
		arguments_refuse("events", "package", r->package,
				 "an index or a name of a package of the trace");
		return COMMAND_TROUBLE;
	}
	p.line = event_line_new(model, has_color);
	p.symbols = symbols_new(NULL);
	symbols_look_in(p.symbols, &r->places);
	p.style = frames_style("    ", has_color);
	print_events(&p, path);
	frames_release(&p.style);
	symbols_free(p.symbols);
	event_line_free(p.line);
	buffer_release(&p.out);
	return p.status;
}

int command_events(int argc, char **argv)
{
	struct request request = { 0 };
	struct progress progress = { 0 };
	struct arguments arguments = {
		.operands = "TRACE",
		.description =
			"Prints the retained calls of the trace, oldest first, one line each:\n"
			"  [+seconds since the start] thread package function(arguments) = result "
			"<seconds taken>\n"
			"\"= ?\" means that the call did not return before the trace ended. An "
			"arrow marks "
			"a call that\n"
			"is a finding. Between the calls are the returns of the package's entry "
			"points, and\n"
			"the blocks that these hand over to the LSA or to a client:\n"
			"  [+seconds since the start] thread package entry-point = status "
			"<seconds taken>\n"
			"  [+seconds since the start] thread package entry-point hands address "
			"(size, "
			"family) to ...\n",
		.statuses = "The exit status is 0, or 2 if the trace could not be read.\n",
		.operand = "trace",
		.is_single = true,
		.bad_status = COMMAND_TROUBLE,
		.group = { ARGUMENT_GROUP(rows, &request), report_color_arguments(&request.color),
			   places_arguments(&request.places) },
	};
	int status, first = arguments_parse(&arguments, argc, argv, &status);
	struct model *model;

	if (!first)
		return status;
	model = report_open_trace(argv[first], NULL, &progress);
	if (!model)
		return COMMAND_TROUBLE;
	status = print_model(&request, model, argv[first]);
	model_close(model);
	return status;
}
