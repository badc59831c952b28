/* SPDX-License-Identifier: MIT */
/*
 * Compares the findings of two traces, and the memory that was live at their ends. The older one may be
 * a baseline or a JSON report instead: these have findings only.
 */
#include "viewer/diff/diff.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/base/arguments.h"
#include "viewer/base/buffer.h"
#include "viewer/base/complaint.h"
#include "viewer/base/likeness.h"
#include "viewer/base/memory.h"
#include "viewer/base/progress.h"
#include "viewer/commands/commands.h"
#include "viewer/findings/findings.h"
#include "viewer/gate/baseline.h"
#include "viewer/gate/suppressions.h"
#include "viewer/model/model.h"
#include "viewer/read/input.h"
#include "viewer/report/report.h"
#include "viewer/symbols/symbols.h"
#include "viewer/view/terminal.h"

/* The options of `diff` alone. */
struct options {
	enum { FORMAT_TEXT, FORMAT_JSON } format;
	const char *per;
};

static bool open_side(struct diff_side *side, const char *path, const struct report_options *o,
		      struct progress *progress)
{
	side->model = report_open_trace(path, NULL, progress);
	if (!side->model)
		return false;
	side->symbols = symbols_new(progress);
	symbols_look_in(side->symbols, &o->places);
	return true;
}

/* A trace without names has those of the other one, if that is packed and has the same builds. */
static void find_findings(struct diff_side *side, const struct diff_side *other)
{
	symbols_borrow(side->symbols, other->model);
	side->findings = findings_new(&side->model, 1, findings_name_by(side->symbols), NULL);
}

static void close_side(struct diff_side *side)
{
	buffer_release(&side->offsets);
	findings_free(side->findings);
	symbols_free(side->symbols);
	model_close(side->model);
}

/* How often a function was called, or an entry point has returned. */
static uint64_t count_calls(const struct model *m, const char *name)
{
	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++) {
		const struct model_function *f = model_function(m, i);

		if (f->name && strcmp(f->name, name) == 0)
			return f->role == TRACE_ROLE_TRANSFER ? model_returns(m, i)
							      : model_calls(m, i);
	}
	return 0;
}

/* Returns false, with one line printed, if a trace has no call of the function. */
static bool find_calls(struct diff_side *side, const char *path, const char *per)
{
	const char *names[TRACE_FUNCTIONS], *meant;
	size_t count = 0;

	side->calls = count_calls(side->model, per);
	if (side->calls)
		return true;
	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++) {
		const char *name = model_function(side->model, i)->name;

		if (name && count_calls(side->model, name))
			names[count++] = name;
	}
	meant = likeness_find(per, names, count);
	complaint_print(path, "%s was never called%s%s", per, meant ? "; did you mean " : "",
			meant ? meant : "");
	return false;
}

static bool prepare_per(struct diff *d, char *const *paths)
{
	struct diff_side *old = &d->side[LIVE_OLD], *new = &d->side[LIVE_NEW];

	if (!d->per)
		return true;
	if (!old->model) {
		complaint_print(paths[0], "--per needs two traces");
		return false;
	}
	if (!find_calls(old, paths[0], d->per) || !find_calls(new, paths[1], d->per))
		return false;
	if (d->live.is_one_process && new->calls <= old->calls) {
		complaint_print(paths[1], "%s was not called since the older trace", d->per);
		return false;
	}
	return true;
}

/* What a count would be with as many calls as the newer trace has; rounded up. */
static uint64_t scale_count(const struct diff *d, uint64_t count)
{
	uint64_t old = d->side[LIVE_OLD].calls, new = d->side[LIVE_NEW].calls;
	__uint128_t scaled;

	if (!d->per || d->live.is_one_process)
		return count;
	scaled = ((__uint128_t)count * new + old - 1) / old;
	return scaled > INT64_MAX ? INT64_MAX : (uint64_t)scaled;
}

static void take_findings(struct diff *d)
{
	struct findings *f = d->side[LIVE_OLD].findings;

	for (size_t i = 0; i < f->count; i++) {
		const struct finding *finding = findings_get(f, i);

		baseline_add(d->baseline, finding, scale_count(d, finding->count), &f->namer);
	}
	if (!f->is_exact)
		baseline_set_inexact(d->baseline);
}

static bool read_baseline(struct diff *d, const char *path)
{
	char *trouble = baseline_read(d->baseline, path);

	if (trouble)
		complaint_print("lsatrace", "%s", trouble);
	free(trouble);
	return !trouble;
}

/* Are the fingerprints of a module made from other things on the other side: from names, or from the offsets in
 * another build? */
static bool differs(const struct model_module *module, const struct diff_side *other)
{
	for (uint32_t i = 0; i < model_modules(other->model); i++) {
		const struct model_module *m = model_module(other->model, i);

		if (strcmp(m->base, module->base) == 0 &&
		    (!model_is_same_build(m, module) || symbols_has_names(other->symbols, m)))
			return true;
	}
	return false;
}

