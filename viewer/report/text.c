/* SPDX-License-Identifier: MIT */
/*
 * The format `text`, for people: what was traced, a table of the findings, then each finding with its
 * stacks, then a summary. Its last line is easy to find with grep. Only on a terminal do lines depend on
 * its width, and are fewer findings shown than there are.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "include/kinds.h"
#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"
#include "viewer/findings/findings.h"
#include "viewer/findings/message.h"
#include "viewer/gate/baseline.h"
#include "viewer/gate/suppressions.h"
#include "viewer/model/allocators.h"
#include "viewer/model/losses.h"
#include "viewer/model/model.h"
#include "viewer/model/processes.h"
#include "viewer/read/reader.h"
#include "viewer/report/report.h"
#include "viewer/report/text.h"
#include "viewer/sites/results.h"
#include "viewer/symbols/symbols.h"
#include "viewer/view/frames.h"
#include "viewer/view/growing.h"
#include "viewer/view/table.h"
#include "viewer/view/terminal.h"

struct writer {
	const struct report *report;
	struct frames_style style;
	struct buffer *text;
	struct processes processes; /* sorted if there are several */
	uint64_t *share;            /* of a finding, by trace */
	bool *is_shown;             /* this process, or one below it, has the finding */
};

enum { PROCESSES_SHOWN = 50, FAILED_STACKS = 5 }; /* of one finding */
enum { THREADS_SHOWN = 8 };

static void set_color(struct writer *w, const char *color)
{
	if (w->report->has_color)
		buffer_format(w->text, "\033[%sm", color);
}

static void write_package(struct buffer *text, const struct model *model, uint32_t index)
{
	const struct model_module *module = model_package(model, index)->module;

	model_write_package(model, index, text);
	if (module) {
		buffer_text(text, " (");
		buffer_plain(text, module->base);
		buffer_text(text, ")");
	}
}

static void write_packages(struct writer *w, const struct model *model)
{
	const char *before = "  packages: ";

	for (uint32_t i = 0; i < TRACE_PACKAGES; i++) {
		const struct model_package *p = model_package(model, i);

		if (!p->is_defined && !p->has_called)
			continue;
		buffer_text(w->text, before);
		write_package(w->text, model, i);
		if (p->is_unloaded)
			buffer_text(w->text,
				    p->has_failed ? " [failed to initialise]" : " [unloaded]");
		before = ", ";
	}
	if (*before == ',')
		buffer_text(w->text, "\n");
}

static void write_command(struct writer *w, const struct model *model)
{
	struct reader_cursor c = { 0 };
	struct buffer argument = { 0 };
	const char *before = ": ";

	while (model_next_argument(model, &c, &argument)) {
		buffer_text(w->text, before);
		buffer_plain(w->text, argument.data);
		argument.used = 0;
		before = " ";
	}
	buffer_release(&argument);
}

static void write_exception(struct buffer *text, uint32_t code)
{
	const char *words = model_exception(code);

	buffer_format(text, "crashed by exception 0x%08" PRIx32, code);
	if (words)
		buffer_format(text, " (%s)", words);
}

void text_write_ending(struct buffer *text, const struct model_process *process)
{
	const char *signal = sigabbrev_np(process->exit_status - 128);

	switch (process->end) {
	case TRACE_END_EXIT:
		if (process->exception)
			write_exception(text, process->exception);
		buffer_text(text, process->exception ? ", and exited" : "exited");
		break;
	case TRACE_END_EXEC:
		buffer_text(text, "became another program by exec");
		break;
	case TRACE_END_RUNNING:
		buffer_text(text, "is still running: what is live may yet be freed");
		break;
	default:
		buffer_text(text, "was killed");
		if (process->has_exit_status && signal) {
			buffer_format(text, " by SIG%s", signal);
			return;
		}
	}
	if (process->has_exit_status)
		buffer_format(text, " with status %" PRId32, process->exit_status);
}

/* Does a thread get this signal by what it does itself? */
static bool is_of_a_thread(int signal)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS };

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		if (signals[i] == signal)
			return true;
	return false;
}

