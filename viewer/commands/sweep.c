/* SPDX-License-Identifier: MIT */
/*
 * Lets every call of a command fail, one in each run. The first run is as it is: it tells the sites, and
 * which findings have nothing to do with failures. Each run is one of `lsatrace record` in a folder of its
 * own, 0000 being the first one.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "include/failures.h"
#include "include/kinds.h"
#include "include/options.h"
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
#include "viewer/record/launch.h"
#include "viewer/record/output.h"
#include "viewer/record/settings.h"
#include "viewer/report/report.h"
#include "viewer/report/text.h"
#include "viewer/sweep/runs.h"
#include "viewer/sweep/sites.h"
#include "viewer/symbols/symbols.h"

struct sweep {
	struct settings settings; /* of each run */
	struct report_options report;
	uint32_t jobs, timeout_seconds, max_runs, nth;
	char *const *command;
	char program[PATH_MAX]; /* this one */
	char *folder;
	struct sites sites;
	size_t *failing;           /* the numbers of the sites that fail, by run */
	struct run *runs;          /* run 0 is the one as it is */
	struct outcome *outcomes;  /* the same */
	size_t count;              /* of runs */
	struct baseline *baseline; /* what run 0 has found */
	struct progress progress;
};

/* What came of a run. */
struct outcome {
	bool is_reached; /* the call has failed */
	uint64_t news;   /* findings that the run as it is does not have */
	char *first;     /* the first one of them, in words; NULL: there is none */
	char **traces;
	size_t trace_count, trace_room;
};

static char *join_path(const char *folder, const char *name)
{
	struct buffer b = { 0 };

	buffer_format(&b, "%s/%s", folder, name);
	return buffer_take(&b);
}

static char *folder_of(const struct sweep *s, size_t number)
{
	char name[32];

	snprintf(name, sizeof(name), "%04zu", number);
	return join_path(s->folder, name);
}

static void add_argument(char **argv, size_t *count, const char *format, const char *value)
{
	struct buffer b = { 0 };

	buffer_format(&b, format, value);
	argv[(*count)++] = buffer_take(&b);
}

/* The arguments of `lsatrace record`. In run 0 no call fails, but those of all functions are recorded. */
static char **list_arguments(const struct sweep *s, size_t number, const char *folder)
{
	size_t command = 0, count = 0;
	char failure[128], **argv;

	while (s->command[command])
		command++;
	argv = memory_new(command + UNTRACED_COUNT + 8, sizeof(*argv));
	add_argument(argv, &count, "%s", s->program);
	add_argument(argv, &count, "%s", "record");
	add_argument(argv, &count, "--output-dir=%s", folder);
	add_argument(argv, &count, "--output=%s", "%e.%p.trace");
	if (number == 0) {
		add_argument(argv, &count, "--mode=%s", "full"); /* no site is overwritten */
		for (const struct failure_slot *f = failures_slots(); f->name; f++)
			if (f->function >= TRANSFER_END)
				add_argument(argv, &count, "--fail=%s:0", f->name);
	} else {
		const struct site_calls *c = &s->sites.all[s->failing[number]];

		snprintf(failure, sizeof(failure), "%s:site=%016" PRIx64 ",%" PRIu32, c->function,
			 c->site, s->nth);
		add_argument(argv, &count, "--fail=%s", failure);
	}
	add_argument(argv, &count, "%s", "--");
	for (size_t i = 0; i < command; i++)
		add_argument(argv, &count, "%s", s->command[i]);
	return argv;
}

/* Returns false, with one line printed, if the folder of the run cannot be made. */
static bool prepare_run(struct sweep *s, size_t number)
{
	char *folder = folder_of(s, number);
	bool is_made = output_make_folder(folder);

	s->runs[number].argv = list_arguments(s, number, folder);
	s->runs[number].output = join_path(folder, "output");
	free(folder);
	return is_made;
}

static void find_traces(const struct sweep *s, size_t number)
{
	struct outcome *o = &s->outcomes[number];
	char *path = folder_of(s, number);
	struct dirent **names = NULL;
	int count = scandir(path, &names, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		size_t bytes = strlen(names[i]->d_name);

		if (bytes > 6 && strcmp(names[i]->d_name + bytes - 6, ".trace") == 0) {
			memory_room(o->traces, o->trace_count, o->trace_room);
			o->traces[o->trace_count++] = join_path(path, names[i]->d_name);
		}
		free(names[i]);
	}
	free(names);
	free(path);
}

/* The traces of a run, judged together. */
struct judged {
	struct model **models;
	size_t count;
	struct symbols *symbols;
	struct findings *findings;
};

