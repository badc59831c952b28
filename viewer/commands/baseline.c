/* SPDX-License-Identifier: MIT */
/*
 * Writes a baseline. Traces of one process tree are one run, whose counts are summed up; of several runs,
 * the greatest count is taken.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/base/arguments.h"
#include "viewer/base/buffer.h"
#include "viewer/base/complaint.h"
#include "viewer/base/memory.h"
#include "viewer/base/progress.h"
#include "viewer/base/sum.h"
#include "viewer/commands/commands.h"
#include "viewer/findings/findings.h"
#include "viewer/gate/baseline.h"
#include "viewer/gate/suppressions.h"
#include "viewer/model/model.h"
#include "viewer/model/processes.h"
#include "viewer/report/report.h"
#include "viewer/report/text.h"
#include "viewer/symbols/symbols.h"

/* The greatest number of occurrences in one run: in a process and those below it. */
static uint64_t count_in_run(const struct finding *f, const struct processes *p, uint64_t *runs)
{
	uint64_t most = f->shares ? 0 : f->count;

	memset(runs, 0, p->count * sizeof(*runs));
	for (size_t i = 0; i < f->shares; i++) {
		size_t top = f->share[i].trace;

		while (p->parent[top] != PROCESSES_TOP)
			top = p->parent[top];
		sum_add(&runs[top], f->share[i].count);
		if (runs[top] > most)
			most = runs[top];
	}
	return most;
}

static struct baseline *make_baseline(const struct report_options *o, struct model *const *models,
				      size_t count, struct progress *progress)
{
	struct symbols *symbols = symbols_new(progress);
	struct baseline *b = baseline_new();
	struct processes processes = { 0 };
	uint64_t *runs = memory_new(count, sizeof(*runs));
	struct buffer warning = { 0 };
	struct findings *f;
	bool has_offsets;

	symbols_look_in(symbols, &o->places);
	f = findings_new(models, count, findings_name_by(symbols), &o->wrappers);
	has_offsets = baseline_warn(f, symbols, &warning);
	if (o->suppressions)
		suppressions_apply(o->suppressions, f);
	processes_sort(&processes, models, count);
	if (!f->is_exact || has_offsets)
		baseline_set_inexact(b);
	for (size_t i = 0; i < f->shown; i++) {
		const struct finding *finding = findings_get(f, i);

		baseline_add(b, finding, count_in_run(finding, &processes, runs), &f->namer);
	}
	progress_end(progress);
	if (has_offsets) {
		struct buffer lines = { 0 };

		text_write_missing(&lines, symbols, "lsatrace baseline: ");
		fprintf(stderr, "%slsatrace baseline: %s", lines.data ? lines.data : "",
			warning.data);
		buffer_release(&lines);
	}
	buffer_release(&warning);
	processes_release(&processes);
	findings_free(f);
	symbols_free(symbols);
	free(runs);
	return b;
}

/* Writes the baseline to a file, or to standard output if `path` is NULL. Returns the exit status. */
static int write_file(const struct baseline *b, const char *path, char *const *traces, size_t count)
{
	FILE *out = path ? report_open_file(path, traces, count) : stdout;
	struct buffer text = { 0 };
	int error = 0;

	if (out) {
		buffer_stream(&text, out, NULL);
		baseline_write(b, &text);
		error = buffer_flush(&text);
	}
	buffer_release(&text);

	if (error)
		complaint_print(path ? path : "baseline", "%s", strerror(error));
	if (out && path)
		fclose(out);
	return out && !error ? 0 : COMMAND_TROUBLE;
}

static int write_baseline(const struct report_options *options, const char *path,
			  char *const *traces, size_t count)
{
	struct model **models = memory_new(count, sizeof(struct model *));
	struct progress progress = { 0 };
	int status = COMMAND_TROUBLE;
	struct baseline *b = NULL;
	size_t opened = 0;

	for (size_t i = 0; i < count; i++) {
		models[opened] = report_open_trace(traces[i], NULL, &progress);
		opened += models[opened] != NULL;
	}
	/* A trace that is left out would make its findings new ones. */
	if (opened == count) {
		b = make_baseline(options, models, count, &progress);
		status = write_file(b, path, traces, count);
	}
	for (size_t i = 0; i < opened; i++)
		model_close(models[i]);
	baseline_free(b);
	free(models);
	return status;
}

int command_baseline(int argc, char **argv)
{
	static const struct argument rows[] = {
		{ "output", 'o', "FILE", "write to FILE (default: -, which is standard output)",
		  arguments_take_output, .offset = 0 },
	};
	const char *file = NULL;
	struct report_options options = { 0 };
	struct arguments arguments = {
		.operands = "TRACE...",
		.description =
			"Writes a baseline: the errors and warnings of the traces, for --baseline "
			"of\n"
			"report and run. Of several runs, the greatest count of each is taken.\n",
		.statuses = "The exit status is 0, or 2 if a trace could not be read or the\n"
			    "baseline not be written.\n",
		.operand = "trace",
		.bad_status = COMMAND_TROUBLE,
		.group = { ARGUMENT_GROUP(rows, &file), report_suppression_arguments(&options),
			   places_arguments(&options.places) },
	};
	int status, first = arguments_parse(&arguments, argc, argv, &status);

	if (!first)
		return status;
	status = COMMAND_TROUBLE;
	if (report_prepare(&options, file != NULL))
		status = write_baseline(&options, file, argv + first, (size_t)(argc - first));
	report_release(&options);
	return status;
}
