/* SPDX-License-Identifier: MIT */
#include "viewer/sweep/judge.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "include/kinds.h"
#include "viewer/base/buffer.h"
#include "viewer/base/complaint.h"
#include "viewer/base/memory.h"
#include "viewer/base/sum.h"
#include "viewer/findings/findings.h"
#include "viewer/gate/suppressions.h"
#include "viewer/model/model.h"
#include "viewer/read/timeline.h"
#include "viewer/record/launch.h"
#include "viewer/sites/plan.h"
#include "viewer/sweep/runs.h"
#include "viewer/sweep/state.h"
#include "viewer/sweep/strays.h"
#include "viewer/symbols/symbols.h"
#include "viewer/view/frames.h"

enum { OUTPUT_LINES = 5 }; /* of the end of its output, of a run that ends badly */

/* The traces of a run. */
struct opened {
	struct model **models;
	size_t count;
};

static void find_traces(const struct sweep *s, size_t run)
{
	struct result *r = &s->results.all[run];
	char *path = sweep_folder(s, run);
	struct dirent **names = NULL;
	int count = r->trace_count ? 0 : scandir(path, &names, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		if (sweep_is_trace(names[i]->d_name)) {
			memory_room(r->traces, r->trace_count, r->trace_room);
			r->traces[r->trace_count++] = sweep_file(s, run, names[i]->d_name);
		}
		free(names[i]);
	}
	free(names);
	free(path);
}

static struct opened open_run(const struct sweep *s, size_t run)
{
	const struct result *r = &s->results.all[run];
	struct opened o;

	find_traces(s, run);
	o = (struct opened){ .models = memory_new(r->trace_count, sizeof(struct model *)) };
	for (size_t i = 0; i < r->trace_count; i++) {
		struct model *model = report_open_trace(r->traces[i], NULL, NULL);

		if (!model)
			continue;
		report_excuse_killed(model);
		o.models[o.count++] = model;
	}
	return o;
}

static void close_run(const struct sweep *s, struct opened *o)
{
	symbols_forget(s->symbols);
	for (size_t i = 0; i < o->count; i++)
		model_close(o->models[i]);
	free(o->models);
}

/* How many of its processes were killed, but not by the end of the run. */
static size_t count_killed(const struct sweep *s, size_t run, const struct opened *o)
{
	char *strays = sweep_file(s, run, STRAYS_FILE);
	size_t killed = 0;

	for (size_t i = 0; i < o->count; i++) {
		const struct model_process *p = model_process(o->models[i]);

		killed += model_was_killed(o->models[i]) && !strays_have(strays, p->pid);
	}
	free(strays);
	return killed;
}

static struct findings *find(const struct sweep *s, const struct opened *o)
{
	struct findings *f = findings_new(o->models, o->count, findings_name_by(s->symbols),
					  &s->report.wrappers);

	if (s->report.suppressions)
		suppressions_apply(s->report.suppressions, f);
	return f;
}

static void write_output(struct buffer *b, const char *path)
{
	FILE *file = fopen(path, "re");
	char text[4096], *line = text;
	size_t bytes = 0, lines = 0;

	if (file) {
		if (fseek(file, -(long)(sizeof(text) - 1), SEEK_END) != 0)
			rewind(file);
		bytes = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
	}
	while (bytes && (text[bytes - 1] == '\n' || text[bytes - 1] == '\r'))
		bytes--;
	text[bytes] = '\0';
	for (size_t i = bytes; i > 0 && line == text; i--)
		if (text[i - 1] == '\n' && ++lines == OUTPUT_LINES)
			line = text + i;
	if (*line)
		buffer_text(b, "  its output ends with:\n");
	for (char *next; *line; line = next) {
		char *end = strchrnul(line, '\n');

		next = *end ? end + 1 : end;
		/* Programs for Windows end a line with both. */
		if (end > line && end[-1] == '\r')
			end--;
		*end = '\0';
		buffer_text(b, "    ");
		buffer_plain(b, line);
		buffer_text(b, "\n");
	}
}

void judge_complain(const struct sweep *s, const char *words)
{
	struct buffer output = { 0 };

	write_output(&output, s->runs[0].output);
	complaint_print("lsatrace sweep", "%s; see %s", words, s->runs[0].output);
	if (output.used)
		fputs(output.data, stderr);
	buffer_release(&output);
}

