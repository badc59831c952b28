/* SPDX-License-Identifier: MIT */
/*
 * The format `json`, schema 1. Each key is always there; null means that a value is unknown or does
 * not apply.
 */
#include <inttypes.h>
#include <string.h>

#include "include/kinds.h"
#include "viewer/base/buffer.h"
#include "viewer/base/json.h"
#include "viewer/base/sum.h"
#include "viewer/findings/findings.h"
#include "viewer/findings/message.h"
#include "viewer/gate/baseline.h"
#include "viewer/gate/suppressions.h"
#include "viewer/model/allocators.h"
#include "viewer/model/growth.h"
#include "viewer/model/losses.h"
#include "viewer/model/model.h"
#include "viewer/report/json_frames.h"
#include "viewer/report/report.h"
#include "viewer/sites/results.h"

struct writer {
	const struct report *report;
	struct json json;
};

static void write_command(struct json *j, const struct model *model)
{
	struct reader_cursor c = { 0 };
	struct buffer argument = { 0 };

	json_open_array(j, "command");
	while (model_next_argument(model, &c, &argument)) {
		json_write_text(j, NULL, argument.data);
		argument.used = 0;
	}
	json_close_array(j);
	buffer_release(&argument);
}

static void write_packages(struct json *j, const struct model *model)
{
	json_open_array(j, "packages");
	for (uint32_t i = 0; i < TRACE_PACKAGES; i++) {
		const struct model_package *package = model_package(model, i);

		if (!package->is_defined && !package->has_called)
			continue;
		json_open_object(j, NULL);
		json_write_number(j, "index", i);
		json_write_number_if(j, "id", package->has_id, package->id);
		json_write_text(j, "name", package->name);
		json_write_text(j, "module", package->module ? package->module->name : NULL);
		json_write_boolean(j, "unloaded", package->is_unloaded);
		json_write_text(j, "allocator",
				allocators_are_embedded(model, i) ? "embedded" : "host");
		json_close_object(j);
	}
	json_close_array(j);
}

/* The live sections that a client can map, by opening `path`. */
static void write_sections(struct json *j, const struct model *model)
{
	struct reader_cursor c = { 0 };
	struct model_entry entry;

	json_open_array(j, "sections");
	while (model_next_entry(model, &c, &entry)) {
		char path[64];

		if (!entry.has_descriptor)
			continue;
		snprintf(path, sizeof(path), "/proc/%" PRId32 "/fd/%" PRIu32,
			 model_process(model)->pid, entry.descriptor);
		json_open_object(j, NULL);
		json_write_address(j, "handle", entry.address);
		json_write_number(j, "max_size", entry.size);
		json_write_number(j, "initial_size", entry.initial_size);
		json_write_number(j, "package", entry.package);
		json_write_text(j, "path", path);
		json_close_object(j);
	}
	json_close_array(j);
}

/*
 * Sums up what all functions of this name have done. Returns false if an earlier function has the
 * name, or none has it: a damaged trace may define one name twice, and a key must be unique.
 */
static bool sum_function(const struct model *model, uint32_t function, uint64_t *calls,
			 struct model_transfers *transfers)
{
	const char *name = model_function(model, function)->name;

	*calls = 0;
	*transfers = (struct model_transfers){ 0 };
	for (uint32_t i = 0; name && i < TRACE_FUNCTIONS; i++) {
		const char *other = model_function(model, i)->name;

		if (!other || strcmp(other, name) != 0)
			continue;
		if (i < function)
			return false;
		sum_add(calls, model_calls(model, i));
		for (uint32_t j = 0; j < TRACE_PACKAGES; j++) {
			sum_add(&transfers->blocks, model_transfers(model, j, i)->blocks);
			sum_add(&transfers->bytes, model_transfers(model, j, i)->bytes);
		}
	}
	return name != NULL;
}