bool text_has_ended_process(const struct finding *f)
{
	return f->kind >= TRACE_KIND_OVERFLOW && f->kind <= TRACE_KIND_USE_AFTER_DELETE &&
	       (f->reason == TRACE_REASON_READ || f->reason == TRACE_REASON_WRITE);
}

/* Writes the thread of the finding that ended a process, or returns false. */
static bool write_guilty_thread(struct buffer *text, const char *before, struct findings *findings,
				size_t trace)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *f = findings_look(findings, i);

		if (!text_has_ended_process(f) || f->trace != trace || !f->thread)
			continue;
		buffer_format(text, "%sthe signal was for thread %" PRId32 ": finding %zu", before,
			      f->thread, f->number);
		return true;
	}
	return false;
}

bool text_write_threads(struct buffer *text, const char *before, const struct report *report,
			size_t trace)
{
	const struct model *model = report->models[trace];
	const struct model_process *process = model_process(model);
	struct reader_cursor c = { 0 };
	size_t count = 0;
	int32_t tid;

	if (process->end != TRACE_END_KILLED || !process->has_exit_status ||
	    !is_of_a_thread(process->exit_status - 128))
		return false;
	if (write_guilty_thread(text, before, report->findings, trace))
		return true;
	while (model_next_thread(model, &c, &tid)) {
		if (count++ >= THREADS_SHOWN)
			continue;
		buffer_text(text, count == 1 ? before : ", ");
		buffer_format(text,
			      count == 1 ? "threads that may have got the signal: %" PRId32
					 : "%" PRId32,
			      tid);
	}
	if (count > THREADS_SHOWN)
		buffer_format(text, " and %zu more", count - THREADS_SHOWN);
	buffer_text(text, count ? ", and those without a traced call" : "");
	return count > 0;
}

static void write_history(struct writer *w, const struct model_events *e)
{
	buffer_text(w->text, "  history: ");
	if (e->retained >= e->recorded)
		buffer_text(w->text, "all of ");
	else
		buffer_format(w->text, "the last %" PRIu64 " of ", e->retained);
	buffer_count(w->text, e->recorded, "call");
	if (e->lost)
		buffer_format(w->text, ", %" PRIu64 " lost", e->lost);
	if (e->torn)
		buffer_format(w->text, ", %" PRIu64 " torn", e->torn);
	buffer_text(w->text, "\n");
}

static void write_in_flight(struct writer *w, const struct model *model)
{
	struct model_stack room;

	for (size_t i = 0; i < model_in_flight(model); i++) {
		const struct model_call *call = model_call(model, i);
		const struct model_stack *stack = model_stack(model, call->stack, &room);

		buffer_text(w->text, "  in flight: ");
		buffer_plain(w->text, model_function(model, call->function)->name);
		buffer_format(w->text, " in thread %" PRId32 ", package ", call->tid);
		write_package(w->text, model, call->package);
		buffer_text(w->text, "\n");
		if (stack)
			frames_write(w->text, &w->style, w->report->symbols, model, call->package,
				     stack);
	}
}

static void write_crash(struct writer *w, const struct model *model)
{
	struct model_stack room;
	uint32_t package;
	const struct model_stack *stack = model_crash(model, &room, &package);

	if (!stack)
		return;
	buffer_text(w->text, "  it crashed here:\n");
	frames_write(w->text, &w->style, w->report->symbols, model, package, stack);
}

static void write_search(struct writer *w, const struct model_process *process)
{
	if (!process->search && !w->report->has_leak_kinds)
		return;
	buffer_text(w->text, "  lost or reachable: ");
	if (process->search_why) {
		buffer_text(w->text, "unknown, because ");
		buffer_text(w->text, process->search_why);
	} else {
		buffer_format(w->text, "the process stood still for %.1f ms to be looked through",
			      (double)process->still_ns / 1e6);
	}
	buffer_text(w->text, "\n");
}

