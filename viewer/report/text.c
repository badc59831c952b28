/* SPDX-License-Identifier: MIT */
/*
 * The report for people: what was traced, then each finding with its stacks, then a summary whose
 * last line is for grep. Lines may be long, but nothing depends on the width of the terminal.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/findings/findings.h"
#include "viewer/model/allocators.h"
#include "viewer/model/model.h"
#include "viewer/report/report.h"
#include "viewer/symbols/frames.h"
#include "viewer/symbols/symbols.h"

struct writer {
	const struct report *report;
	struct frames_style style;
	struct buffer text;
	FILE *out;
};

static void say(struct writer *w, const char *words)
{
	buffer_text(&w->text, words);
}

static void plain(struct writer *w, const char *text)
{
	buffer_plain(&w->text, text, strlen(text));
}

/* "1 block", "2 blocks" */
static void count(struct writer *w, uint64_t number, const char *noun)
{
	buffer_decimal(&w->text, number);
	say(w, " ");
	say(w, noun);
	say(w, number == 1 ? "" : "s");
}

static void flush(struct writer *w)
{
	if (w->text.used)
		fwrite(w->text.data, 1, w->text.used, w->out);
	w->text.used = 0;
}

static void paint(struct writer *w, const char *color)
{
	if (w->report->color)
		buffer_format(&w->text, "\033[%sm", color);
}

static void package(struct writer *w, const struct model *model, uint32_t index)
{
	const struct model_package *p = model_package(model, index);

	if (p->name && *p->name)
		plain(w, p->name);
	else
		buffer_format(&w->text, "#%" PRIu32, index);
	if (p->module) {
		say(w, " (");
		plain(w, p->module->base);
		say(w, ")");
	}
}

static void packages(struct writer *w, const struct model *model)
{
	const char *before = "  packages: ";

	for (uint32_t i = 0; i < TRACE_PACKAGES; i++) {
		const struct model_package *p = model_package(model, i);

		if (!p->defined && !p->called)
			continue;
		say(w, before);
		package(w, model, i);
		if (p->unloaded)
			say(w, " [unloaded]");
		before = ", ";
	}
	if (*before == ',')
		say(w, "\n");
}

static void ending(struct writer *w, const struct model *model)
{
	int32_t status;

	switch (model_end(model)) {
	case TRACE_END_EXIT:
		say(w, "exited");
		break;
	case TRACE_END_EXEC:
		say(w, "went on as another program");
		break;
	case TRACE_END_RUNNING:
		say(w, "is still running: what is live may yet be freed");
		break;
	default:
		say(w, "was killed");
	}
	if (model_exit_status(model, &status))
		buffer_format(&w->text, " with status %" PRId32, status);
}

static void history(struct writer *w, const struct model_events *e)
{
	say(w, "  history: ");
	if (e->retained >= e->recorded)
		say(w, "all of ");
	else
		buffer_format(&w->text, "the last %" PRIu64 " of ", e->retained);
	count(w, e->recorded, "call");
	if (e->lost)
		buffer_format(&w->text, ", %" PRIu64 " lost", e->lost);
	if (e->torn)
		buffer_format(&w->text, ", %" PRIu64 " torn", e->torn);
	say(w, "\n");
}

static void in_flight(struct writer *w, struct model *model)
{
	for (size_t i = 0; i < model_in_flight(model); i++) {
		const struct model_call *call = model_call(model, i);
		const struct model_stack *stack = model_stack(model, call->stack);

		say(w, "  in flight: ");
		plain(w, model_function(model, call->function)->name);
		buffer_format(&w->text, " in thread %" PRId32 ", package ", call->tid);
		package(w, model, call->package);
		say(w, "\n");
		if (stack)
			frames_write(&w->text, &w->style, w->report->symbols, stack);
	}
}

static void trace(struct writer *w, size_t i)
{
	struct model *model = w->report->models[i];

	say(w, "trace ");
	plain(w, model_path(model));
	buffer_format(&w->text, "\n  process %" PRId32, model_pid(model));
	for (size_t j = 0; j < model_arguments(model); j++) {
		say(w, j ? " " : ": ");
		plain(w, model_argument(model, j));
	}
	say(w, "\n  ");
	ending(w, model);
	say(w, "\n");
	packages(w, model);
	allocators_write(&w->text, model);
	history(w, &w->report->events[i]);
	in_flight(w, model);
	say(w, "\n");
	flush(w);
}

static const char *level_color(enum trace_level level)
{
	return level == TRACE_LEVEL_ERROR ? "1;31" : level == TRACE_LEVEL_WARNING ? "1;35" : "1;36";
}

static void cost(struct writer *w, const struct finding *f)
{
	if (f->kind == TRACE_KIND_BLOCK_LEAK)
		count(w, f->count, "block");
	else if (f->kind == TRACE_KIND_SECTION_LEAK)
		count(w, f->count, "section");
	else if (f->count == 1)
		say(w, "once");
	else
		count(w, f->count, "time");
	if (f->bytes) {
		say(w, ", ");
		count(w, f->bytes, "byte");
	}
}

