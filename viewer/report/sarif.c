/* SPDX-License-Identifier: MIT */
/*
 * The format `sarif`: SARIF 2.1.0, as GitHub's code scanning and editors read it. A rule is a kind. The
 * message links to the places of the other backtraces; all backtraces are in `stacks`. Uploads of
 * one program replace each other, by automationDetails. A report without findings has no results, so
 * that old alerts are closed.
 */
#include <string.h>

#include "include/kinds.h"
#include "viewer/base/buffer.h"
#include "viewer/base/json.h"
#include "viewer/findings/findings.h"
#include "viewer/model/model.h"
#include "viewer/report/location.h"
#include "viewer/report/report.h"
#include "viewer/report/text.h"
#include "viewer/sites/results.h"
#include "viewer/symbols/source_path.h"
#include "viewer/symbols/symbols.h"

struct writer {
	const struct report *report;
	struct json json;
};

static void write_message(struct json *j, const char *key, const char *text)
{
	json_open_object(j, key);
	json_write_text(j, "text", text);
	json_close_object(j);
}

static bool is_security_kind(enum trace_kind kind)
{
	return kind == TRACE_KIND_DOUBLE_FREE || kind == TRACE_KIND_FREE_AFTER_DELETE ||
	       kind == TRACE_KIND_INVALID_FREE ||
	       (kind >= TRACE_KIND_OVERFLOW && kind <= TRACE_KIND_USE_AFTER_DELETE);
}

#define SWEEP_RULE "sweep"

/* The last one, behind those of the kinds; of a sweep only. */
static void write_sweep_rule(struct json *j)
{
	json_open_object(j, NULL);
	json_write_text(j, "id", SWEEP_RULE);
	write_message(j, "shortDescription",
		      "A security package does not survive that one of its calls fails.");
	write_message(
		j, "fullDescription",
		"lsatrace sweep let a call of the LSA fail, and then the command crashed, hung "
		"or ended as the bundled host ends after a fault of its package.");
	write_message(j, "help", "See sweep under COMMANDS in the manual page lsatrace(1).");
	json_open_object(j, "defaultConfiguration");
	json_write_text(j, "level", kinds_level_text(TRACE_LEVEL_ERROR));
	json_close_object(j);
	json_close_object(j);
}

static void write_rule(struct json *j, enum trace_kind kind)
{
	struct buffer text = { 0 };

	buffer_format(&text, "lsatrace found the defect \"%s\" in a security package.",
		      kinds_text(kind));
	json_open_object(j, NULL);
	json_write_text(j, "id", kinds_text(kind));
	write_message(j, "shortDescription", text.data);
	write_message(j, "fullDescription", text.data);
	text.used = 0;
	buffer_format(&text, "See %s under FINDINGS in the manual page lsatrace(1).",
		      kinds_text(kind));
	write_message(j, "help", text.data);
	json_open_object(j, "defaultConfiguration");
	json_write_text(j, "level", kinds_level_text(kinds_level(kind)));
	json_close_object(j);
	json_open_object(j, "properties");
	json_open_array(j, "tags");
	json_write_text(j, NULL, "memory");
	if (is_security_kind(kind))
		json_write_text(j, NULL, "security");
	json_close_array(j);
	if (is_security_kind(kind))
		json_write_text(j, "security-severity", "7.5");
	json_close_object(j);
	json_close_object(j);
	buffer_release(&text);
}

static void write_place(struct json *j, const struct source *source, uint32_t line)
{
	struct buffer uri = { 0 };

	location_write_uri(&uri, source);
	json_open_object(j, "physicalLocation");
	json_open_object(j, "artifactLocation");
	json_write_text(j, "uri", uri.data);
	if (source->is_relative)
		json_write_text(j, "uriBaseId", "SRCROOT");
	json_close_object(j);
	json_open_object(j, "region");
	json_write_number(j, "startLine", line ? line : 1);
	json_close_object(j);
	json_close_object(j);
	buffer_release(&uri);
}

static void write_locations(struct writer *w, const struct finding *f)
{
	struct location l =
		location_find(w->report->sources, w->report->symbols, f, finding_main_stack(f));

	json_open_array(&w->json, "locations");
	if (l.source) {
		json_open_object(&w->json, NULL);
		write_place(&w->json, l.source, l.is_module ? 0 : l.line);
		if (l.function) {
			json_open_array(&w->json, "logicalLocations");
			json_open_object(&w->json, NULL);
			json_write_text(&w->json, "fullyQualifiedName", l.function);
			json_write_text(&w->json, "kind", "function");
			json_close_object(&w->json);
			json_close_array(&w->json);
		}
		json_close_object(&w->json);
	}
	json_close_array(&w->json);
	location_release(&l);
}