static void write_trace(struct writer *w, size_t number)
{
	const struct model *model = w->report->models[number];
	const struct model_events *events = &w->report->events[number];
	const struct model_process *process = model_process(model);

	buffer_text(w->text, "trace ");
	buffer_plain(w->text, model_path(model));
	buffer_format(w->text, "\n  process %" PRId32, process->pid);
	write_command(w, model);
	buffer_text(w->text, "\n  ");
	text_write_ending(w->text, process);
	buffer_text(w->text, "\n");
	if (text_write_threads(w->text, "  ", w->report, number)) {
		buffer_text(w->text, "\n  what was called last: lsatrace events --last=20 ");
		buffer_plain(w->text, model_path(model));
		buffer_text(w->text, "\n");
	}
	buffer_text(w->text, "  ");
	text_write_span(w->text, model, events);
	buffer_text(w->text, "\n");
	write_packages(w, model);
	allocators_write(w->text, model);
	write_history(w, events);
	write_crash(w, model);
	write_in_flight(w, model);
	write_search(w, process);
	buffer_text(w->text, "\n");
}

static void write_cost(struct buffer *text, const struct finding *f)
{
	if (f->kind == TRACE_KIND_BLOCK_LEAK)
		buffer_count(text, f->count, "block");
	else if (f->kind == TRACE_KIND_SECTION_LEAK)
		buffer_count(text, f->count, "section");
	else if (f->count == 1)
		buffer_text(text, "once");
	else
		buffer_count(text, f->count, "time");
	if (f->bytes) {
		buffer_text(text, ", ");
		buffer_count(text, f->bytes, "byte");
	}
}

const char *text_stack_words(enum trace_finding_stacks which)
{
	static const char *const words[TRACE_FINDING_STACKS] = {
		[TRACE_STACK_CALL] = "called here",
		[TRACE_STACK_ALLOCATE] = "allocated here",
		[TRACE_STACK_FREE] = "freed here",
		[TRACE_STACK_CREATE] = "the section was created here",
		[TRACE_STACK_DELETE] = "the section was deleted here",
		[TRACE_STACK_OWNER_CREATE] = "its own section was created here",
	};

	return words[which];
}

void text_write_headline(struct buffer *text, const struct finding *f)
{
	message_write_kind(text, f);
	buffer_text(text, ": ");
	text_write_sentence(text, f);
}

void text_write_sentence(struct buffer *text, const struct finding *f)
{
	buffer_plain(text, f->message);
	buffer_text(text, " (");
	write_cost(text, f);
	buffer_text(text, "; package ");
	write_package(text, f->model, f->package);
	if (f->baseline == FINDING_GROWN)
		buffer_format(text, "; %" PRIu64 " more than in the baseline",
			      f->count - f->ceiling);
	else if (f->baseline)
		buffer_text(text, f->baseline == FINDING_NEW ? "; new" : "; known");
	buffer_text(text, f->by_weak ? ", by its weak fingerprint)" : ")");
}

static void write_headline(struct writer *w, const struct finding *f)
{
	static const char *const colors[] = {
		[TRACE_LEVEL_NOTE] = "1;36",
		[TRACE_LEVEL_WARNING] = "1;35",
		[TRACE_LEVEL_ERROR] = "1;31",
	};

	set_color(w, colors[f->level]);
	buffer_text(w->text, kinds_level_text(f->level));
	buffer_text(w->text, ": ");
	set_color(w, "0");
	text_write_headline(w->text, f);
	buffer_text(w->text, "\n");
}

static void write_section(struct writer *w, const char *words, const struct finding_section *s)
{
	buffer_text(w->text, words);
	if (s->known && s->handle) {
		buffer_text(w->text, " ");
		buffer_hex(w->text, s->handle);
	}
	if (s->sizes_known)
		buffer_format(w->text, " of at most %" PRIu32 " bytes, %" PRIu32 " at first,",
			      s->max_size, s->initial_size);
}