bool judge_learn(struct sweep *s)
{
	struct opened o = open_run(s, 0);
	struct findings *findings = find(s, &o);
	struct trouble trouble = { 0 };
	bool is_read = true, is_other;

	for (size_t i = 0; is_read && i < o.count; i++)
		is_read = plan_learn(&s->results, o.models[i], s->symbols, &trouble);
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *f = findings_look(findings, i);

		known_add(&s->results.base, known_key(f), f->count);
	}
	findings_free(findings);
	s->results.killed = count_killed(s, 0, &o);
	close_run(s, &o);
	/* Its sites would not be those of this sweep. */
	is_other = s->resume && symbols_changed(s->symbols, 0);
	if (!is_read)
		complaint_print(s->results.all[0].traces[0], "%s", trouble.text);
	else if (is_other)
		complaint_print("lsatrace sweep",
				"%s has changed since this sweep began: begin a new one",
				symbols_changed(s->symbols, 0));
	else if (s->results.sites.count == 0)
		judge_complain(s, "the command has made no call that could fail");
	return is_read && !is_other && s->results.sites.count > 0;
}

void judge_pairs(struct sweep *s, size_t run, struct plan_pairs *pairs)
{
	struct trouble trouble = { 0 };
	struct opened o = open_run(s, run);

	if (!plan_learn_pairs(&s->results, pairs, &s->results.all[run].failing[0], o.models,
			      o.count, s->symbols, &trouble))
		complaint_print(s->results.all[run].traces[0], "%s", trouble.text);
	close_run(s, &o);
}

static void write_call(struct buffer *b, const struct sweep *s, const struct model *model,
		       const char *words, const struct model_call *call)
{
	struct frames_style style = frames_style("    ", false);
	struct model_stack room;

	buffer_text(b, words);
	buffer_plain(b, model_function(model, call->function)->name);
	buffer_text(b, ", called by:\n");
	frames_write(b, &style, s->symbols, model, call->package,
		     model_stack(model, call->stack, &room));
	frames_release(&style);
}

/* The calls in flight of a process that was killed; or else its last call. */
static void write_last_call(struct buffer *b, const struct sweep *s, const struct model *model)
{
	struct timeline *timeline;
	struct model_call last = { 0 };
	struct trouble trouble = { 0 };
	const struct trace_event *e;

	for (size_t i = 0; i < model_in_flight(model); i++)
		write_call(b, s, model, "  in flight: ", model_call(model, i));
	if (model_in_flight(model) > 0)
		return;
	timeline = timeline_new(model_reader(model));
	while ((e = timeline_next(timeline, &trouble)) != NULL)
		if (e->stack)
			last = (struct model_call){ .function = e->function,
						    .package = e->package,
						    .stack = e->stack };
	timeline_free(timeline);
	if (last.stack)
		write_call(b, s, model, "  its last call: ", &last);
}

/* Where an exception ended one of the processes. */
static void write_exception(struct buffer *b, const struct sweep *s, const struct opened *o)
{
	struct frames_style style = frames_style("    ", false);
	const struct model_stack *stack = NULL;
	struct model_stack room;
	uint32_t package;

	for (size_t i = 0; i < o->count && !stack; i++) {
		stack = model_crash(o->models[i], &room, &package);
		if (stack)
			frames_write(b, &style, s->symbols, o->models[i], package, stack);
	}
	frames_release(&style);
}

/* Where the run crashed, or was ended, one line for each frame. Of a program for Windows its trace knows more. */
static void write_crash(struct buffer *b, const struct sweep *s, size_t run, const struct opened *o)
{
	char *path = sweep_file(s, run, CRASH_FILE), bytes[4096];
	FILE *file;
	size_t count;

	write_exception(b, s, o);
	file = b->used ? NULL : fopen(path, "re");
	while (file && (count = fread(bytes, 1, sizeof(bytes), file)) > 0)
		buffer_bytes(b, bytes, count);
	if (file)
		fclose(file);
	free(path);
}