static void write_totals(struct json *j, const struct model *model)
{
	struct model_transfers transfers;
	uint64_t calls;

	json_open_object(j, "calls");
	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++)
		if (sum_function(model, i, &calls, &transfers) && calls)
			json_write_number(j, model_function(model, i)->name, calls);
	json_close_object(j);
	json_open_object(j, "transfers");
	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++) {
		if (!sum_function(model, i, &calls, &transfers) || !transfers.blocks)
			continue;
		json_open_object(j, model_function(model, i)->name);
		json_write_number(j, "blocks", transfers.blocks);
		json_write_number(j, "bytes", transfers.bytes);
		json_close_object(j);
	}
	json_close_object(j);
}

static void write_exception(struct writer *w, const struct model *model)
{
	uint32_t code = model_process(model)->exception, package;
	struct model_stack room;
	struct json *j = &w->json;
	const struct model_stack *stack;

	if (!code) {
		json_write_null(j, "exception");
		return;
	}
	stack = model_crash(model, &room, &package);
	json_open_object(j, "exception");
	json_write_address(j, "code", code);
	json_write_text(j, "name", model_exception(code));
	json_frames_write(j, "stack", w->report->symbols, model, package, stack);
	json_close_object(j);
}

static void write_in_flight(struct writer *w, const struct model *model)
{
	struct model_stack stack;
	struct json *j = &w->json;

	json_open_array(j, "in_flight");
	for (size_t i = 0; i < model_in_flight(model); i++) {
		const struct model_call *call = model_call(model, i);

		json_open_object(j, NULL);
		json_write_text(j, "function", model_function(model, call->function)->name);
		json_write_integer(j, "thread", call->tid);
		json_frames_write(j, "stack", w->report->symbols, model, call->package,
				  model_stack(model, call->stack, &stack));
		json_close_object(j);
	}
	json_close_array(j);
}

static void write_search(struct json *j, const struct model_process *process)
{
	json_open_object(j, "reachability");
	json_write_boolean(j, "known", !process->search_why);
	json_write_text(j, "why", process->search_why);
	json_write_number(j, "standstill_ns", process->still_ns);
	json_close_object(j);
}

static void write_trace(struct writer *w, const struct model *model, const struct model_events *e)
{
	const struct model_process *process = model_process(model);
	struct json *j = &w->json;

	json_open_object(j, NULL);
	json_write_text(j, "path", model_path(model));
	json_write_integer(j, "pid", process->pid);
	json_write_integer(j, "ppid", process->ppid);
	json_write_text(j, "exe", process->exe);
	write_command(j, model);
	json_write_time(j, "start_time", process->start_ns);
	json_write_text(j, "end", process->end_text);
	if (process->has_exit_status)
		json_write_integer(j, "exit_status", process->exit_status);
	else
		json_write_null(j, "exit_status");
	write_exception(w, model);
	write_packages(j, model);
	write_totals(j, model);
	json_open_object(j, "events");
	json_write_number(j, "recorded", e->recorded);
	json_write_number(j, "retained", e->retained);
	json_write_number(j, "overwritten", e->overwritten);
	json_write_number(j, "lost", e->lost);
	json_write_number(j, "torn", e->torn);
	json_close_object(j);
	write_in_flight(w, model);
	write_sections(j, model);
	write_search(j, process);
	json_close_object(j);
}

static void write_section(struct json *j, const char *key, const struct finding_section *s)
{
	if (!s->known) {
		json_write_null(j, key);
		return;
	}
	json_open_object(j, key);
	json_write_address(j, "handle", s->handle);
	json_write_number_if(j, "max_size", s->sizes_known, s->max_size);
	json_write_number_if(j, "initial_size", s->sizes_known, s->initial_size);
	json_close_object(j);
}

static const char *const stack_names[TRACE_FINDING_STACKS] = {
	[TRACE_STACK_CALL] = "call",     [TRACE_STACK_ALLOCATE] = "allocate",
	[TRACE_STACK_FREE] = "free",     [TRACE_STACK_CREATE] = "create",
	[TRACE_STACK_DELETE] = "delete", [TRACE_STACK_OWNER_CREATE] = "owner_create",
};