static void write_heading(struct writer *w, const struct finding *f, enum trace_finding_stacks which)
{
	buffer_text(w->text, "  ");
	switch (which) {
	case TRACE_STACK_CALL:
		if (f->reason == TRACE_REASON_READ || f->reason == TRACE_REASON_WRITE) {
			buffer_format(w->text, "the %s was made by:\n",
				      kinds_reason_text(f->reason));
			break;
		}
		buffer_plain(w->text, f->function ? f->function : "the call");
		buffer_text(w->text, " was called by:\n");
		break;
	case TRACE_STACK_ALLOCATE:
		if (f->handed_out) {
			buffer_text(w->text, "the block was handed out by ");
			buffer_plain(w->text, f->handed_out);
			buffer_text(w->text, ", which was called by:\n");
			break;
		}
		buffer_text(w->text, "the block was allocated by:\n");
		break;
	case TRACE_STACK_FREE:
		buffer_text(w->text, "it had been freed by:\n");
		break;
	case TRACE_STACK_DELETE:
		write_section(w, "section", &f->section);
		buffer_text(w->text, f->stack[TRACE_STACK_CALL] ? " had been deleted by:\n"
								: " was deleted by:\n");
		break;
	case TRACE_STACK_OWNER_CREATE:
		write_section(w, "its own section", &f->owner);
		buffer_text(w->text, " was created by:\n");
		break;
	default:
		write_section(w, "section", &f->section);
		buffer_text(w->text, " was created by:\n");
	}
}

static void write_stacks(struct writer *w, const struct finding *f)
{
	bool any = false;

	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++) {
		/* Of live-at-delete the call is the deletion: one stack with two names. */
		if (!f->stack[i] ||
		    (i == TRACE_STACK_DELETE && f->kind == TRACE_KIND_LIVE_AT_DELETE))
			continue;
		any = true;
		write_heading(w, f, (enum trace_finding_stacks)i);
		frames_write(w->text, &w->style, w->report->symbols, f->model, f->package,
			     f->stack[i]);
	}
	if (!any)
		buffer_text(w->text, "  no backtrace of it could be stored\n");
}

static void write_neighbour(struct writer *w, const char *where, const struct finding_neighbour *n)
{
	if (!n->known)
		return;
	buffer_format(w->text, "  the next live block %s it, ", where);
	buffer_hex(w->text, n->address);
	buffer_text(w->text, " of ");
	buffer_count(w->text, n->size, "byte");
	if (n->stack) {
		buffer_text(w->text, ", was allocated by ");
		frames_write_place(w->text, &w->style, w->report->symbols, &n->stack->frame[0]);
	}
	buffer_text(w->text, "\n");
}

static void write_process(struct writer *w, size_t trace)
{
	const struct model_process *process = model_process(w->report->models[trace]);
	const char *slash = process->exe ? strrchr(process->exe, '/') : NULL;

	buffer_format(w->text, "    %*sprocess %" PRId32 " ", (int)(2 * w->processes.depth[trace]),
		      "", process->pid);
	buffer_plain(w->text, slash ? slash + 1 : process->exe ? process->exe : "?");
	if (w->share[trace]) {
		buffer_text(w->text, " (");
		if (w->share[trace] == 1)
			buffer_text(w->text, "once");
		else
			buffer_count(w->text, w->share[trace], "time");
		buffer_text(w->text, ")");
	}
	buffer_text(w->text, "\n");
}

/* The processes that have a finding, as a tree: with those that they come from. */
static void write_processes(struct writer *w, const struct finding *f)
{
	const struct processes *p = &w->processes;
	size_t shown = 0, left_out = 0;

	if (!f->shares)
		return;
	memset(w->share, 0, p->count * sizeof(*w->share));
	memset(w->is_shown, 0, p->count * sizeof(*w->is_shown));
	for (size_t i = 0; i < f->shares; i++) {
		w->share[f->share[i].trace] = f->share[i].count;
		for (size_t trace = f->share[i].trace;
		     trace != PROCESSES_TOP && !w->is_shown[trace]; trace = p->parent[trace])
			w->is_shown[trace] = true;
	}
	buffer_text(w->text, "  it was found in:\n");
	for (size_t i = 0; i < p->count; i++) {
		if (!w->is_shown[p->ordered[i]])
			continue;
		if (shown++ < PROCESSES_SHOWN)
			write_process(w, p->ordered[i]);
		else
			left_out += w->share[p->ordered[i]] > 0;
	}
	if (left_out)
		buffer_format(w->text, "    and %zu more\n", left_out);
}