static void judge_run(struct sweep *s, size_t number, struct judged *j)
{
	const struct outcome *o = &s->outcomes[number];

	*j = (struct judged){ .models = memory_new(o->trace_count, sizeof(struct model *)),
			      .symbols = symbols_new(&s->progress) };
	symbols_look_in(j->symbols, &s->report.places);
	for (size_t i = 0; i < o->trace_count; i++) {
		j->models[j->count] = report_open_trace(o->traces[i], NULL, &s->progress);
		j->count += j->models[j->count] != NULL;
	}
	if (j->count)
		j->findings = findings_new(j->models, j->count, findings_name_by(j->symbols),
					   &s->report.wrappers);
	if (j->findings && s->report.suppressions)
		suppressions_apply(s->report.suppressions, j->findings);
	progress_end(&s->progress);
}

static void release_judged(struct judged *j)
{
	findings_free(j->findings);
	symbols_free(j->symbols);
	for (size_t i = 0; i < j->count; i++)
		model_close(j->models[i]);
	free(j->models);
}

/* Reads the run as it is. Returns false, with one line printed, if there is nothing to learn. */
static bool learn(struct sweep *s)
{
	struct trouble trouble = { 0 };
	struct judged j;
	bool is_read = true;

	find_traces(s, 0);
	judge_run(s, 0, &j);
	for (size_t i = 0; is_read && i < j.count; i++)
		is_read = sites_add(&s->sites, j.models[i], j.symbols, &trouble);
	for (size_t i = 0; j.findings && i < j.findings->count; i++) {
		const struct finding *f = findings_get(j.findings, i);

		baseline_add(s->baseline, f, f->count, &j.findings->namer);
	}
	release_judged(&j);
	if (!is_read)
		complaint_print(s->outcomes[0].traces[0], "%s", trouble.text);
	else if (s->sites.count == 0)
		complaint_print("lsatrace sweep",
				"the command has made no call that could fail; see %s",
				s->runs[0].output);
	return is_read && s->sites.count > 0;
}

/* A leak counts only if the process had a chance to free. */
static bool is_news(const struct finding *f, bool is_whole)
{
	bool is_leak = f->kind == TRACE_KIND_BLOCK_LEAK || f->kind == TRACE_KIND_SECTION_LEAK;

	return !f->suppressed_by && f->level != TRACE_LEVEL_NOTE && f->baseline != FINDING_KNOWN &&
	       (is_whole || !is_leak);
}

static bool ended_alike(const struct sweep *s, size_t number)
{
	return s->runs[number].state == RUN_ENDED &&
	       s->runs[number].wait_status == s->runs[0].wait_status;
}

/* Did the command itself end by exit()? */
static bool is_whole(const struct sweep *s, size_t number)
{
	const struct run *r = &s->runs[number];

	return ended_alike(s, number) ||
	       (r->state == RUN_ENDED && launch_exit_status(r->wait_status) < LAUNCH_FAILED);
}

static void evaluate(struct sweep *s, size_t number)
{
	struct outcome *o = &s->outcomes[number];
	struct judged j;

	find_traces(s, number);
	judge_run(s, number, &j);
	if (j.findings)
		baseline_apply(s->baseline, j.findings);
	for (size_t i = 0; j.findings && i < j.findings->count; i++) {
		const struct finding *f = findings_get(j.findings, i);
		struct buffer words = { 0 };

		o->is_reached |= f->reason == TRACE_REASON_INJECTED;
		if (!is_news(f, is_whole(s, number)))
			continue;
		if (o->news++ == 0) {
			text_write_headline(&words, f);
			o->first = buffer_take(&words);
		}
	}
	release_judged(&j);
}

static void write_end(struct buffer *b, const struct sweep *s, size_t number)
{
	const struct run *r = &s->runs[number];
	int status = r->state == RUN_ENDED ? launch_exit_status(r->wait_status) : 0;

	if (r->state == RUN_WAITING)
		buffer_text(b, "not run");
	else if (r->state == RUN_NOT_STARTED)
		buffer_format(b, "could not be started: %s", strerror(r->error));
	else if (r->state == RUN_TIMED_OUT)
		buffer_format(b, "HANG: not ended after %" PRIu32 " s", s->timeout_seconds);
	else if (!ended_alike(s, number) && status > 128)
		buffer_format(b, "CRASH: signal %d", status - 128);
	else if (!ended_alike(s, number))
		buffer_format(b, "exit status %d", status);
}

/* Is it one that fails the sweep? */
static bool is_failure(const struct sweep *s, size_t number)
{
	const struct run *r = &s->runs[number];

	return s->outcomes[number].news > 0 || r->state == RUN_TIMED_OUT ||
	       (r->state == RUN_ENDED && !ended_alike(s, number) &&
		launch_exit_status(r->wait_status) > 128);
}

