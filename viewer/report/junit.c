/* SPDX-License-Identifier: MIT */
/*
 * The format `junit`: XML that GitLab, Jenkins and actions for GitHub read. Each finding is a test case,
 * and so is each kind of which there is no finding. Suppressed findings, and those that the baseline
 * knows, are skipped; those below the level of failure pass.
 *
 * No name has an address or a line: a test case keeps its name from run to run.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "include/kinds.h"
#include "viewer/base/buffer.h"
#include "viewer/findings/findings.h"
#include "viewer/findings/message.h"
#include "viewer/model/model.h"
#include "viewer/report/location.h"
#include "viewer/report/report.h"
#include "viewer/report/text.h"
#include "viewer/sites/results.h"

/* What becomes of a finding. */
enum outcome { PASSED, FAILED, SKIPPED };

static enum outcome find_outcome(const struct report *report, const struct finding *f)
{
	if (!finding_counts(f))
		return SKIPPED;
	return f->level == TRACE_LEVEL_ERROR ||
			       (f->level == TRACE_LEVEL_WARNING && report->fails_on_warning)
		       ? FAILED
		       : PASSED;
}

/* Appends valid UTF-8. XML has no way to write other control characters, nor U+FFFE and U+FFFF. */
static void write_escaped(struct buffer *out, const char *text)
{
	for (const char *at = text; *at; at++) {
		unsigned char c = (unsigned char)*at;

		if (strncmp(at, "\xef\xbf\xbe", 3) == 0 || strncmp(at, "\xef\xbf\xbf", 3) == 0) {
			buffer_text(out, "?");
			at += 2;
		} else if (c == '&' || c == '<' || c == '>' || c == '"') {
			buffer_format(out, "&#%u;", c);
		} else {
			buffer_bytes(out,
				     (c < ' ' && c != '\n' && c != '\t') || c == 0x7f ? "?" : at, 1);
		}
	}
}

static void write_attribute(struct buffer *out, const char *name, const char *text)
{
	buffer_format(out, " %s=\"", name);
	write_escaped(out, text);
	buffer_text(out, "\"");
}

/* Writes an element around what `text` has, and empties it. */
static void write_element(struct buffer *out, const char *name, struct buffer *text)
{
	buffer_format(out, "      <%s>", name);
	write_escaped(out, text->data ? text->data : "");
	buffer_format(out, "</%s>\n", name);
	text->used = 0;
}

/* "block-leak make_ticket 0123456789abcdef" */
static void write_name(struct buffer *out, const struct finding *f, const struct location *l)
{
	struct buffer name = { 0 };

	message_write_kind(&name, f);
	buffer_text(&name, " ");
	buffer_text(&name, l->function ? l->function : "");
	buffer_text(&name, l->function ? " " : "");
	buffer_text(&name, f->fingerprint);
	write_attribute(out, "name", name.data);
	buffer_release(&name);
}

static void write_class(struct buffer *out, const struct finding *f)
{
	const struct model_package *package = model_package(f->model, f->package);
	struct buffer name = { 0 };

	if (package->module)
		buffer_plain(&name, package->module->base);
	else
		model_write_package(f->model, f->package, &name);
	/* Readers take what is before a dot for a folder. */
	for (size_t i = 0; i < name.used; i++)
		if (name.data[i] == '.')
			name.data[i] = '_';
	write_attribute(out, "classname", name.data);
	buffer_release(&name);
}

static void write_outcome(const struct report *report, struct buffer *out, const struct finding *f)
{
	struct buffer text = { 0 };

	text_write_headline(&text, f);
	switch (find_outcome(report, f)) {
	case SKIPPED:
		if (f->suppressed_by) {
			text.used = 0;
			buffer_text(&text, "suppressed by ");
			buffer_plain(&text, f->suppressed_by);
		}
		buffer_text(out, "      <skipped");
		write_attribute(out, "message", text.data);
		buffer_text(out, "/>\n");
		break;
	case FAILED:
		buffer_text(out, "      <failure");
		write_attribute(out, "message", text.data);
		text.used = 0;
		message_write_kind(&text, f);
		write_attribute(out, "type", text.data);
		buffer_text(out, ">");
		text.used = 0;
		text_write_finding(report, f, &text);
		write_escaped(out, text.data);
		buffer_text(out, "</failure>\n");
		break;
	case PASSED:
		text.used = 0;
		text_write_finding(report, f, &text);
		write_element(out, "system-out", &text);
	}
	buffer_release(&text);
}

