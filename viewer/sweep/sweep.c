/* SPDX-License-Identifier: MIT */
#include "viewer/sweep/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "viewer/base/buffer.h"
#include "viewer/base/complaint.h"
#include "viewer/base/memory.h"
#include "viewer/gate/baseline.h"
#include "viewer/record/launch.h"
#include "viewer/record/output.h"
#include "viewer/sites/plan.h"
#include "viewer/sweep/judge.h"
#include "viewer/sweep/resume.h"
#include "viewer/sweep/runner.h"
#include "viewer/sweep/runs.h"
#include "viewer/sweep/state.h"
#include "viewer/symbols/symbols.h"

#define NS 1000000000ull

enum { TROUBLE = 2 };

static void take_end(struct sweep *s, size_t run)
{
	if (s->runs[run].state != RUN_NOT_STARTED)
		resume_note_end(s, run);
	if (run > 0)
		judge_run(s, run);
}

/* Does the runs from one on, as far as that has not been done before. Returns false if they were interrupted,
 * or, with a line printed, if a folder could not be made. */
static bool do_runs(struct sweep *s, size_t first)
{
	s->runs = memory_resize(s->runs, s->results.count, sizeof(*s->runs));
	memset(s->runs + first, 0, (s->results.count - first) * sizeof(*s->runs));
	for (size_t i = first; i < s->results.count; i++) {
		if (!resume_prepare(s, i))
			return false;
		s->runs[i].output = sweep_file(s, i, "output");
		if (i > 0 && s->runs[i].state != RUN_WAITING)
			judge_run(s, i);
	}
	return runner_do(s, first, take_end);
}

/* The run as it is. Returns false with one line printed if there is nothing to learn from it. */
static bool begin(struct sweep *s)
{
	bool is_whole;

	memory_room(s->results.all, s->results.count, s->results.room);
	s->results.all[s->results.count++] = (struct result){ .is_reached = true };
	is_whole = do_runs(s, 0);
	s->alike = s->runs[0].wait_status;
	if (s->runs[0].state != RUN_ENDED) {
		if (is_whole)
			judge_complain(s, "as it is, the command does not end");
		return false;
	}
	if (launch_exit_status(s->alike) > 128) {
		judge_complain(s, "as it is, the command is ended by a signal");
		return false;
	}
	if (launch_exit_status(s->alike))
		complaint_print("lsatrace sweep", "as it is, the command ends with status %d",
				launch_exit_status(s->alike));
	return judge_learn(s);
}

static size_t most_of(const struct sweep *s)
{
	size_t done = s->results.count - 1;

	return !s->max_runs ? SIZE_MAX : s->max_runs > done ? s->max_runs - done : 0;
}

static bool do_pairs(struct sweep *s)
{
	struct plan_pairs pairs = { 0 };
	size_t first = s->results.count;

	for (size_t i = 1; i < first; i++)
		if (s->results.all[i].is_reached)
			judge_pairs(s, i, &pairs);
	plan_add_pairs(&s->results, &pairs, most_of(s));
	return first == s->results.count || do_runs(s, first);
}

/* Reports the run as it is, and all runs that have found something that it has not. */
static enum report_status report_all(struct sweep *s)
{
	struct results *r = &s->results;
	char **traces = NULL;
	size_t count = 0, room = 0;
	enum report_status status;

	for (size_t i = 0; i < r->count; i++)
		for (size_t k = 0; (i == 0 || r->all[i].news) && k < r->all[i].trace_count; k++) {
			memory_room(traces, count, room);
			traces[count++] = r->all[i].traces[k];
		}
	s->report.sweep = r;
	status = report_traces(&s->report, traces, count, stdout);
	free(traces);
	return status;
}

/* Returns false with one line printed if something is wrong. */
static bool prepare(struct sweep *s, char *const *options, size_t count)
{
	const char *folder = s->resume ? s->resume : s->settings.folder;
	struct buffer name = { 0 };

	if (!report_prepare(&s->report, true))
		return false;
	/* All is compared, if only with the run as it is. */
	if (!s->report.baseline)
		s->report.baseline = baseline_new();
	s->symbols = symbols_new(NULL);
	symbols_look_in(s->symbols, &s->report.places);
	buffer_format(&name, "%s", folder ? folder : "");
	if (!folder)
		buffer_format(&name, "lsatrace.sweep.%d", (int)getpid());
	s->folder = buffer_take(&name);
	s->results.folder = s->folder;
	s->end_ns = s->max_seconds ? runs_now_ns() + s->max_seconds * NS : 0;
	s->results.is_bundled = launch_skip(s->command) != s->command;
	return output_make_folder(s->folder) && resume_begin(s, options, count);
}

int sweep_do(struct sweep *s, char *const *options, size_t count)
{
	struct results_counts counts;
	enum report_status status;
	bool is_whole;

	if (!prepare(s, options, count) || !runner_start(s) || !begin(s))
		return TROUBLE;
	plan_singles(&s->results, s->nth, most_of(s));
	is_whole = s->results.count == 1 || do_runs(s, 1);
	if (is_whole && s->has_pairs)
		is_whole = do_pairs(s);
	status = report_all(s);
	counts = results_count(&s->results);
	complaint_print("lsatrace sweep", "traces and output in %s", s->folder);
	if (counts.waiting)
		complaint_print("lsatrace sweep",
				"%zu calls were not let fail, because %s: go on with "
				"lsatrace sweep --resume=%s",
				counts.waiting, is_whole ? "of --max-time" : "this was interrupted",
				s->folder);
	if (counts.unsure)
		complaint_print("lsatrace sweep",
				"%zu runs cannot be judged, or not in full: their rows say why",
				counts.unsure);
	if (status == REPORT_TROUBLE || !is_whole)
		return TROUBLE;
	if (s->report.fail_on != REPORT_FAIL_ON_NEVER && (status == REPORT_FINDINGS || counts.broken))
		return s->error_status ? (int)s->error_status : 1;
	return counts.unsure ? TROUBLE : 0;
}
