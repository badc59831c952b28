/* SPDX-License-Identifier: MIT */
/*
 * The format `json`, schema 1. Each key is always there; null means that a value is unknown or does
 * not apply.
 */
#include <inttypes.h>
#include <time.h>

#include "include/kinds.h"
#include "viewer/base/buffer.h"
#include "viewer/base/sum.h"
#include "viewer/findings/findings.h"
#include "viewer/findings/losses.h"
#include "viewer/model/allocators.h"
#include "viewer/model/model.h"
#include "viewer/report/json_frames.h"
#include "viewer/report/report.h"

static json_t *make_start_time(uint64_t start_ns)
{
	time_t seconds = (time_t)(start_ns / 1000000000u);
	struct buffer b = { 0 };
	struct tm tm;
	char text[64];
	json_t *json;

	if (!gmtime_r(&seconds, &tm))
		return json_null();
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	buffer_format(&b, "%s.%06" PRIu64 "Z", text, start_ns % 1000000000u / 1000u);
	json = json_string(b.data);
	buffer_release(&b);
	return json;
}

static json_t *make_command(const struct model_process *process)
{
	json_t *json = json_array();

	for (size_t i = 0; i < process->arguments; i++)
		json_array_append_new(json, json_text(process->argument[i]));
	return json;
}

static json_t *make_packages(const struct model *model)
{
	json_t *json = json_array();

	for (uint32_t i = 0; i < TRACE_PACKAGES; i++) {
		const struct model_package *package = model_package(model, i);
		json_t *item;

		if (!package->is_defined && !package->has_called)
			continue;
		item = json_object();
		json_object_set_new(item, "index", json_number(i));
		json_object_set_new(item, "id",
				    package->has_id ? json_number(package->id) : json_null());
		json_object_set_new(item, "name", json_text(package->name));
		json_object_set_new(item, "module",
				    json_text(package->module ? package->module->name : NULL));
		json_object_set_new(item, "unloaded", json_boolean(package->is_unloaded));
		json_object_set_new(
			item, "allocator",
			json_text(allocators_are_embedded(model, i) ? "embedded" : "host"));
		json_array_append_new(json, item);
	}
	return json;
}

/* The live sections that a client can map, by opening `path`. */
static json_t *make_sections(const struct model *model)
{
	json_t *json = json_array();

	for (size_t i = 0; i < model_entries(model); i++) {
		const struct model_entry *entry = model_entry(model, i);
		struct buffer path = { 0 };
		json_t *item;

		if (!entry->has_descriptor)
			continue;
		buffer_format(&path, "/proc/%" PRId32 "/fd/%" PRIu32, model_process(model)->pid,
			      entry->descriptor);
		item = json_object();
		json_object_set_new(item, "handle", json_address(entry->address));
		json_object_set_new(item, "max_size", json_number(entry->size));
		json_object_set_new(item, "initial_size", json_number(entry->initial_size));
		json_object_set_new(item, "package", json_number(entry->package));
		json_object_set_new(item, "path", json_text(path.data));
		json_array_append_new(json, item);
		buffer_release(&path);
	}
	return json;
}

static json_t *make_calls(const struct model *model)
{
	json_t *json = json_object();

	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++) {
		uint64_t count = model_calls(model, i);

		if (count)
			json_object_set_new(json, model_function(model, i)->name,
					    json_number(count));
	}
	return json;
}

static json_t *make_transfers(const struct model *model)
{
	json_t *json = json_object();

	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++) {
		uint64_t blocks = 0, bytes = 0;

		for (uint32_t j = 0; j < TRACE_PACKAGES; j++) {
			sum_add(&blocks, model_transfers(model, j, i)->blocks);
			sum_add(&bytes, model_transfers(model, j, i)->bytes);
		}
		if (blocks)
			json_object_set_new(json, model_function(model, i)->name,
					    json_pack("{s:o, s:o}", "blocks", json_number(blocks),
						      "bytes", json_number(bytes)));
	}
	return json;
}

static json_t *make_events(const struct model_events *e)
{
	json_t *json = json_object();

	json_object_set_new(json, "recorded", json_number(e->recorded));
	json_object_set_new(json, "retained", json_number(e->retained));
	json_object_set_new(json, "overwritten", json_number(e->overwritten));
	json_object_set_new(json, "lost", json_number(e->lost));
	json_object_set_new(json, "torn", json_number(e->torn));
	return json;
}

static json_t *make_in_flight(struct model *model, struct json_frames *frames)
{
	json_t *json = json_array();

	for (size_t i = 0; i < model_in_flight(model); i++) {
		const struct model_call *call = model_call(model, i);
		json_t *item = json_object();

		json_object_set_new(item, "function",
				    json_text(model_function(model, call->function)->name));
		json_object_set_new(item, "thread", json_integer(call->tid));
		json_object_set_new(item, "stack",
				    json_frames_stack(frames, model_stack(model, call->stack)));
		json_array_append_new(json, item);
	}
	return json;
}

static json_t *make_trace(struct model *model, const struct model_events *e,
			  struct json_frames *frames)
{
	const struct model_process *process = model_process(model);
	json_t *json = json_object();