static void headline(struct writer *w, const struct finding *f)
{
	const char *reason = findings_reason_text(f->reason);

	paint(w, level_color(f->level));
	say(w, findings_level_text(f->level));
	say(w, ": ");
	paint(w, "0");
	say(w, findings_kind_text(f->kind));
	if (reason)
		buffer_format(&w->text, "/%s", reason);
	say(w, ": ");
	plain(w, f->message);
	say(w, " (");
	cost(w, f);
	say(w, "; package ");
	package(w, f->model, f->package);
	say(w, ")\n");
}

static void about_section(struct writer *w, const char *words, const struct finding_section *s)
{
	say(w, words);
	if (s->known && s->handle) {
		say(w, " ");
		buffer_hex(&w->text, s->handle);
	}
	if (s->sizes_known)
		buffer_format(&w->text, " of at most %" PRIu32 " bytes, %" PRIu32 " at first,",
			      s->max_size, s->initial_size);
}

static void about_call(struct writer *w, const struct finding *f)
{
	if (f->reason == TRACE_REASON_READ || f->reason == TRACE_REASON_WRITE) {
		buffer_format(&w->text, "the %s was made by:\n", findings_reason_text(f->reason));
		return;
	}
	plain(w, f->function ? f->function : "the call");
	say(w, " was called by:\n");
}

static void heading(struct writer *w, const struct finding *f, enum trace_finding_stacks which)
{
	say(w, "  ");
	switch (which) {
	case TRACE_STACK_CALL:
		about_call(w, f);
		break;
	case TRACE_STACK_ALLOCATE:
		say(w, "the block was allocated by:\n");
		break;
	case TRACE_STACK_FREE:
		say(w, "it had been freed by:\n");
		break;
	case TRACE_STACK_DELETE:
		about_section(w, "section", &f->section);
		say(w,
		    f->stack[TRACE_STACK_CALL] ? " had been deleted by:\n" : " was deleted by:\n");
		break;
	case TRACE_STACK_OWNER_CREATE:
		about_section(w, "its own section", &f->owner);
		say(w, " was created by:\n");
		break;
	default:
		about_section(w, "section", &f->section);
		say(w, " was created by:\n");
	}
}

static void stacks(struct writer *w, const struct finding *f)
{
	bool any = false;

	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++) {
		/* At live-at-delete this call is the deletion: the same stack under two names. */
		if (!f->stack[i] ||
		    (i == TRACE_STACK_DELETE && f->kind == TRACE_KIND_LIVE_AT_DELETE))
			continue;
		any = true;
		heading(w, f, (enum trace_finding_stacks)i);
		frames_write(&w->text, &w->style, w->report->symbols, f->stack[i]);
	}
	if (!any)
		say(w, "  no backtrace of it could be stored\n");
}

static void neighbour(struct writer *w, const char *where, const struct finding_neighbour *n)
{
	if (!n->known)
		return;
	buffer_format(&w->text, "  the next live block %s it, 0x%" PRIx64 " of ", where, n->address);
	count(w, n->size, "byte");
	if (n->stack) {
		say(w, ", was allocated by ");
		frames_place(&w->text, &w->style, w->report->symbols, &n->stack->frame[0]);
	}
	say(w, "\n");
}

/* A note gets no stacks, only the place of the call. */
static void place(struct writer *w, const struct finding *f)
{
	const struct model_stack *call = f->stack[TRACE_STACK_CALL];

	if (!call)
		return;
	say(w, "  in ");
	frames_place(&w->text, &w->style, w->report->symbols, &call->frame[0]);
	say(w, "\n");
}

static void finding(struct writer *w, const struct finding *f)
{
	headline(w, f);
	if (f->level == TRACE_LEVEL_NOTE) {
		place(w, f);
	} else {
		stacks(w, f);
		neighbour(w, "before", &f->before);
		neighbour(w, "after", &f->after);
		say(w, "\n");
	}
	flush(w);
}

static void losses(struct writer *w, const struct findings *f)
{
	const char *changed;

	for (size_t i = 0; (changed = symbols_changed(w->report->symbols, i)) != NULL; i++) {
		plain(w, changed);
		say(w,
		    " is not the file that was traced: of its frames only the offset is known\n");
	}
	for (unsigned i = 0; i < TRACE_LOST_COUNT; i++)
		if (i != TRACE_LOST_EVENTS && f->lost[i])
			buffer_format(&w->text, "not recorded: %" PRIu64 " %s\n", f->lost[i],
				      findings_lost_words((enum trace_lost)i));
}

static void summary(struct writer *w)
{
	const struct findings *f = w->report->findings;

	if (f->notes)
		say(w, "\n");
	losses(w, f);
	say(w, "lsatrace: ");
	count(w, f->errors, "error");
	say(w, ", ");
	count(w, f->warnings, "warning");
	say(w, ", ");
	count(w, f->notes, "note");
	say(w, "; ");
	count(w, f->leaked_blocks, "block");
	say(w, " (");
	count(w, f->leaked_bytes, "byte");
	say(w, ") and ");
	count(w, f->leaked_sections, "section");
	say(w, f->exact ? " leaked; exact\n" : " leaked; a lower bound\n");
	flush(w);
}

void report_text(const struct report *report, FILE *out)
{
	struct writer w = { .report = report, .out = out };

	w.style = frames_style("    ", report->color);
	for (size_t i = 0; i < report->count; i++)
		trace(&w, i);
	for (size_t i = 0; i < report->findings->count; i++)
		finding(&w, &report->findings->all[i]);
	summary(&w);
	frames_release(&w.style);
	buffer_release(&w.text);
}
