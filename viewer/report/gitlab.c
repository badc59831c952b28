/* SPDX-License-Identifier: MIT */
/*
 * The format `gitlab`: GitLab's code quality report, an array of issues. GitLab compares fingerprints
 * itself, so what a baseline knows is in it, and what is suppressed is not. Each issue must have a file
 * and a line: without a source file, it is line 1 of the module.
 *
 * GitLab stops at the first issue that is not as it must be.
 */
#include "viewer/base/buffer.h"
#include "viewer/base/json.h"
#include "viewer/findings/findings.h"
#include "viewer/findings/message.h"
#include "viewer/model/model.h"
#include "viewer/report/location.h"
#include "viewer/report/report.h"
#include "viewer/report/text.h"
#include "viewer/sites/results.h"

struct issue {
	const char *check, *fingerprint, *severity, *path;
	uint32_t line;
};

static void write_issue(struct json *j, const struct issue *issue, const char *description)
{
	json_open_object(j, NULL);
	json_write_text(j, "type", "issue");
	json_write_text(j, "check_name", issue->check);
	json_write_text(j, "description", description);
	json_write_text(j, "fingerprint", issue->fingerprint);
	json_write_text(j, "severity", issue->severity);
	json_open_object(j, "location");
	json_write_text(j, "path", issue->path && *issue->path ? issue->path : "unknown");
	json_open_object(j, "lines");
	json_write_number(j, "begin", issue->line ? issue->line : 1);
	json_close_object(j);
	json_close_object(j);
	json_close_object(j);
}

static void write_finding(const struct report *report, struct json *j, const struct finding *f)
{
	static const char *const severities[] = {
		[TRACE_LEVEL_NOTE] = "info",
		[TRACE_LEVEL_WARNING] = "minor",
		[TRACE_LEVEL_ERROR] = "critical",
	};
	struct location l =
		location_find(report->sources, report->symbols, f, finding_main_stack(f));
	struct buffer check = { 0 }, description = { 0 };
	struct issue issue = { .fingerprint = f->fingerprint,
			       .severity = severities[f->level],
			       .path = l.source ? l.source->path : NULL,
			       .line = l.is_module ? 0 : l.line };

	message_write_kind(&check, f);
	issue.check = check.data;
	text_write_headline(&description, f);
	write_issue(j, &issue, description.data);
	buffer_release(&check);
	buffer_release(&description);
	location_release(&l);
}

/* Of a sweep. */
static void write_run(const struct report *report, struct json *j, const struct result *run)
{
	struct buffer sentence = { 0 };
	struct issue issue = { .check = "sweep",
			       .fingerprint = run->fingerprint,
			       .severity = "critical",
			       .path = model_process(report->models[0])->exe };

	result_write_sentence(report->sweep, run, &sentence);
	write_issue(j, &issue, sentence.data);
	buffer_release(&sentence);
}

/* The only place for it is an issue of its own. Its fingerprint is always the same. */
static void write_summary(const struct report *report, struct json *j)
{
	struct buffer text = { 0 };
	struct issue issue = { .check = "lsatrace",
			       .fingerprint = "lsatrace-summary",
			       .severity = "info",
			       .path = model_process(report->models[0])->exe };

	text_write_summary(&text, report->findings);
	text_write_losses(&text, report->findings, "; ", "");
	write_issue(j, &issue, text.data);
	buffer_release(&text);
}

void report_write_gitlab(const struct report *report, struct buffer *out)
{
	struct json j = { .out = out };
	const struct result *run;

	json_open_array(&j, NULL);
	for (size_t i = 0; i < report->findings->count; i++) {
		const struct finding *f = findings_get(report->findings, i);

		if (!f->suppressed_by)
			write_finding(report, &j, f);
	}
	for (size_t i = 0; (run = results_next_broken(report->sweep, &i)) != NULL;)
		write_run(report, &j, run);
	if (report->findings->suppressed || !report->findings->is_exact)
		write_summary(report, &j);
	json_close_array(&j);
}