static void write_finding(const struct report *report, struct buffer *out, const struct finding *f)
{
	struct location l =
		location_find(report->sources, report->symbols, f, finding_main_stack(f));

	buffer_text(out, "    <testcase");
	write_name(out, f, &l);
	write_class(out, f);
	buffer_text(out, " time=\"0\"");
	if (l.source && !l.is_module) {
		write_attribute(out, "file", l.source->path);
		if (l.line)
			buffer_format(out, " line=\"%" PRIu32 "\"", l.line);
	}
	buffer_text(out, ">\n");
	write_outcome(report, out, f);
	buffer_text(out, "    </testcase>\n");
	location_release(&l);
}

/* One case says whether the result is complete. It is an error if not: nothing may look green by
 * accident. */
static void write_completeness(struct buffer *out, const struct findings *f)
{
	struct buffer text = { 0 };

	buffer_text(out,
		    "    <testcase name=\"the result is exact\" classname=\"lsatrace\" time=\"0\"");
	if (f->is_exact) {
		buffer_text(out, "/>\n");
		return;
	}
	buffer_text(out, ">\n      <error");
	write_attribute(out, "message", "the result is a lower bound");
	buffer_text(out, " type=\"lower-bound\">");
	text_write_losses(&text, f, "", "\n");
	write_escaped(out, text.data ? text.data : "");
	buffer_text(out, "</error>\n    </testcase>\n");
	buffer_release(&text);
}

/* The start of the first trace, in UTC. */
static void write_timestamp(struct buffer *out, const struct model *model)
{
	time_t seconds = (time_t)(model_process(model)->start_ns / 1000000000u);
	struct tm tm;
	char text[64] = "1970-01-01T00:00:00";

	if (gmtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	buffer_format(out, " timestamp=\"%s\"", text);
}

struct totals {
	size_t outcome[SKIPPED + 1];
	size_t clean; /* kinds without a finding */
	bool has_kind[TRACE_KIND_COUNT];
};

/* Of a sweep: those that ended as none may. */
static void write_runs(struct buffer *out, const struct results *sweep)
{
	const struct result *run;
	struct buffer words = { 0 };

	for (size_t i = 0; (run = results_next_broken(sweep, &i)) != NULL;) {
		words.used = 0;
		result_write_sentence(sweep, run, &words);
		buffer_format(out,
			      "    <testcase name=\"sweep %s\" classname=\"lsatrace.sweep\" "
			      "time=\"0\">\n      <%s message=\"",
			      run->fingerprint,
			      run->is_known ? "skipped" : "failure type=\"sweep\"");
		write_escaped(out, words.data);
		buffer_text(out, "\"/>\n    </testcase>\n");
	}
	buffer_release(&words);
}

static struct totals count_totals(const struct report *report)
{
	struct totals totals = { 0 };

	for (size_t i = 0; i < report->findings->count; i++) {
		const struct finding *f = findings_look(report->findings, i);

		totals.outcome[find_outcome(report, f)]++;
		totals.has_kind[f->kind] = true;
	}
	for (unsigned i = 1; i < TRACE_KIND_COUNT; i++)
		totals.clean += !totals.has_kind[i];
	return totals;
}

void report_write_junit(const struct report *report, struct buffer *out)
{
	struct totals totals = count_totals(report);
	struct results_counts runs =
		report->sweep ? results_count(report->sweep) : (struct results_counts){ 0 };
	struct buffer summary = { 0 };

	buffer_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
	buffer_format(
		out,
		"  <testsuite name=\"lsatrace\" tests=\"%zu\" failures=\"%zu\" errors=\"%d\" "
		"skipped=\"%zu\" time=\"0\" hostname=\"localhost\" package=\"lsatrace\" id=\"0\"",
		report->findings->count + totals.clean + runs.broken + runs.known + 1,
		totals.outcome[FAILED] + runs.broken, !report->findings->is_exact,
		totals.outcome[SKIPPED] + runs.known);
	write_timestamp(out, report->models[0]);
	buffer_text(out, ">\n    <properties/>\n");
	for (size_t i = 0; i < report->findings->count; i++)
		write_finding(report, out, findings_get(report->findings, i));
	for (unsigned i = 1; i < TRACE_KIND_COUNT; i++)
		if (!totals.has_kind[i])
			buffer_format(out,
				      "    <testcase name=\"%s\" classname=\"lsatrace\" "
				      "time=\"0\"/>\n",
				      kinds_text((enum trace_kind)i));
	write_runs(out, report->sweep);
	write_completeness(out, report->findings);
	text_write_summary(&summary, report->findings);
	write_element(out, "system-out", &summary);
	buffer_text(out, "      <system-err/>\n  </testsuite>\n</testsuites>\n");
	buffer_release(&summary);
}