static void write_row(struct buffer *b, const struct sweep *s, size_t number, int width)
{
	const struct outcome *o = &s->outcomes[number];
	const struct site_calls *c = &s->sites.all[s->failing[number]];
	size_t before;

	buffer_format(b, "  %4zu  %-*s  ", number, width, c->function);
	before = b->used;
	write_end(b, s, number);
	if (o->news) {
		buffer_text(b, b->used > before ? "; " : "");
		buffer_count(b, o->news, "new finding");
	} else if (b->used == before) {
		buffer_text(b, o->is_reached ? "fine" : "not reached");
	}
	buffer_format(b, "\n        in %s\n", c->where);
	if (o->first)
		buffer_format(b, "        %s\n", o->first);
}

static void write_table(const struct sweep *s, FILE *out)
{
	struct buffer b = { 0 };
	size_t failures = 0, width = 0;

	for (size_t i = 1; i < s->count; i++) {
		size_t bytes = strlen(s->sites.all[s->failing[i]].function);

		width = bytes > width ? bytes : width;
		failures += is_failure(s, i);
	}
	buffer_count(&b, s->count - 1, "call");
	buffer_format(&b, " let fail, one in each run; %zu of them with consequences\n\n", failures);
	for (size_t i = 1; i < s->count; i++)
		write_row(&b, s, i, (int)width);
	buffer_text(&b, "\n");
	fputs(b.data, out);
	fflush(out);
	buffer_release(&b);
}

/* The report on all runs together, in which what run 0 has found is known. Leaks of a process that had no
 * chance to free are none: such runs are left out. */
static enum report_status report_all(struct sweep *s)
{
	char **traces = NULL;
	size_t count = 0, room = 0;
	struct judged j;
	enum report_status status;

	judge_run(s, 0, &j);
	if (!s->report.baseline)
		s->report.baseline = baseline_new();
	for (size_t i = 0; j.findings && i < j.findings->count; i++) {
		const struct finding *f = findings_get(j.findings, i);

		baseline_add(s->report.baseline, f, f->count * s->count, &j.findings->namer);
	}
	release_judged(&j);
	for (size_t i = 0; i < s->count; i++)
		for (size_t k = 0; is_whole(s, i) && k < s->outcomes[i].trace_count; k++) {
			memory_room(traces, count, room);
			traces[count++] = s->outcomes[i].traces[k];
		}
	status = count ? report_traces(&s->report, traces, count, stdout) : REPORT_EMPTY;
	free(traces);
	return status;
}

/* One run for each site that may succeed. */
static void plan(struct sweep *s)
{
	s->runs = memory_resize(s->runs, s->sites.count + 1, sizeof(*s->runs));
	s->outcomes = memory_resize(s->outcomes, s->sites.count + 1, sizeof(*s->outcomes));
	s->failing = memory_new(s->sites.count + 1, sizeof(*s->failing));
	memset(s->runs + 1, 0, s->sites.count * sizeof(*s->runs));
	memset(s->outcomes + 1, 0, s->sites.count * sizeof(*s->outcomes));
	for (size_t i = 0; i < s->sites.count; i++)
		if (s->sites.all[i].can_succeed && s->sites.all[i].calls >= s->nth &&
		    (!s->max_runs || s->count <= s->max_runs))
			s->failing[s->count++] = i;
}

/* Returns the exit status. */
static int sweep(struct sweep *s)
{
	enum report_status status;
	bool has_failed = false, is_whole_sweep;

	s->runs = memory_new(1, sizeof(*s->runs));
	s->outcomes = memory_new(1, sizeof(*s->outcomes));
	s->baseline = baseline_new();
	s->count = 1;
	if (!prepare_run(s, 0))
		return COMMAND_TROUBLE;
	if (!runs_do(s->runs, 1, 1, s->timeout_seconds, NULL) || s->runs[0].state != RUN_ENDED) {
		complaint_print("lsatrace sweep", "the command does not end by itself; see %s",
				s->runs[0].output);
		return COMMAND_TROUBLE;
	}
	if (!learn(s))
		return COMMAND_TROUBLE;
	plan(s);
	for (size_t i = 1; i < s->count; i++)
		if (!prepare_run(s, i))
			return COMMAND_TROUBLE;
	is_whole_sweep =
		runs_do(s->runs + 1, s->count - 1, s->jobs, s->timeout_seconds, &s->progress);
	for (size_t i = 1; i < s->count; i++) {
		evaluate(s, i);
		has_failed |= is_failure(s, i);
	}
	write_table(s, report_stream_format(&s->report) == REPORT_FORMAT_text ? stdout : stderr);
	status = report_all(s);
	complaint_print("lsatrace sweep", "traces and output in %s%s", s->folder,
			is_whole_sweep ? "" : "; interrupted: not all calls were let fail");
	if (status == REPORT_TROUBLE || !is_whole_sweep)
		return COMMAND_TROUBLE;
	return has_failed || status == REPORT_FINDINGS ? 1 : 0;
}