static void write_stacks(struct writer *w, const struct finding *f)
{
	json_open_object(&w->json, "stacks");
	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++)
		if (f->stack[i])
			json_frames_write(&w->json, stack_names[i], w->report->symbols, f->model,
					  f->package, f->stack[i]);
	json_close_object(&w->json);
}

static void write_leak(struct json *j, const struct finding *f)
{
	json_write_text(j, "leak_class", message_leak_class(f));
	json_write_text(j, "reachability", message_reachability(f));
	json_write_number_if(j, "group", f->is_led || f->is_leading, f->group);
	if (!f->entry_point) {
		json_write_null(j, "path");
		return;
	}
	json_open_object(j, "path");
	json_write_text(j, "entry_point", f->entry_point);
	json_write_address(j, "status", f->status);
	json_close_object(j);
}

/* In each stack, the index of the frame of the line that is to be changed (findings/wrappers.h). */
static void write_culprits(struct json *j, const struct finding *f)
{
	json_open_object(j, "culprit_frames");
	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++)
		if (f->stack[i])
			json_write_number(j, stack_names[i], f->skipped[i]);
	json_close_object(j);
}

static void write_neighbour(struct writer *w, const char *key, const struct finding *f,
			    const struct finding_neighbour *n)
{
	if (!n->known) {
		json_write_null(&w->json, key);
		return;
	}
	json_open_object(&w->json, key);
	json_write_address(&w->json, "address", n->address);
	json_write_number(&w->json, "size", n->size);
	json_frames_write(&w->json, "stack", w->report->symbols, f->model, f->package, n->stack);
	json_close_object(&w->json);
}

static void write_shares(struct json *j, const struct finding *f)
{
	if (!f->shares) {
		json_write_null(j, "traces");
		return;
	}
	json_open_array(j, "traces");
	for (size_t i = 0; i < f->shares; i++) {
		json_open_object(j, NULL);
		json_write_number(j, "trace", f->share[i].trace);
		json_write_number(j, "count", f->share[i].count);
		json_close_object(j);
	}
	json_close_array(j);
}

/* The calls on whose error paths it lies. */
static void write_failed(struct writer *w, const struct finding *f)
{
	struct json *j = &w->json;
	struct model_stack room;

	json_open_array(j, "failed_calls");
	for (size_t i = 0; i < f->faileds; i++) {
		const struct finding_failed *failed = &f->failed[i];
		const struct model_stack *stack = model_stack(failed->model, failed->stack, &room);

		json_open_object(j, NULL);
		json_write_text(j, "function",
				model_function(failed->model, failed->function)->name);
		json_write_site(j, "site", failed->site);
		json_write_number(j, "trace", failed->trace);
		json_frames_write(j, "stack", w->report->symbols, failed->model, failed->package,
				  stack);
		json_close_object(j);
	}
	json_close_array(j);
}

static void write_baseline(struct json *j, const struct finding *f)
{
	json_write_text(j, "baseline", f->baseline ? message_baseline(f) : NULL);
	json_write_number_if(j, "baseline_count", f->baseline, f->ceiling);
	json_write_text(j, "baseline_match",
			!f->ceiling  ? NULL
			: f->by_weak ? "weak"
				     : "fingerprint");
}

static void write_time(struct json *j, const char *key, uint64_t time_ns)
{
	if (time_ns)
		json_write_time(j, key, time_ns);
	else
		json_write_null(j, key);
}

