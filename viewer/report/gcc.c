/* SPDX-License-Identifier: MIT */
/*
 * The format `gcc`: a line for each finding, and for each of its other backtraces, as compilers write
 * them. Editors read it. Without a source line, the line begins with "lsatrace:".
 */
#include <inttypes.h>

#include "include/kinds.h"
#include "viewer/base/buffer.h"
#include "viewer/findings/findings.h"
#include "viewer/findings/message.h"
#include "viewer/report/location.h"
#include "viewer/report/report.h"
#include "viewer/report/text.h"
#include "viewer/sites/results.h"

static void write_place(struct buffer *out, const struct location *l)
{
	if (!l->source || l->is_module || !l->line) {
		buffer_text(out, "lsatrace: ");
		return;
	}
	buffer_plain(out, l->source->path);
	buffer_format(out, ":%" PRIu32 ": ", l->line);
}

static void write_stack(const struct report *report, struct buffer *out, const struct finding *f,
			enum trace_finding_stacks which)
{
	struct location l = location_find(report->sources, report->symbols, f, which);

	if (l.source && !l.is_module && l.line) {
		write_place(out, &l);
		buffer_format(out, "note: %s\n", text_stack_words(which));
	}
	location_release(&l);
}

static void write_finding(const struct report *report, struct buffer *out, const struct finding *f)
{
	unsigned first = finding_main_stack(f);
	struct location l = location_find(report->sources, report->symbols, f, first);

	write_place(out, &l);
	location_release(&l);
	buffer_format(out, "%s: ", kinds_level_text(f->level));
	text_write_sentence(out, f);
	buffer_text(out, " [");
	message_write_kind(out, f);
	buffer_text(out, "]\n");
	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++)
		if (i != first && f->stack[i])
			write_stack(report, out, f, (enum trace_finding_stacks)i);
}

void report_write_gcc(const struct report *report, struct buffer *out)
{
	const struct result *run;

	for (size_t i = 0; i < report->findings->count; i++) {
		const struct finding *f = findings_get(report->findings, i);

		if (finding_counts(f))
			write_finding(report, out, f);
	}
	for (size_t i = 0; (run = results_next_broken(report->sweep, &i)) != NULL;) {
		if (run->is_known)
			continue;
		buffer_text(out, "lsatrace: error: ");
		result_write_sentence(report->sweep, run, out);
		buffer_text(out, "\n");
	}
	text_write_losses(out, report->findings, "lsatrace: note: ", "\n");
	buffer_text(out, "lsatrace: note: ");
	text_write_summary(out, report->findings);
	buffer_text(out, "\n");
}