/* Before the leaks of one call of an entry point. */
static void write_group(struct writer *w, const struct finding *f)
{
	bool is_one = f->count + f->led_count == 1 + f->led_findings;

	buffer_count(w->text, f->count + f->led_count, "block");
	buffer_text(w->text, " (");
	buffer_count(w->text, f->bytes + f->led_bytes, "byte");
	buffer_text(w->text, is_one ? ") of one " : ") of several ");
	buffer_plain(w->text, f->entry_point);
	buffer_format(w->text, ", which failed with 0x%08" PRIx32 ":\n", f->status);
}

void text_write_time(struct buffer *to, const char *words, uint64_t time_ns)
{
	/* A report has many times of a few seconds. */
	static struct {
		time_t seconds;
		char text[64];
	} recent[16];
	time_t seconds = (time_t)(time_ns / 1000000000u);
	__typeof__(*recent) *known = &recent[seconds & 15];
	struct tm tm;

	if (!time_ns)
		return;
	if (!*known->text || known->seconds != seconds) {
		if (!localtime_r(&seconds, &tm))
			return;
		strftime(known->text, sizeof(known->text), "%F %T", &tm);
		known->seconds = seconds;
	}
	buffer_text(to, words);
	buffer_text(to, known->text);
	buffer_text(to, ".");
	buffer_padded(to, time_ns / 1000000u % 1000u, 3);
}

void text_write_span(struct buffer *to, const struct model *model, const struct model_events *events)
{
	const struct model_process *process = model_process(model);
	uint64_t ns = model_span_ns(model);

	/* The clock of the trace may be older than its last event. */
	if (events->last_ns > 0 && (uint64_t)events->last_ns > ns)
		ns = (uint64_t)events->last_ns;
	if (process->end == TRACE_END_RUNNING) {
		text_write_time(to, "since ", process->start_ns);
		return;
	}
	text_write_time(to, "from ", process->start_ns);
	text_write_time(to, " to ", process->start_ns + ns);
	if (process->end == TRACE_END_KILLED)
		buffer_text(to, " or later");
}

/* The calls on whose error paths it lies: of a sweep, or of a recording with --fail. */
static void write_failed(struct writer *w, const struct finding *f)
{
	struct model_stack room;

	for (size_t i = 0; i < f->faileds; i++) {
		const struct finding_failed *failed = &f->failed[i];

		buffer_text(w->text, i ? "  and after " : "  after ");
		buffer_plain(w->text, model_function(failed->model, failed->function)->name);
		buffer_text(w->text, " was made to fail, in ");
		buffer_plain(w->text, model_path(failed->model));
		buffer_text(w->text, ", where it was called by:\n");
		if (i < FAILED_STACKS)
			frames_write(w->text, &w->style, w->report->symbols, failed->model,
				     failed->package,
				     model_stack(failed->model, failed->stack, &room));
	}
}

/* How to ask for it alone; who did it, and when. */
static void write_details(struct writer *w, const struct finding *f)
{
	buffer_format(w->text, "  number %zu, fingerprint %s; process %" PRId32, f->number,
		      f->fingerprint, model_process(f->model)->pid);
	if (f->thread)
		buffer_format(w->text, ", thread %" PRId32, f->thread);
	text_write_time(w->text, f->first_ns == f->last_ns ? ", at " : ", first at ", f->first_ns);
	if (f->first_ns != f->last_ns)
		text_write_time(w->text, ", last at ", f->last_ns);
	buffer_text(w->text, "\n");
}

/* A wrong access ends its thread, with the process: what to ask next. */
static void write_next_question(struct writer *w, const struct finding *f)
{
	if ((f->reason != TRACE_REASON_READ && f->reason != TRACE_REASON_WRITE) || !f->thread)
		return;
	buffer_format(w->text,
		      "  what this thread did last: lsatrace events --last=20 --thread=%" PRId32 " ",
		      f->thread);
	buffer_plain(w->text, model_path(f->model));
	buffer_text(w->text, "\n");
}