static void release(struct sweep *s)
{
	for (size_t i = 0; i < s->count; i++) {
		for (size_t k = 0; s->runs[i].argv && s->runs[i].argv[k]; k++)
			free(s->runs[i].argv[k]);
		free(s->runs[i].argv);
		free(s->runs[i].output);
		for (size_t k = 0; k < s->outcomes[i].trace_count; k++)
			free(s->outcomes[i].traces[k]);
		free(s->outcomes[i].traces);
		free(s->outcomes[i].first);
	}
	free(s->runs);
	free(s->outcomes);
	free(s->failing);
	free(s->folder);
	sites_release(&s->sites);
	baseline_free(s->baseline);
	settings_release(&s->settings);
	report_release(&s->report);
}

/* The recording's options go to the runs by the environment. Returns false, with one line printed, if
 * something is wrong. */
static bool prepare(struct sweep *s)
{
	const char *inherited = getenv(OPTIONS_VARIABLE);
	struct buffer options = { 0 };
	ssize_t bytes = readlink("/proc/self/exe", s->program, sizeof(s->program) - 1);
	struct argument_list *levels = &s->report.selection.filter[SELECTION_LEVEL];
	char name[64];

	/* Each run has its failed call as a note. The table has it already. */
	if (levels->count == 0) {
		levels->item[levels->count++] = "error";
		levels->item[levels->count++] = "warning";
	}
	if (!report_prepare(&s->report, true))
		return false;
	if (bytes < 0) {
		complaint_print("/proc/self/exe", "%s", strerror(errno));
		return false;
	}
	snprintf(name, sizeof(name), "lsatrace.sweep.%d", (int)getpid());
	s->folder = memory_text(s->settings.folder ? s->settings.folder : name,
				strlen(s->settings.folder ? s->settings.folder : name));
	buffer_text(&options, inherited ? inherited : "");
	if (s->settings.text.used)
		buffer_format(&options, "%s%s", options.used ? ":" : "", s->settings.text.data);
	if (options.used)
		setenv(OPTIONS_VARIABLE, options.data, 1);
	buffer_release(&options);
	return true;
}

static const struct argument rows[] = {
	{ "jobs", 'j', "N", "run N at a time (default 1)", arguments_take_number,
	  ARGUMENT_INTO(sweep, jobs), .most = 1024 },
	{ "timeout", 0, "SECONDS", "end a run that takes longer (default 60)",
	  arguments_take_number, ARGUMENT_INTO(sweep, timeout_seconds), .most = 86400 },
	{ "max-runs", 0, "N", "let only the first N sites fail", arguments_take_number,
	  ARGUMENT_INTO(sweep, max_runs), .most = 1000000 },
	{ "nth", 0, "K", "let the K-th call from each site fail (default 1)", arguments_take_number,
	  ARGUMENT_INTO(sweep, nth), .most = UINT32_MAX },
};

int command_sweep(int argc, char **argv)
{
	struct sweep s = { .jobs = 1, .timeout_seconds = 60, .nth = 1 };
	struct arguments arguments = {
		.operands = "[--] COMMAND [ARGUMENT]...",
		.description =
			"Runs COMMAND once as it is, and then once for each site from which it "
			"calls a function of\n"
			"the host's table: there the call fails. Says what came of each, and "
			"reports "
			"what the\n"
			"run as it is did not have.\n",
		.statuses = "The exit status is 0 if nothing came of it, 1 if there are new "
			    "findings, a "
			    "crash or a hang,\n"
			    "2 if lsatrace failed or was interrupted.\n",
		.operand = "command",
		.is_command = true,
		.bad_status = COMMAND_TROUBLE,
		.group = { ARGUMENT_GROUP(rows, &s), settings_arguments(&s.settings),
			   report_arguments(&s.report), report_suppression_arguments(&s.report),
			   report_color_arguments(&s.report.color), view_arguments(&s.report.view),
			   places_arguments(&s.report.places),
			   selection_arguments(&s.report.selection) },
	};
	int status, first = arguments_parse(&arguments, argc, argv, &status);

	if (first) {
		s.command = argv + first;
		status = prepare(&s) ? sweep(&s) : COMMAND_TROUBLE;
	}
	release(&s);
	return status;
}
