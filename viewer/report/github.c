/* SPDX-License-Identifier: MIT */
/*
 * The format `github`: commands of GitHub Actions that annotate lines of source. GitHub shows the first
 * ten of each level and drops the rest, so the summary comes first, and the worst findings next.
 */
#include <inttypes.h>
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/findings/findings.h"
#include "viewer/findings/message.h"
#include "viewer/report/location.h"
#include "viewer/report/report.h"
#include "viewer/report/text.h"
#include "viewer/sites/results.h"

/* In a property, the second part of `special` is escaped as well. */
static void write_escaped(struct buffer *out, const char *text, const char *special)
{
	for (; *text; text++)
		if (strchr(special, *text))
			buffer_format(out, "%%%02X", (unsigned char)*text);
		else
			buffer_bytes(out, text, 1);
}

#define IN_MESSAGE "%\r\n"
#define IN_PROPERTY "%\r\n:,"

static void write_finding(const struct report *report, struct buffer *out, const struct finding *f)
{
	static const char *const commands[] = {
		[TRACE_LEVEL_NOTE] = "notice",
		[TRACE_LEVEL_WARNING] = "warning",
		[TRACE_LEVEL_ERROR] = "error",
	};
	struct location l =
		location_find(report->sources, report->symbols, f, finding_main_stack(f));
	struct buffer text = { 0 };

	buffer_format(out, "::%s ", commands[f->level]);
	if (l.source && !l.is_module) {
		buffer_text(out, "file=");
		write_escaped(out, l.source->path, IN_PROPERTY);
		if (l.line)
			buffer_format(out, ",line=%" PRIu32, l.line);
		buffer_text(out, ",");
	}
	buffer_text(out, "title=");
	message_write_kind(out, f);
	buffer_text(out, "::");
	text_write_finding(report, f, &text);
	while (text.used && text.data[text.used - 1] == '\n')
		text.data[--text.used] = '\0';
	write_escaped(out, text.data, IN_MESSAGE);
	buffer_text(out, "\n");
	buffer_release(&text);
	location_release(&l);
}

void report_write_github(const struct report *report, struct buffer *out)
{
	const struct result *run;
	struct buffer text = { 0 };

	text_write_summary(&text, report->findings);
	text_write_losses(&text, report->findings, "\n", "");
	buffer_format(out,
		      "::%s title=lsatrace::", report->findings->is_exact ? "notice" : "warning");
	write_escaped(out, text.data, IN_MESSAGE);
	buffer_text(out, "\n");
	for (size_t i = 0; i < report->findings->count; i++) {
		const struct finding *f = findings_get(report->findings, i);

		if (finding_counts(f))
			write_finding(report, out, f);
	}
	for (size_t i = 0; (run = results_next_broken(report->sweep, &i)) != NULL;) {
		if (run->is_known)
			continue;
		text.used = 0;
		result_write_sentence(report->sweep, run, &text);
		buffer_text(out, "::error title=sweep::");
		write_escaped(out, text.data, IN_MESSAGE);
		buffer_text(out, "\n");
	}
	buffer_release(&text);
}