static void set_ending(const struct sweep *s, size_t run)
{
	const struct run *p = &s->runs[run];
	struct result *r = &s->results.all[run];
	int status = p->state == RUN_ENDED ? launch_exit_status(p->wait_status) : 0;

	r->number = (uint32_t)status;
	if (p->state == RUN_WAITING) {
		r->ending = ENDING_NOT_RUN;
	} else if (p->state == RUN_NOT_STARTED) {
		r->ending = ENDING_NOT_STARTED;
		r->number = (uint32_t)p->error;
	} else if (p->state == RUN_TIMED_OUT) {
		r->ending = ENDING_HANG;
		r->number = s->timeout_seconds;
	} else if (p->wait_status == s->alike) {
		r->ending = ENDING_ALIKE;
	} else if (status > 128) {
		r->ending = ENDING_CRASH;
		r->number -= 128;
	} else {
		r->ending = ENDING_STATUS;
	}
}

/* The innermost frame of a crash that is not of the C library, as abort() is. */
static char *find_place(const char *crash)
{
	for (const char *end; crash && *crash; crash = end) {
		char *line;

		end = strchrnul(crash, '\n');
		end += *end != '\0';
		line = memory_text(crash, (size_t)(end - crash));
		if (!strstr(line, " (libc.so.6)"))
			return line;
		free(line);
	}
	return NULL;
}

static bool ends_alike(const struct result *a, const struct result *b)
{
	return a->ending == b->ending && a->number == b->number &&
	       (a->ending != ENDING_CRASH ||
		(a->place && b->place && strcmp(a->place, b->place) == 0));
}

/* The runs in which one call fails have been judged before. */
static bool has_one_cause(const struct results *all, const struct result *r)
{
	if (r->count < 2 || r->ending <= ENDING_ALIKE)
		return false;
	for (size_t i = 1; i <= all->singles; i++)
		for (unsigned k = 0; k < r->count; k++)
			if (all->all[i].failing[0].site == r->failing[k].site &&
			    ends_alike(&all->all[i], r))
				return true;
	return false;
}

/*
 * Adds a finding of the package that is new: that the run as it is has less often; and, if two calls
 * fail, that no single one leads to. `own` has the findings of this run so far.
 */
static void add_news(struct sweep *s, struct result *r, struct known *own, const struct finding *f)
{
	uint64_t key = known_key(f), all = known_add(own, key, f->count);
	uint64_t base = known_count(&s->results.base, key);

	if (f->level == TRACE_LEVEL_NOTE || !finding_counts(f) || all <= base ||
	    all - f->count > base || (r->count > 1 && known_count(&s->singles, key)))
		return;
	if (base)
		known_add(&s->results.grown, key, 1);
	if (r->count == 1)
		known_add(&s->singles, key, 1);
	memory_room(r->news_key, r->news, r->news_room);
	r->news_key[r->news++] = key;
}

static void count_findings(struct sweep *s, struct result *r, struct findings *findings)
{
	struct known own = { 0 };
	uint64_t failed = 0;

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *f = findings_look(findings, i);

		if (f->reason == TRACE_REASON_INJECTED)
			sum_add(&failed, f->count);
		else
			add_news(s, r, &own, f);
	}
	r->is_reached = failed >= r->count;
	r->is_unsure = r->trace_count == 0 || !findings->is_exact;
	known_release(&own);
}

void judge_run(struct sweep *s, size_t run)
{
	struct result *r = &s->results.all[run];
	struct opened o = open_run(s, run);
	struct findings *findings = find(s, &o);
	struct buffer last = { 0 }, crash = { 0 };

	set_ending(s, run);
	write_crash(&crash, s, run, &o);
	if (r->ending == ENDING_CRASH)
		r->place = find_place(crash.data);
	r->has_one_cause = has_one_cause(&s->results, r);
	r->has_killed = count_killed(s, run, &o) > s->results.killed;
	count_findings(s, r, findings);
	findings_free(findings);
	if (result_is_broken(&s->results, r)) {
		if (crash.used)
			buffer_text(&last, r->ending == ENDING_CRASH ? "  it crashed here:\n"
								     : "  it was ended here:\n");
		buffer_bytes(&last, crash.data, crash.used);
		for (size_t i = 0; i < o.count; i++)
			if (model_was_killed(o.models[i]))
				write_last_call(&last, s, o.models[i]);
		write_output(&last, s->runs[run].output);
		r->last = buffer_take(&last);
	}
	buffer_release(&crash);
	close_run(s, &o);
}