static void write_related(struct writer *w, const struct finding *f)
{
	struct json *j = &w->json;

	json_open_array(j, "relatedLocations");
	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++) {
		struct location l = { 0 };

		if (f->stack[i])
			l = location_find(w->report->sources, w->report->symbols, f, i);
		if (l.source) {
			json_open_object(j, NULL);
			json_write_number(j, "id", i);
			write_place(j, l.source, l.is_module ? 0 : l.line);
			write_message(j, "message", text_stack_words((enum trace_finding_stacks)i));
			json_close_object(j);
		}
		location_release(&l);
	}
	json_close_array(j);
}

/* In a message, brackets are a link. */
static void add_escaped(struct buffer *text, const char *line)
{
	for (; *line; line++) {
		if (strchr("[]\\", *line))
			buffer_text(text, "\\");
		buffer_bytes(text, line, 1);
	}
	buffer_text(text, ".");
}

/* The headline, then a link for each related location: "[allocated here](1)". */
static void write_text(struct writer *w, const struct finding *f)
{
	struct buffer line = { 0 }, text = { 0 };

	text_write_headline(&line, f);
	add_escaped(&text, line.data);
	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++) {
		struct location l = { 0 };

		if (f->stack[i])
			l = location_find(w->report->sources, w->report->symbols, f, i);
		if (l.source)
			buffer_format(&text, " [%s](%u)",
				      text_stack_words((enum trace_finding_stacks)i), i);
		location_release(&l);
	}
	write_message(&w->json, "message", text.data);
	buffer_release(&line);
	buffer_release(&text);
}

static void write_frame(struct writer *w, const struct model_frame *frame,
			const struct symbol *symbol)
{
	const char *path = symbol->file ? symbol->file : frame->module ? frame->module->name : NULL;
	const struct source *source = path ? sources_find(w->report->sources, path) : NULL;
	struct json *j = &w->json;

	json_open_object(j, NULL);
	json_open_object(j, "location");
	if (source)
		write_place(j, source, symbol->file ? symbol->line : 0);
	if (symbol->function)
		write_message(j, "message", symbol->function);
	json_close_object(j);
	if (frame->module)
		json_write_text(j, "module", frame->module->name);
	json_close_object(j);
}

static void write_stack(struct writer *w, const char *words, const struct model_stack *stack)
{
	struct json *j = &w->json;

	json_open_object(j, NULL);
	write_message(j, "message", words);
	json_open_array(j, "frames");
	for (uint32_t k = 0; k < stack->frames; k++) {
		const struct model_frame *frame = &stack->frame[k];
		const struct symbol *symbol =
			symbols_find(w->report->symbols, frame->module, frame->offset);

		for (; symbol; symbol = symbol->outer)
			write_frame(w, frame, symbol);
	}
	json_close_array(j);
	json_close_object(j);
}

/* The finding's own, and those of the calls on whose error paths it lies. */
static void write_stacks(struct writer *w, const struct finding *f)
{
	json_open_array(&w->json, "stacks");
	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++)
		if (f->stack[i])
			write_stack(w, text_stack_words((enum trace_finding_stacks)i), f->stack[i]);
	for (size_t i = 0; i < f->faileds; i++) {
		const struct finding_failed *failed = &f->failed[i];
		struct model_stack room;
		const struct model_stack *stack = model_stack(failed->model, failed->stack, &room);
		struct buffer words = { 0 };

		buffer_plain(&words, model_function(failed->model, failed->function)->name);
		buffer_text(&words, " was made to fail here");
		if (stack)
			write_stack(w, words.data, stack);
		buffer_release(&words);
	}
	json_close_array(&w->json);
}

static void write_state(struct json *j, const struct finding *f)
{
	static const char *const states[] = {
		[FINDING_NEW] = "new", [FINDING_GROWN] = "updated", [FINDING_KNOWN] = "unchanged"
	};

	if (f->baseline)
		json_write_text(j, "baselineState", states[f->baseline]);
	json_open_array(j, "suppressions");
	if (f->suppressed_by) {
		json_open_object(j, NULL);
		json_write_text(j, "kind", "external");
		json_write_text(j, "justification", f->suppressed_by);
		json_close_object(j);
	}
	json_close_array(j);
}

static void write_result(struct writer *w, const struct finding *f)
{
	struct json *j = &w->json;

	json_open_object(j, NULL);
	json_write_text(j, "ruleId", kinds_text(f->kind));
	json_write_number(j, "ruleIndex", (uint64_t)f->kind - 1);
	json_write_text(j, "level", kinds_level_text(f->level));
	write_text(w, f);
	write_locations(w, f);
	write_related(w, f);
	write_stacks(w, f);
	json_open_object(j, "partialFingerprints");
	json_write_text(j, "lsatraceFingerprint/v1", f->fingerprint);
	json_write_text(j, "lsatraceWeakFingerprint/v1", f->fingerprint_weak);
	/* The only one that GitHub uses. */
	json_write_text(j, "primaryLocationLineHash", f->fingerprint);
	json_close_object(j);
	json_write_number(j, "occurrenceCount", f->count ? f->count : 1);
	write_state(j, f);
	json_open_object(j, "properties");
	json_write_text(j, "reason", f->reason ? kinds_reason_text(f->reason) : NULL);
	json_write_text(j, "family", f->family);
	json_write_number(j, "bytes", f->bytes);
	json_close_object(j);
	json_close_object(j);
}

