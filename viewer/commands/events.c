/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"
#include "viewer/base/progress.h"
#include "viewer/commands/commands.h"
#include "viewer/commands/usage.h"
#include "viewer/findings/findings.h"
#include "viewer/model/model.h"
#include "viewer/read/timeline.h"
#include "viewer/report/event_line.h"
#include "viewer/report/json_frames.h"
#include "viewer/report/report.h"
#include "viewer/symbols/frames.h"
#include "viewer/symbols/symbols.h"

#define FLUSH_BYTES (1u << 18)

static const char help[] =
	"usage: lsatrace events [OPTION]... TRACE\n\n"
	"Prints the retained calls of the trace, oldest first, one line each:\n"
	"  [+seconds since the start] thread package function(arguments) = result <seconds taken>\n"
	"\"= ?\" is a result that is not known, since the call had not returned or was never heard "
	"of\n"
	"again. An arrow marks a call that is a finding. Between the calls, what the package's "
	"entry\n"
	"points hand over to the LSA or to a client in returning:\n"
	"  [+seconds since the start] thread package entry-point hands address (size, family) to "
	"...\n"
	"\n"
	"      --stacks           the backtrace of each call below it\n"
	"      --function=NAME    calls of this function only\n"
	"      --package=INDEX|NAME\n"
	"                         calls by this package only\n"
	"      --thread=TID       calls by this thread only\n"
	"      --address=ADDRESS  calls on this section or block, or the block that holds the "
	"address\n"
	"      --json             one JSON object a line: time_ns since the start, thread, "
	"package\n"
	"                         (index), function, section, address, size, initial_size, "
	"result,\n"
	"                         duration_ns, to (lsa or client, for what is handed over), "
	"finding;\n"
	"                         with --stacks also stack; unknown is null\n"
	"      --color=auto|always|never\n"
	"      --help             this text\n"
	"\nThe status is 0, or 2 if the trace could not be read.\n";

