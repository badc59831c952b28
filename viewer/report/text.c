/* SPDX-License-Identifier: MIT */
/*
 * The format `text`, for people: what was traced, then each finding with its stacks, then a summary.
 * Its last line is easy to find with grep. Lines may be long: nothing depends on the width of the
 * terminal.
 */
#include <inttypes.h>
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/findings/findings.h"
#include "viewer/findings/kinds.h"
#include "viewer/model/allocators.h"
#include "viewer/model/model.h"
#include "viewer/report/report.h"
#include "viewer/symbols/frames.h"
#include "viewer/symbols/symbols.h"

struct writer {
	const struct report *report;
	struct frames_style style;
	struct buffer *text;
};

static void say(struct writer *w, const char *words)
{
	buffer_text(w->text, words);
}

static void say_plain(struct writer *w, const char *text)
{
	buffer_plain(w->text, text);
}

static void say_count(struct writer *w, uint64_t number, const char *noun)
{
	buffer_count(w->text, number, noun);
}

static void set_color(struct writer *w, const char *color)
{
	if (w->report->has_color)
		buffer_format(w->text, "\033[%sm", color);
}

static void say_package(struct writer *w, const struct model *model, uint32_t index)
{
	const struct model_module *module = model_package(model, index)->module;

	model_write_package(model, index, w->text);
	if (module) {
		say(w, " (");
		say_plain(w, module->base);
		say(w, ")");
	}
}

static void write_packages(struct writer *w, const struct model *model)
{
	const char *before = "  packages: ";

	for (uint32_t i = 0; i < TRACE_PACKAGES; i++) {
		const struct model_package *p = model_package(model, i);

		if (!p->is_defined && !p->has_called)
			continue;
		say(w, before);
		say_package(w, model, i);
		if (p->is_unloaded)
			say(w, " [unloaded]");
		before = ", ";
	}
	if (*before == ',')
		say(w, "\n");
}