static bool has_doubt(const struct diff_side *side, const struct diff_side *other)
{
	const struct model_module *module;

	for (size_t i = 0; (module = symbols_nameless(side->symbols, i)) != NULL; i++)
		if (differs(module, other))
			return true;
	return false;
}

static void compare_live(struct diff *d)
{
	struct diff_side *old = &d->side[LIVE_OLD], *new = &d->side[LIVE_NEW];

	live_compare(&d->live, (const struct model *const[]){ old->model, new->model },
		     (const struct findings_namer *const[]){ &old->findings->namer,
							     &new->findings->namer });
}

/* Returns false, with one line printed, if a file cannot be read. */
static bool compare(struct diff *d, struct report_options *o, char *const *paths)
{
	struct diff_side *old = &d->side[LIVE_OLD], *new = &d->side[LIVE_NEW];
	bool has_trace = input_is_trace(paths[0]), has_other_names = false;

	if (!(has_trace ? open_side(old, paths[0], o, d->progress) : read_baseline(d, paths[0])) ||
	    !open_side(new, paths[1], o, d->progress))
		return false;
	find_findings(new, old);
	if (has_trace) {
		find_findings(old, new);
		compare_live(d);
		baseline_warn(old->findings, old->symbols, &old->offsets);
		has_other_names = has_doubt(old, new) || has_doubt(new, old);
	}
	baseline_warn(new->findings, new->symbols, &new->offsets);
	progress_end(d->progress); /* before a line that may be printed */
	if (!prepare_per(d, paths))
		return false;
	if (has_trace)
		take_findings(d);
	if (o->suppressions)
		suppressions_apply(o->suppressions, new->findings);
	if (has_trace && !has_other_names)
		baseline_set_same_builds(d->baseline);
	baseline_apply(d->baseline, new->findings);
	new->findings->has_doubt |= has_other_names;
	return true;
}

static int write_all(const struct diff *d, bool has_json)
{
	const struct findings *f = d->side[LIVE_NEW].findings;
	struct buffer text = { 0 };
	int error;

	buffer_stream(&text, stdout, d->progress);
	if (has_json)
		diff_write_json(d, &text);
	else
		diff_write_text(d, &text);
	error = buffer_flush(&text);
	buffer_release(&text);
	if (has_json) {
		diff_write_missing(d, &text);
		fputs(text.data ? text.data : "", stderr);
		buffer_release(&text);
	}
	/* EPIPE: who reads it has seen enough. */
	if (error == EPIPE)
		error = 0;
	if (error)
		complaint_print("lsatrace diff", "%s", strerror(error));
	return error                                                          ? COMMAND_TROUBLE
	       : f->by_baseline[FINDING_NEW] || f->by_baseline[FINDING_GROWN] ? 1
									      : 0;
}

static const struct argument rows[] = {
	{ "format", 0, "text|json", "format of the comparison (default text)",
	  arguments_take_choice, ARGUMENT_INTO(options, format) },
	{ "per", 0, "FUNCTION", "compare by call of FUNCTION, a traced function or an\nentry point",
	  arguments_take_text, ARGUMENT_INTO(options, per) },
};

int command_diff(int argc, char **argv)
{
	struct report_options options = { 0 };
	struct options own = { 0 };
	struct progress progress = { 0 };
	struct arguments arguments = {
		.operands = "OLD NEW",
		.description =
			"Compares two traces: which findings are new, gone, grown or shrunk,\n"
			"and how the live memory of each package, backtrace and section\n"
			"differs. OLD may be a baseline or a JSON report.\n",
		.statuses =
			"The exit status is 0 if no finding is new or has grown, 1 if one has,\n"
			"2 if a file could not be read.\n",
		.operand = "trace",
		.bad_status = COMMAND_TROUBLE,
		.group = { ARGUMENT_GROUP(rows, &own), report_suppression_arguments(&options),
			   places_arguments(&options.places) },
	};
	struct diff *d;
	int status, first = arguments_parse(&arguments, argc, argv, &status);

	if (!first)
		return status;
	if (argc - first != 2) {
		complaint_print("lsatrace diff", "expected two files; see lsatrace diff --help");
		return COMMAND_TROUBLE;
	}
	d = memory_new(1, sizeof(*d));
	d->baseline = baseline_new();
	d->per = own.per;
	d->progress = &progress;
	status = COMMAND_TROUBLE;
	if (own.format == FORMAT_TEXT)
		terminal_page();
	if (report_prepare(&options, own.format == FORMAT_TEXT) && compare(d, &options, &argv[first]))
		status = write_all(d, own.format == FORMAT_JSON);
	terminal_end();
	live_release(&d->live);
	baseline_free(d->baseline);
	close_side(&d->side[LIVE_OLD]);
	close_side(&d->side[LIVE_NEW]);
	free(d);
	report_release(&options);
	return status;
}