static void write_finding(struct writer *w, const struct finding *f)
{
	struct json *j = &w->json;

	json_open_object(j, NULL);
	json_write_text(j, "kind", kinds_text(f->kind));
	json_write_text(j, "level", kinds_level_text(f->level));
	json_write_text(j, "reason", f->reason ? kinds_reason_text(f->reason) : NULL);
	json_write_text(j, "family", f->family);
	json_write_number(j, "count", f->count);
	json_write_number(j, "bytes", f->bytes);
	write_leak(j, f);
	json_write_address_if(j, "address", f->has_address, f->address);
	json_write_number_if(j, "size", f->has_size, f->size);
	json_write_number(j, "package", f->package);
	json_write_number(j, "trace", f->trace);
	write_shares(j, f);
	write_failed(w, f);
	json_write_number_if(j, "thread", f->thread != 0, (uint64_t)f->thread);
	write_time(j, "first_time", f->first_ns);
	write_time(j, "last_time", f->last_ns);
	json_write_text(j, "fingerprint", f->fingerprint);
	json_write_text(j, "fingerprint_weak", f->fingerprint_weak);
	json_write_text(j, "fingerprint_from", f->has_offsets ? "offsets" : "names");
	json_write_text(j, "suppressed_by", f->suppressed_by);
	write_baseline(j, f);
	json_write_text(j, "message", f->message);
	json_write_text(j, "handed_out_by", f->handed_out);
	json_write_number_if(j, "damaged_bytes", f->damage != 0, f->damage);
	write_section(j, "section", &f->section);
	write_section(j, "owner", &f->owner);
	write_stacks(w, f);
	write_culprits(j, f);
	if (f->has_neighbours) {
		json_open_object(j, "neighbours");
		write_neighbour(w, "before", f, &f->before);
		write_neighbour(w, "after", f, &f->after);
		json_close_object(j);
	} else {
		json_write_null(j, "neighbours");
	}
	json_close_object(j);
}

/* What the baseline has, and the traces have not. */
static void write_gone(struct json *j, const struct baseline *b)
{
	const struct baseline_entry *entry;

	json_open_array(j, "fixed");
	for (size_t i = 0; b && (entry = baseline_get(b, i)) != NULL; i++) {
		if (entry->found)
			continue;
		json_open_object(j, NULL);
		json_write_text(j, "kind", entry->kind);
		json_write_text(j, "fingerprint", entry->fingerprint);
		json_write_number(j, "count", entry->ceiling);
		json_write_text(j, "words", entry->words);
		json_close_object(j);
	}
	json_close_array(j);
}

static void write_comparison(struct json *j, const struct findings *f, const struct baseline *b)
{
	if (!b) {
		json_write_null(j, "baseline");
		return;
	}
	json_open_object(j, "baseline");
	json_write_number(j, "new", f->by_baseline[FINDING_NEW]);
	json_write_number(j, "grown", f->by_baseline[FINDING_GROWN]);
	json_write_number(j, "known", f->by_baseline[FINDING_KNOWN]);
	json_write_number(j, "fixed", f->gone);
	json_write_boolean(j, "exact", !f->has_doubt);
	json_close_object(j);
}

static void write_suppressions(struct json *j, const struct suppressions *all)
{
	const struct suppression *s;

	json_open_array(j, "suppressions");
	for (size_t i = 0; all && (s = suppressions_get(all, i)) != NULL; i++) {
		json_open_object(j, NULL);
		json_write_text(j, "file", s->file);
		json_write_number(j, "line", s->line);
		json_write_text(j, "name", s->name);
		json_write_number(j, "count", s->count);
		json_write_number(j, "bytes", s->bytes);
		json_close_object(j);
	}
	json_close_array(j);
}

static void write_entry_points(struct json *j, const struct model *m, const struct growth_row *row)
{
	json_open_array(j, "entry_points");
	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++) {
		if (!growth_is_entry_point(m, i))
			continue;
		json_open_object(j, NULL);
		json_write_text(j, "function", model_function(m, i)->name);
		json_write_number(j, "calls", model_returns(m, i));
		json_write_real(j, "per_call", growth_per(row, (double)model_returns(m, i)));
		json_close_object(j);
	}
	json_close_array(j);
}