static void say_ending(struct writer *w, const struct model_process *process)
{
	switch (process->end) {
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
	if (process->has_exit_status)
		buffer_format(w->text, " with status %" PRId32, process->exit_status);
}

static void write_history(struct writer *w, const struct model_events *e)
{
	say(w, "  history: ");
	if (e->retained >= e->recorded)
		say(w, "all of ");
	else
		buffer_format(w->text, "the last %" PRIu64 " of ", e->retained);
	say_count(w, e->recorded, "call");
	if (e->lost)
		buffer_format(w->text, ", %" PRIu64 " lost", e->lost);
	if (e->torn)
		buffer_format(w->text, ", %" PRIu64 " torn", e->torn);
	say(w, "\n");
}

static void write_in_flight(struct writer *w, struct model *model)
{
	for (size_t i = 0; i < model_in_flight(model); i++) {
		const struct model_call *call = model_call(model, i);
		const struct model_stack *stack = model_stack(model, call->stack);

		say(w, "  in flight: ");
		say_plain(w, model_function(model, call->function)->name);
		buffer_format(w->text, " in thread %" PRId32 ", package ", call->tid);
		say_package(w, model, call->package);
		say(w, "\n");
		if (stack)
			frames_write(w->text, &w->style, w->report->symbols, stack);
	}
}

static void write_trace(struct writer *w, struct model *model, const struct model_events *events)
{
	const struct model_process *process = model_process(model);

	say(w, "trace ");
	say_plain(w, model_path(model));
	buffer_format(w->text, "\n  process %" PRId32, process->pid);
	for (size_t i = 0; i < process->arguments; i++) {
		say(w, i ? " " : ": ");
		say_plain(w, process->argument[i]);
	}
	say(w, "\n  ");
	say_ending(w, process);
	say(w, "\n");
	write_packages(w, model);
	allocators_write(w->text, model);
	write_history(w, events);
	write_in_flight(w, model);
	say(w, "\n");
}

static void say_cost(struct writer *w, const struct finding *f)
{
	if (f->kind == TRACE_KIND_BLOCK_LEAK)
		say_count(w, f->count, "block");
	else if (f->kind == TRACE_KIND_SECTION_LEAK)
		say_count(w, f->count, "section");
	else if (f->count == 1)
		say(w, "once");
	else
		say_count(w, f->count, "time");
	if (f->bytes) {
		say(w, ", ");
		say_count(w, f->bytes, "byte");
	}
}

static void write_headline(struct writer *w, const struct finding *f)
{
	static const char *const colors[] = {
		[TRACE_LEVEL_NOTE] = "1;36",
		[TRACE_LEVEL_WARNING] = "1;35",
		[TRACE_LEVEL_ERROR] = "1;31",
	};

	set_color(w, colors[f->level]);
	say(w, kinds_level_text(f->level));
	say(w, ": ");
	set_color(w, "0");
	say(w, kinds_text(f->kind));
	say(w, f->reason ? "/" : "");
	say(w, kinds_reason_text(f->reason));
	say(w, ": ");
	say_plain(w, f->message);
	say(w, " (");
	say_cost(w, f);
	say(w, "; package ");
	say_package(w, f->model, f->package);
	say(w, ")\n");
}

static void say_section(struct writer *w, const char *words, const struct finding_section *s)
{
	say(w, words);
	if (s->known && s->handle) {
		say(w, " ");
		buffer_hex(w->text, s->handle);
	}
	if (s->sizes_known)
		buffer_format(w->text, " of at most %" PRIu32 " bytes, %" PRIu32 " at first,",
			      s->max_size, s->initial_size);
}

static void write_call_heading(struct writer *w, const struct finding *f)
{
	if (f->reason == TRACE_REASON_READ || f->reason == TRACE_REASON_WRITE) {
		buffer_format(w->text, "the %s was made by:\n", kinds_reason_text(f->reason));
		return;
	}
	say_plain(w, f->function ? f->function : "the call");
	say(w, " was called by:\n");
}

static void write_heading(struct writer *w, const struct finding *f, enum trace_finding_stacks which)
{
	say(w, "  ");
	switch (which) {
	case TRACE_STACK_CALL:
		write_call_heading(w, f);
		break;
	case TRACE_STACK_ALLOCATE:
		say(w, "the block was allocated by:\n");
		break;
	case TRACE_STACK_FREE:
		say(w, "it had been freed by:\n");
		break;
	case TRACE_STACK_DELETE:
		say_section(w, "section", &f->section);
		say(w,
		    f->stack[TRACE_STACK_CALL] ? " had been deleted by:\n" : " was deleted by:\n");
		break;
	case TRACE_STACK_OWNER_CREATE:
		say_section(w, "its own section", &f->owner);
		say(w, " was created by:\n");
		break;
	default:
		say_section(w, "section", &f->section);
		say(w, " was created by:\n");
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
		frames_write(w->text, &w->style, w->report->symbols, f->stack[i]);
	}
	if (!any)
		say(w, "  no backtrace of it could be stored\n");
}

static void write_neighbour(struct writer *w, const char *where, const struct finding_neighbour *n)
{
	if (!n->known)
		return;
	buffer_format(w->text, "  the next live block %s it, ", where);
	buffer_hex(w->text, n->address);
	say(w, " of ");
	say_count(w, n->size, "byte");
	if (n->stack) {
		say(w, ", was allocated by ");
		frames_write_place(w->text, &w->style, w->report->symbols, &n->stack->frame[0]);
	}
	say(w, "\n");
}

/* The place of the call: a note has no stacks. */
static void write_place(struct writer *w, const struct finding *f)
{
	const struct model_stack *call = f->stack[TRACE_STACK_CALL];

	if (!call)
		return;
	say(w, "  in ");
	frames_write_place(w->text, &w->style, w->report->symbols, &call->frame[0]);
	say(w, "\n");
}

static void write_finding(struct writer *w, const struct finding *f)
{
	write_headline(w, f);
	if (f->level == TRACE_LEVEL_NOTE) {
		write_place(w, f);
	} else {
		write_stacks(w, f);
		write_neighbour(w, "before", &f->before);
		write_neighbour(w, "after", &f->after);
		say(w, "\n");
	}
}

static void write_losses(struct writer *w, const struct findings *f)
{
	const char *changed;

	for (size_t i = 0; (changed = symbols_changed(w->report->symbols, i)) != NULL; i++) {
		say_plain(w, changed);
		say(w,
		    " is not the file that was traced: of its frames only the offset is known\n");
	}
	for (unsigned i = 0; i < TRACE_LOST_COUNT; i++)
		if (i != TRACE_LOST_EVENTS && f->lost[i])
			buffer_format(w->text, "not recorded: %" PRIu64 " %s\n", f->lost[i],
				      kinds_lost_words((enum trace_lost)i));
}

static void write_summary(struct writer *w)
{
	const struct findings *f = w->report->findings;

	if (f->notes)
		say(w, "\n");
	write_losses(w, f);
	say(w, "lsatrace: ");
	say_count(w, f->errors, "error");
	say(w, ", ");
	say_count(w, f->warnings, "warning");
	say(w, ", ");
	say_count(w, f->notes, "note");
	say(w, "; ");
	say_count(w, f->leaked_blocks, "block");
	say(w, " (");
	say_count(w, f->leaked_bytes, "byte");
	say(w, ") and ");
	say_count(w, f->leaked_sections, "section");
	say(w, f->is_exact ? " leaked; exact\n" : " leaked; a lower bound\n");
}

void report_write_text(const struct report *report, struct buffer *out)
{
	struct writer w = { .report = report, .text = out };

	w.style = frames_style("    ", report->has_color);
	for (size_t i = 0; i < report->count; i++)
		write_trace(&w, report->models[i], &report->events[i]);
	for (size_t i = 0; i < report->findings->count; i++)
		write_finding(&w, &report->findings->all[i]);
	write_summary(&w);
	frames_release(&w.style);
}