/* Its place is the program: where the call fails is in the message. */
static void write_run(struct writer *w, const struct result *run)
{
	const char *exe = model_process(w->report->models[0])->exe;
	/* That of a program of Wine may be relative. */
	const struct source program = { exe, exe && *exe != '/' && !source_path_has_drive(exe) };
	struct json *j = &w->json;
	struct buffer line = { 0 }, text = { 0 };

	result_write_sentence(w->report->sweep, run, &line);
	add_escaped(&text, line.data);
	json_open_object(j, NULL);
	json_write_text(j, "ruleId", SWEEP_RULE);
	json_write_number(j, "ruleIndex", TRACE_KIND_COUNT - 1);
	json_write_text(j, "level", kinds_level_text(TRACE_LEVEL_ERROR));
	write_message(j, "message", text.data);
	json_open_array(j, "locations");
	if (program.path) {
		json_open_object(j, NULL);
		write_place(j, &program, 0);
		json_close_object(j);
	}
	json_close_array(j);
	json_open_object(j, "partialFingerprints");
	json_write_text(j, "lsatraceSweep/v1", run->fingerprint);
	json_write_text(j, "primaryLocationLineHash", run->fingerprint);
	json_close_object(j);
	json_write_text(j, "baselineState", run->is_known ? "unchanged" : "new");
	json_close_object(j);
	buffer_release(&line);
	buffer_release(&text);
}

static void write_notification(struct json *j, const struct findings *f)
{
	struct buffer text = { 0 };

	text_write_summary(&text, f);
	text_write_losses(&text, f, "; ", "");
	json_open_array(j, "invocations");
	json_open_object(j, NULL);
	json_write_boolean(j, "executionSuccessful", true);
	json_open_array(j, "toolExecutionNotifications");
	json_open_object(j, NULL);
	json_write_text(j, "level", f->is_exact ? "note" : "warning");
	write_message(j, "message", text.data);
	json_close_object(j);
	json_close_array(j);
	json_close_object(j);
	json_close_array(j);
	buffer_release(&text);
}

static void write_bases(struct writer *w)
{
	struct source root = { sources_root(w->report->sources), false };
	struct buffer uri = { 0 };

	location_write_uri(&uri, &root);
	if (uri.data[uri.used - 1] != '/')
		buffer_text(&uri, "/");
	json_open_object(&w->json, "originalUriBaseIds");
	json_open_object(&w->json, "SRCROOT");
	json_write_text(&w->json, "uri", uri.data);
	json_close_object(&w->json);
	json_close_object(&w->json);
	buffer_release(&uri);
}

static void write_details(struct writer *w)
{
	const char *exe = model_process(w->report->models[0])->exe;
	struct buffer id = { 0 };

	exe = exe && strrchr(exe, '/') ? strrchr(exe, '/') + 1 : exe;
	buffer_text(&id, "lsatrace/");
	buffer_plain(&id, exe ? exe : "");
	buffer_text(&id, "/");
	json_open_object(&w->json, "automationDetails");
	json_write_text(&w->json, "id", id.data);
	json_close_object(&w->json);
	buffer_release(&id);
}

void report_write_sarif(const struct report *report, struct buffer *out)
{
	struct writer w = { .report = report, .json = { .out = out } };
	struct json *j = &w.json;
	const struct result *run;

	json_open_object(j, NULL);
	json_write_text(j, "$schema",
			"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
			"sarif-schema-2.1.0.json");
	json_write_text(j, "version", "2.1.0");
	json_open_array(j, "runs");
	json_open_object(j, NULL);
	json_open_object(j, "tool");
	json_open_object(j, "driver");
	json_write_text(j, "name", "lsatrace");
	json_write_text(j, "semanticVersion", LSATRACE_VERSION);
	json_open_array(j, "rules");
	for (unsigned i = 1; i < TRACE_KIND_COUNT; i++)
		write_rule(j, (enum trace_kind)i);
	if (report->sweep)
		write_sweep_rule(j);
	json_close_array(j);
	json_close_object(j);
	json_close_object(j);
	write_details(&w);
	write_bases(&w);
	json_write_text(j, "columnKind", "utf16CodeUnits");
	write_notification(j, report->findings);
	json_open_array(j, "results");
	for (size_t i = 0; i < report->findings->count; i++)
		write_result(&w, findings_get(report->findings, i));
	for (size_t i = 0; (run = results_next_broken(report->sweep, &i)) != NULL;)
		write_run(&w, run);
	json_close_array(j);
	json_close_object(j);
	json_close_array(j);
	json_close_object(j);
}