	json_object_set_new(json, "path", json_text(model_path(model)));
	json_object_set_new(json, "pid", json_integer(process->pid));
	json_object_set_new(json, "ppid", json_integer(process->ppid));
	json_object_set_new(json, "exe", json_text(process->exe));
	json_object_set_new(json, "command", make_command(process));
	json_object_set_new(json, "start_time", make_start_time(process->start_ns));
	json_object_set_new(json, "end", json_text(process->end_text));
	json_object_set_new(json, "exit_status",
			    process->has_exit_status ? json_integer(process->exit_status)
						     : json_null());
	json_object_set_new(json, "packages", make_packages(model));
	json_object_set_new(json, "calls", make_calls(model));
	json_object_set_new(json, "transfers", make_transfers(model));
	json_object_set_new(json, "events", make_events(e));
	json_object_set_new(json, "in_flight", make_in_flight(model, frames));
	json_object_set_new(json, "sections", make_sections(model));
	return json;
}

static json_t *make_section(const struct finding_section *s)
{
	json_t *json;

	if (!s->known)
		return json_null();
	json = json_object();
	json_object_set_new(json, "handle", json_address(s->handle));
	json_object_set_new(json, "max_size",
			    s->sizes_known ? json_number(s->max_size) : json_null());
	json_object_set_new(json, "initial_size",
			    s->sizes_known ? json_number(s->initial_size) : json_null());
	return json;
}

static json_t *make_stacks(const struct finding *f, struct json_frames *frames)
{
	static const char *const names[TRACE_FINDING_STACKS] = {
		[TRACE_STACK_CALL] = "call",     [TRACE_STACK_ALLOCATE] = "allocate",
		[TRACE_STACK_FREE] = "free",     [TRACE_STACK_CREATE] = "create",
		[TRACE_STACK_DELETE] = "delete", [TRACE_STACK_OWNER_CREATE] = "owner_create",
	};
	json_t *json = json_object();

	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++)
		if (f->stack[i])
			json_object_set_new(json, names[i], json_frames_stack(frames, f->stack[i]));
	return json;
}

static json_t *make_neighbour(const struct finding_neighbour *n, struct json_frames *frames)
{
	json_t *json;

	if (!n->known)
		return json_null();
	json = json_object();
	json_object_set_new(json, "address", json_address(n->address));
	json_object_set_new(json, "size", json_number(n->size));
	json_object_set_new(json, "stack", json_frames_stack(frames, n->stack));
	return json;
}

static json_t *make_neighbours(const struct finding *f, struct json_frames *frames)
{
	json_t *json;

	if (!f->has_neighbours)
		return json_null();
	json = json_object();
	json_object_set_new(json, "before", make_neighbour(&f->before, frames));
	json_object_set_new(json, "after", make_neighbour(&f->after, frames));
	return json;
}

static json_t *make_finding(const struct finding *f, struct json_frames *frames)
{
	json_t *json = json_object();

	json_object_set_new(json, "kind", json_text(kinds_text(f->kind)));
	json_object_set_new(json, "level", json_text(kinds_level_text(f->level)));
	json_object_set_new(json, "reason",
			    json_text(f->reason ? kinds_reason_text(f->reason) : NULL));
	json_object_set_new(json, "family", json_text(f->family));
	json_object_set_new(json, "count", json_number(f->count));
	json_object_set_new(json, "bytes", json_number(f->bytes));
	json_object_set_new(json, "address",
			    f->has_address ? json_address(f->address) : json_null());
	json_object_set_new(json, "size", f->has_size ? json_number(f->size) : json_null());
	json_object_set_new(json, "package", json_number(f->package));
	json_object_set_new(json, "fingerprint", json_text(f->fingerprint));
	json_object_set_new(json, "message", json_text(f->message));
	json_object_set_new(json, "section", make_section(&f->section));
	json_object_set_new(json, "owner", make_section(&f->owner));
	json_object_set_new(json, "stacks", make_stacks(f, frames));
	json_object_set_new(json, "neighbours", make_neighbours(f, frames));
	return json;
}

static json_t *make_summary(const struct findings *f)
{
	json_t *json = json_object(), *lost = json_object();

	json_object_set_new(json, "errors", json_number(f->errors));
	json_object_set_new(json, "warnings", json_number(f->warnings));
	json_object_set_new(json, "notes", json_number(f->notes));
	json_object_set_new(json, "leaked_blocks", json_number(f->leaked_blocks));
	json_object_set_new(json, "leaked_bytes", json_number(f->leaked_bytes));
	json_object_set_new(json, "leaked_sections", json_number(f->leaked_sections));
	json_object_set_new(json, "suppressed", json_integer(0));
	json_object_set_new(json, "exact", json_boolean(f->is_exact));
	for (unsigned i = 0; i < TRACE_LOST_COUNT; i++)
		json_object_set_new(lost, losses_name((enum trace_lost)i), json_number(f->lost[i]));
	json_object_set_new(json, "lost", lost);
	return json;
}

void report_write_json(const struct report *report, struct buffer *out)
{
	struct json_frames *frames = json_frames_new(report->symbols);
	json_t *json = json_object(), *traces = json_array(), *list = json_array();

	for (size_t i = 0; i < report->count; i++)
		json_array_append_new(traces,
				      make_trace(report->models[i], &report->events[i], frames));
	for (size_t i = 0; i < report->findings->count; i++)
		json_array_append_new(list, make_finding(&report->findings->all[i], frames));
	json_object_set_new(json, "schema", json_integer(1));
	json_object_set_new(json, "traces", traces);
	json_object_set_new(json, "findings", list);
	json_object_set_new(json, "summary", make_summary(report->findings));
	json_write(out, json, JSON_INDENT(2));
	json_decref(json);
	json_frames_free(frames);
}