static const struct option rows[] = {
	{ "stacks", no_argument, NULL, 's' },
	{ "function", required_argument, NULL, 'f' },
	{ "package", required_argument, NULL, 'p' },
	{ "thread", required_argument, NULL, 't' },
	{ "address", required_argument, NULL, 'a' },
	{ "json", no_argument, NULL, 'j' },
	{ "color", required_argument, NULL, 'c' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

struct request {
	const char *path;
	const char *function, *package; /* NULL: any */
	bool has_thread, has_address;
	int64_t thread;
	uint64_t address;
	bool stacks, json;
	struct report_options report; /* for --color */
};

/* The filters, looked up in a model. */
struct filter {
	bool function[TRACE_FUNCTIONS];
	bool package[TRACE_PACKAGES];
};

struct printer {
	const struct request *request;
	struct model *model;
	struct filter filter;
	struct event_line *line;
	struct symbols *symbols;
	struct json_frames *frames;
	struct frames_style style;
	struct buffer out;
	bool failed; /* standard output takes no more */
	int status;
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

static const char *take(struct request *r, int value, const char *text)
{
	uint64_t number;

	switch (value) {
	case 's':
		r->stacks = true;
		break;
	case 'j':
		r->json = true;
		break;
	case 'f':
		r->function = text;
		break;
	case 'p':
		r->package = text;
		break;
	case 't':
		if (!parse_number(text, 10, &number) || number > INT32_MAX)
			return "a thread id";
		r->has_thread = true;
		r->thread = (int64_t)number;
		break;
	case 'a':
		if (!parse_number(text, 16, &number))
			return "an address, such as 0x7f0012345678";
		r->has_address = true;
		r->address = number;
		break;
	default:
		return report_take_option(&r->report, usage_name(rows, value), text);
	}
	return NULL;
}

/* Returns -1, or the exit status. */
static int parse(struct request *r, int argc, char **argv)
{
	const char *expected;
	int value;

	opterr = optind = 0;
	while ((value = getopt_long(argc, argv, ":", rows, NULL)) != -1) {
		if (value == '?' || value == ':')
			return usage_refuse(argv, rows, value);
		if (value == 'h')
			return fputs(help, stdout) < 0 ? USAGE_STATUS : 0;
		expected = take(r, value, optarg);
		if (expected)
			return usage_expected(argv[0], usage_name(rows, value), optarg, expected);
	}
	if (argc - optind != 1)
		return usage_wrong(argv[0], optind == argc ? "no trace was given"
							   : "more than one trace was given");
	r->path = argv[optind];
	return -1;
}

static bool filter_functions(struct filter *f, const struct model *model, const char *name)
{
	bool any = false;

	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++) {
		const char *is = model_function(model, i)->name;

		f->function[i] = !name || (is && strcmp(is, name) == 0);
		any |= f->function[i];
	}
	return any;
}

/* A name counts before an index: a package may be called "2". */
static bool filter_packages(struct filter *f, const struct model *model, const char *text)
{
	bool any = false;
	uint64_t index;

	for (uint32_t i = 0; i < TRACE_PACKAGES; i++) {
		const char *name = model_package(model, i)->name;

		f->package[i] = !text || (name && strcmp(name, text) == 0);
		any |= f->package[i];
	}
	if (!any && parse_number(text, 10, &index) && index < TRACE_PACKAGES)
		any = f->package[index] = true;
	return any;
}

static bool has_address(const struct trace_event *e, enum trace_role role, uint64_t address)
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

	return p->filter.function[e->function] && p->filter.package[e->package] &&
	       (!r->has_thread || e->tid == r->thread) &&
	       (!r->has_address ||
		has_address(e, model_function(p->model, e->function)->role, r->address));
}

static json_t *result(enum trace_role role, const struct trace_event *e)
{
	if (!(e->state & TRACE_EVENT_RETURNED))
		return json_null();
	switch (event_result(role)) {
	case EVENT_RESULT_POINTER:
		return json_address(event_has_address(role, e) ? e->address : 0);
	case EVENT_RESULT_BOOLEAN:
		return json_boolean(e->result);
	case EVENT_RESULT_STATUS:
		return json_address((uint32_t)e->result);
	default:
		return json_null();
	}
}

/* NULL: it is a call. */
static const char *transferred_to(enum trace_role role, const struct trace_event *e)
{
	if (role != TRACE_ROLE_TRANSFER)
		return NULL;
	return event_receiver(e) == TRACE_RECEIVER_LSA ? "lsa" : "client";
}

static json_t *event_json(struct printer *p, const struct trace_event *e)
{
	const struct model_function *function = model_function(p->model, e->function);
	enum trace_role role = function->role;
	bool returned = e->state & TRACE_EVENT_RETURNED;
	json_t *json = json_object();

	json_object_set_new(json, "time_ns", json_integer(model_time_ns(p->model, e->time)));
	json_object_set_new(json, "thread", json_integer(e->tid));
	json_object_set_new(json, "package", json_integer(e->package));
	json_object_set_new(json, "function", json_text(function->name));
	json_object_set_new(json, "section",
			    event_has_section(role, e) ? json_address(e->section) : json_null());
	json_object_set_new(json, "address",
			    event_has_address(role, e) ? json_address(e->address) : json_null());
	json_object_set_new(json, "size",
			    event_has_size(role) ? json_number(event_size(role, e)) : json_null());
	json_object_set_new(json, "initial_size",
			    role == TRACE_ROLE_CREATE_SECTION ? json_number(e->size >> 32)
							      : json_null());
	json_object_set_new(json, "result", result(role, e));
	json_object_set_new(json, "duration_ns",
			    returned ? json_number(model_duration_ns(p->model, e->duration))
				     : json_null());
	json_object_set_new(json, "to", json_text(transferred_to(role, e)));
	json_object_set_new(
		json, "finding",
		json_text(e->verdict ? findings_kind_text((enum trace_kind)e->verdict) : NULL));
	if (p->request->stacks)
		json_object_set_new(json, "stack",
				    json_frames_stack(p->frames, model_stack(p->model, e->stack)));
	return json;
}

static int append(const char *text, size_t bytes, void *buffer)
{
	buffer_bytes(buffer, text, bytes);
	return 0;
}

static void write_stack(struct printer *p, const struct trace_event *e)
{
	const struct model_stack *stack = model_stack(p->model, e->stack);

	if (stack) {
		frames_write(&p->out, &p->style, p->symbols, stack);
		return;
	}
	buffer_text(&p->out, p->style.indent);
	buffer_text(&p->out, "called from ");
	buffer_hex(&p->out, e->caller);
	buffer_text(&p->out, "; the backtrace could not be stored\n");
}

static void write_event(struct printer *p, const struct trace_event *e)
{
	json_t *json;

	if (p->request->json) {
		json = event_json(p, e);
		json_dump_callback(json, append, &p->out, JSON_COMPACT);
		json_decref(json);
		buffer_text(&p->out, "\n");
		return;
	}
	event_line_write(p->line, &p->out, e);
	if (p->request->stacks)
		write_stack(p, e);
}

static void flush(struct printer *p)
{
	size_t done = 0;

	while (done < p->out.used && !p->failed) {
		ssize_t wrote = write(STDOUT_FILENO, p->out.data + done, p->out.used - done);

		if (wrote >= 0)
			done += (size_t)wrote;
		else if (errno != EINTR)
			p->failed = true;
	}
	p->out.used = 0;
	if (!p->failed)
		return;
	/* Whoever read our output may have seen enough: nothing to complain about. */
	p->status = errno == EPIPE ? 0 : USAGE_STATUS;
	if (p->status)
		report_trouble("standard output", strerror(errno));
}

static void print_all(struct printer *p)
{
	struct trouble trouble = { 0 };
	struct timeline *timeline = timeline_new(model_reader(p->model));
	const struct trace_event *e;

	while (!p->failed && (e = timeline_next(timeline, &trouble)) != NULL) {
		if (is_wanted(p, e))
			write_event(p, e);
		if (p->out.used >= FLUSH_BYTES)
			flush(p);
	}
	flush(p);
	timeline_free(timeline);
	if (trouble.error != TROUBLE_NONE) {
		report_trouble(p->request->path, trouble.text);
		p->status = USAGE_STATUS;
	}
}

static int print_model(const struct request *r, struct model *model)
{
	bool color = report_wants_color(r->report.color, stdout);
	struct printer p = { .request = r, .model = model };

	if (!filter_functions(&p.filter, model, r->function))
		return usage_expected("events", "function", r->function, "a function of the trace");
	if (!filter_packages(&p.filter, model, r->package))
		return usage_expected("events", "package", r->package,
				      "an index or a name of a package of the trace");
	p.line = event_line_new(model, color);
	p.symbols = symbols_new(NULL);
	p.frames = json_frames_new(p.symbols);
	p.style = frames_style("    ", color);
	print_all(&p);
	frames_release(&p.style);
	json_frames_free(p.frames);
	symbols_free(p.symbols);
	event_line_free(p.line);
	buffer_release(&p.out);
	return p.status;
}

int cmd_events(int argc, char **argv)
{
	struct request request = { 0 };
	struct progress progress = { 0 };
	struct trouble trouble;
	struct model *model;
	int status = parse(&request, argc, argv);

	if (status >= 0)
		return status;
	model = model_open(request.path, &progress, &trouble);
	progress_end(&progress);
	if (!model) {
		report_trouble(request.path, trouble.text);
		return USAGE_STATUS;
	}
	status = print_model(&request, model);
	model_close(model);
	return status;
}
