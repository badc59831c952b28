/* SPDX-License-Identifier: MIT */
/*
 * The format `ndjson`: a line for each finding, a JSON object with the same keys in the same order, for a
 * database of the findings of many hosts. Unknown is null. tests/recipes/fleet.sql is an example of a query.
 */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "include/kinds.h"
#include "viewer/base/buffer.h"
#include "viewer/base/json.h"
#include "viewer/export/export.h"
#include "viewer/findings/findings.h"
#include "viewer/findings/message.h"
#include "viewer/model/liveness.h"
#include "viewer/model/model.h"
#include "viewer/symbols/symbols.h"
#include "viewer/view/selection.h"

struct writer {
	struct json json;
	const struct export *e;
	struct buffer text;
};

static void write_build_id(struct writer *w, const char *key, const struct model_module *module)
{
	w->text.used = 0;
	if (module && module->build_id_bytes)
		buffer_hex_bytes(&w->text, module->build_id, module->build_id_bytes);
	json_write_text(&w->json, key, w->text.used ? w->text.data : NULL);
}

/* A trace does not have the name of its host. It is known if that is this one, since it was booted. */
static void write_host(struct writer *w, const struct model *model)
{
	const uint8_t *boot_id = reader_header(model_reader(model))->boot_id;
	char host[HOST_NAME_MAX + 1] = "";

	w->text.used = 0;
	if (liveness_is_here(boot_id) && gethostname(host, sizeof(host) - 1) == 0 && *host)
		buffer_plain(&w->text, host);
	json_write_text(&w->json, "host", w->text.used ? w->text.data : NULL);
	w->text.used = 0;
	for (unsigned i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			buffer_text(&w->text, "-");
		buffer_hex_bytes(&w->text, &boot_id[i], 1);
	}
	json_write_text(&w->json, "boot_id", w->text.data);
}

static const struct model_module *find_exe(const struct model *model)
{
	const char *exe = model_process(model)->exe;

	for (uint32_t i = 0; exe && i < model_modules(model); i++) {
		const char *name = model_module(model, i)->name;

		if (name && strcmp(name, exe) == 0)
			return model_module(model, i);
	}
	return NULL;
}

/* The newest time that the trace has. */
static uint64_t end_time(const struct writer *w, const struct finding *f)
{
	const struct trace_header *header = reader_header(model_reader(f->model));
	int64_t clock = model_time_ns(f->model, header->clock_last[header->clock_index & 1].ticks);
	int64_t last = w->e->events[f->trace].last_ns;

	return model_process(f->model)->start_ns + (uint64_t)(clock > last ? clock : last);
}

static void write_process(struct writer *w, const struct finding *f)
{
	const struct model_process *process = model_process(f->model);
	struct json *j = &w->json;

	write_host(w, f->model);
	json_write_text(j, "exe", process->exe);
	write_build_id(w, "build_id", find_exe(f->model));
	json_write_null(j, "version");
	json_write_integer(j, "pid", process->pid);
	json_write_time(j, "start_time", process->start_ns);
	json_write_time(j, "end_time", end_time(w, f));
}

/* The line that sentences name. */
static void write_place(struct writer *w, const struct findings *findings, const struct finding *f)
{
	const struct model_frame *frame;
	const struct symbol *symbol = selection_culprit(findings, f, &frame);

	json_write_text(&w->json, "function", symbol ? symbol->function : NULL);
	json_write_text(&w->json, "file", symbol ? symbol->file : NULL);
	json_write_number_if(&w->json, "line", symbol && symbol->line, symbol ? symbol->line : 0);
}

static void write_stack(struct writer *w, const struct model_stack *stack)
{
	json_open_array(&w->json, "stack");
	for (uint32_t i = 0; stack && i < stack->frames; i++) {
		const struct symbol *symbol =
			symbols_find(w->e->symbols, stack->frame[i].module, stack->frame[i].offset);

		for (; symbol; symbol = symbol->outer)
			json_write_text(&w->json, NULL, symbol->function);
	}
	json_close_array(&w->json);
	json_open_array(&w->json, "offsets");
	for (uint32_t i = 0; stack && i < stack->frames; i++) {
		const struct model_frame *frame = &stack->frame[i];

		w->text.used = 0;
		if (frame->module && frame->module->build_id_bytes)
			buffer_hex_bytes(&w->text, frame->module->build_id,
					 frame->module->build_id_bytes);
		else if (frame->module)
			buffer_plain(&w->text, frame->module->base);
		if (frame->module)
			buffer_text(&w->text, "+");
		buffer_hex(&w->text, frame->offset);
		json_write_text(&w->json, NULL, w->text.data);
	}
	json_close_array(&w->json);
}

static void write_finding(struct writer *w, const struct findings *findings, const struct finding *f)
{
	const struct model_package *package = model_package(f->model, f->package);
	struct json *j = &w->json;

	json_open_object(j, NULL);
	json_write_number(j, "schema", 1);
	write_process(w, f);
	json_write_text(j, "package", package->name);
	json_write_text(j, "module", package->module ? package->module->name : NULL);
	write_build_id(w, "module_build_id", package->module);
	json_write_text(j, "kind", kinds_text(f->kind));
	json_write_text(j, "reason", f->reason ? kinds_reason_text(f->reason) : NULL);
	json_write_text(j, "family", f->family);
	json_write_text(j, "level", kinds_level_text(f->level));
	json_write_text(j, "leak_class", message_leak_class(f));
	json_write_text(j, "reachability", message_reachability(f));
	json_write_text(j, "fingerprint", f->fingerprint);
	json_write_text(j, "weak_fingerprint", f->fingerprint_weak);
	json_write_number(j, "count", f->count);
	json_write_number(j, "bytes", f->bytes);
	json_write_boolean(j, "exact", findings->is_exact);
	write_place(w, findings, f);
	write_stack(w, f->stack[finding_main_stack(f)]);
	json_close_object(j);
}

bool export_write_ndjson(const struct export *e, struct buffer *out)
{
	struct writer w = { .json = { .out = out, .is_compact = true }, .e = e };
	struct findings *findings =
		findings_new(e->models, e->count, findings_name_by(e->symbols), NULL);

	for (size_t i = 0; i < findings->count; i++)
		write_finding(&w, findings, findings_get(findings, i));
	findings_free(findings);
	buffer_release(&w.text);
	return true;
}