static void write_finding(struct writer *w, const struct finding *f)
{
	const struct model_stack *call = f->stack[TRACE_STACK_CALL];

	if (f->kind == TRACE_KIND_BLOCK_LEAK && f->is_leading && f->entry_point)
		write_group(w, f);
	write_headline(w, f);
	if (f->baseline == FINDING_KNOWN)
		return;
	if (f->level != TRACE_LEVEL_NOTE) {
		write_details(w, f);
		write_next_question(w, f);
		write_stacks(w, f);
		write_neighbour(w, "before", &f->before);
		write_neighbour(w, "after", &f->after);
		write_failed(w, f);
		if (!w->report->sweep)
			write_processes(w, f);
		buffer_text(w->text, "\n");
	} else if (call) {
		/* A note has no stacks, only the place of the call. */
		buffer_text(w->text, "  in ");
		frames_write_place(w->text, &w->style, w->report->symbols, &call->frame[0]);
		buffer_text(w->text, "\n");
	}
}

static void write_shown(struct writer *w, const struct finding *f)
{
	write_finding(w, f);
	if (w->report->generates && finding_counts(f)) {
		suppressions_write(w->text, f, &w->report->findings->namer);
		buffer_text(w->text, "\n");
	}
}

void text_write_missing(struct buffer *text, struct symbols *symbols, const char *before)
{
	const char *words;

	for (size_t i = 0; (words = symbols_changed(symbols, i)) != NULL; i++) {
		buffer_plain(text, before);
		buffer_plain(text, words);
		buffer_text(text, " is not the file that was traced, so its frames "
				  "have only offsets\n");
	}
	for (size_t i = 0; (words = symbols_missing(symbols, i)) != NULL; i++) {
		buffer_plain(text, before);
		buffer_text(text, words);
		buffer_text(text, "\n");
	}
}

static void write_levels(struct buffer *text, uint64_t errors, uint64_t warnings, uint64_t notes)
{
	buffer_count(text, errors, "error");
	buffer_text(text, ", ");
	buffer_count(text, warnings, "warning");
	buffer_text(text, ", ");
	buffer_count(text, notes, "note");
}

void text_write_summary(struct buffer *text, const struct findings *f)
{
	write_levels(text, f->errors, f->warnings, f->notes);
	buffer_text(text, "; ");
	buffer_count(text, f->leaked_blocks, "block");
	buffer_text(text, " (");
	buffer_count(text, f->leaked_bytes, "byte");
	buffer_text(text, ") and ");
	buffer_count(text, f->leaked_sections, "section");
	buffer_text(text, " leaked; ");
	if (f->suppressed)
		buffer_format(text, "%" PRIu64 " suppressed; ", f->suppressed);
	if (f->has_baseline)
		buffer_format(text, "%zu new, %zu grown, %zu known, %zu fixed; ",
			      f->by_baseline[FINDING_NEW], f->by_baseline[FINDING_GROWN],
			      f->by_baseline[FINDING_KNOWN], f->gone);
	buffer_text(text, f->is_exact && !f->has_doubt ? "exact" : "a lower bound");
	if (f->is_selected) {
		buffer_text(text, "; hidden by filters: ");
		write_levels(text, f->hidden_errors, f->hidden_warnings, f->hidden_notes);
	}
}

void text_write_losses(struct buffer *text, const struct findings *f, const char *before,
		       const char *after)
{
	for (unsigned i = 0; i < TRACE_LOST_COUNT; i++)
		if (i != TRACE_LOST_EVENTS && f->lost[i])
			buffer_format(text, "%snot recorded: %" PRIu64 " %s%s", before, f->lost[i],
				      losses_words((enum trace_lost)i), after);
}

static void write_suppressions(const struct report *report, struct buffer *text)
{
	const struct suppression *s;

	for (size_t i = 0;
	     report->suppressions && (s = suppressions_get(report->suppressions, i)) != NULL; i++) {
		if (s->count) {
			buffer_text(text, "suppressed: ");
			buffer_count(text, s->count, "occurrence");
			buffer_text(text, ", ");
			buffer_count(text, s->bytes, "byte");
			buffer_text(text, ", by ");
		} else {
			buffer_text(text, "not used: ");
		}
		buffer_plain(text, s->label);
		buffer_text(text, "\n");
	}
}