static void write_growing(const struct report *report, struct json *j, const struct model *m,
			  const struct growth_row *row)
{
	struct model_stack room;

	json_open_object(j, NULL);
	json_write_text(j, "kind", row->is_section ? "section-leak" : "block-leak");
	json_write_text(j, "family", model_family(m, row->family));
	json_write_number(j, "package", row->package);
	json_write_number(j, "live", row->live);
	json_write_number(j, "bytes", row->bytes);
	if (growth_minutes(m) > 0)
		json_write_real(j, "per_minute", growth_per(row, growth_minutes(m)));
	else
		json_write_null(j, "per_minute");
	json_write_real(j, "per_call", growth_per(row, (double)growth_calls(m)));
	write_entry_points(j, m, row);
	json_open_array(j, "made");
	for (unsigned i = 0; i < GROWTH_PARTS; i++)
		json_write_number(j, NULL, row->part[i]);
	json_close_array(j);
	json_write_real(j, "r_squared", growth_straightness(row));
	json_write_text(j, "confidence", growth_is_certain(row) ? "high" : "medium");
	json_frames_write(j, "stack", report->symbols, m, row->package,
			  model_stack(m, row->stack, &room));
	json_close_object(j);
}

static void write_growth(struct json *j, const struct report *report)
{
	if (!report->has_growth) {
		json_write_null(j, "growth");
		return;
	}
	json_open_array(j, "growth");
	for (size_t i = 0; i < report->count; i++) {
		const struct model *m = report->models[i];
		struct growth g = { 0 };

		growth_find(&g, m);
		json_open_object(j, NULL);
		json_write_number(j, "trace", i);
		json_write_boolean(j, "long_enough", g.is_long_enough);
		json_write_number(j, "calls", growth_calls(m));
		json_write_number(j, "stacks", g.stacks);
		json_open_array(j, "growing");
		for (size_t k = 0; k < g.rows; k++)
			write_growing(report, j, m, &g.row[k]);
		json_close_array(j);
		json_close_object(j);
		growth_release(&g);
	}
	json_close_array(j);
}

static void write_summary(struct json *j, const struct report *report)
{
	const struct findings *f = report->findings;

	json_open_object(j, "summary");
	json_write_number(j, "errors", f->errors);
	json_write_number(j, "warnings", f->warnings);
	json_write_number(j, "notes", f->notes);
	json_write_number(j, "leaked_blocks", f->leaked_blocks);
	json_write_number(j, "leaked_bytes", f->leaked_bytes);
	json_write_number(j, "leaked_sections", f->leaked_sections);
	json_write_number(j, "suppressed", f->suppressed);
	write_comparison(j, f, report->baseline);
	if (f->is_selected) {
		json_open_object(j, "hidden");
		json_write_number(j, "errors", f->hidden_errors);
		json_write_number(j, "warnings", f->hidden_warnings);
		json_write_number(j, "notes", f->hidden_notes);
		json_close_object(j);
	} else {
		json_write_null(j, "hidden");
	}
	json_write_number(j, "other_kinds", f->other_kinds);
	json_write_number(j, "ignored", f->ignored);
	json_write_boolean(j, "exact", f->is_exact);
	json_open_object(j, "lost");
	for (unsigned i = 0; i < TRACE_LOST_COUNT; i++)
		json_write_number(j, losses_name((enum trace_lost)i), f->lost[i]);
	json_close_object(j);
	json_close_object(j);
}

void report_write_json(const struct report *report, struct buffer *out)
{
	struct writer w = { .report = report, .json = { .out = out } };
	struct json *j = &w.json;

	json_open_object(j, NULL);
	json_write_number(j, "schema", 1);
	json_open_array(j, "traces");
	for (size_t i = 0; i < report->count; i++)
		write_trace(&w, report->models[i], &report->events[i]);
	json_close_array(j);
	json_open_array(j, "findings");
	for (size_t i = 0; i < report->findings->count; i++)
		write_finding(&w, findings_get(report->findings, i));
	json_close_array(j);
	write_suppressions(j, report->suppressions);
	write_gone(j, report->baseline);
	write_growth(j, report);
	json_write_text(j, "since", report->since);
	results_write_json(report->sweep, j, "sweep");
	write_summary(j, report);
	json_close_object(j);
}