static void write_gone(const struct report *report, struct buffer *text)
{
	const struct baseline_entry *entry;

	for (size_t i = 0; report->baseline && (entry = baseline_get(report->baseline, i)) != NULL;
	     i++) {
		if (entry->found)
			continue;
		buffer_text(text, "fixed: ");
		buffer_plain(text, entry->kind);
		buffer_text(text, " ");
		buffer_plain(text, entry->fingerprint);
		buffer_text(text, " ");
		buffer_plain(text, entry->words);
		buffer_text(text, "\n");
	}
	if (report->baseline && !baseline_is_exact(report->baseline))
		buffer_text(text, "the baseline is a lower bound: what is new may be older\n");
	if (report->findings->has_doubt && report->offsets)
		buffer_text(text, report->offsets);
}

static struct writer begin(const struct report *report, struct buffer *text)
{
	struct writer w = { .report = report, .text = text };

	w.style = frames_style("    ", report->has_color);
	w.style.names = report->view->names;
	w.style.has_all = report->view->frames == VIEW_FRAMES_ALL;
	w.style.source = report->view->source;
	if (report->count > 1) {
		processes_sort(&w.processes, report->models, report->count);
		w.share = memory_new(report->count, sizeof(*w.share));
		w.is_shown = memory_new(report->count, sizeof(*w.is_shown));
	}
	return w;
}

static void end(struct writer *w)
{
	frames_release(&w->style);
	processes_release(&w->processes);
	free(w->share);
	free(w->is_shown);
}

void text_write_finding(const struct report *report, const struct finding *f, struct buffer *text)
{
	struct report plain = *report;
	struct writer w;

	plain.has_color = false;
	w = begin(&plain, text);
	write_finding(&w, f);
	end(&w);
}

/* What was left out because somebody asked for that. */
static void write_exceptions(struct writer *w)
{
	if (w->report->since) {
		buffer_text(w->text,
			    "only what was made, or noticed first, since the checkpoint \"");
		buffer_plain(w->text, w->report->since);
		buffer_text(w->text, "\"\n");
	}
	if (w->report->findings->other_kinds)
		buffer_format(w->text,
			      "left out, as --leak-kinds asked: %" PRIu64
			      " live blocks and sections; %" PRIu64 " bytes of blocks\n",
			      w->report->findings->other_kinds, w->report->findings->other_bytes);
	if (w->report->findings->ignored)
		buffer_format(w->text,
			      "ignored, as lsatrace_ignore() asked: %" PRIu64
			      " live blocks and sections\n",
			      w->report->findings->ignored);
}

void report_write_text(const struct report *report, struct buffer *out)
{
	struct writer w = begin(report, out);
	size_t top = view_top(report->view, out->out);

	/* What is generated is copied into a file: names and lines stay as they are. */
	if (!report->generates)
		terminal_shape(out);
	for (size_t i = 0; i < report->count && !report->sweep; i++)
		write_trace(&w, i);
	if (report->sweep)
		results_write_text(report->sweep, out);
	table_write(out, &w.style, report->findings, report->selection);
	for (size_t i = 0; i < report->findings->shown && i < top; i++)
		write_shown(&w, findings_get(report->findings, i));
	if (top < report->findings->shown)
		buffer_format(
			out,
			"... and %zu more: --top=all shows them all, --finding=N the one with "
			"number N\n\n",
			report->findings->shown - top);
	if (report->findings->notes)
		buffer_text(out, "\n");
	for (size_t i = 0; i < report->count && report->has_growth; i++)
		growing_write(out, &w.style, report->symbols, report->models[i]);
	write_exceptions(&w);
	text_write_missing(out, report->symbols, "");
	write_suppressions(report, out);
	write_gone(report, out);
	text_write_losses(out, report->findings, "", "\n");
	buffer_text(out, "lsatrace: ");
	text_write_summary(out, report->findings);
	buffer_text(out, "\n");
	end(&w);
}
