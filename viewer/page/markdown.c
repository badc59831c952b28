/* SPDX-License-Identifier: MIT */
/*
 * The format `markdown`: a page for the job summary of GitHub Actions, and for what else shows GitHub's
 * Markdown. The table of findings comes first, then their sums, the processes, and what was lost; then
 * each finding with its stacks, folded.
 *
 * GitHub drops a summary of more than 1 MiB as a whole. So the page is shorter than that, and says what it
 * leaves out.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "include/kinds.h"
#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"
#include "viewer/base/sum.h"
#include "viewer/findings/findings.h"
#include "viewer/gate/baseline.h"
#include "viewer/gate/suppressions.h"
#include "viewer/model/model.h"
#include "viewer/model/processes.h"
#include "viewer/page/html.h"
#include "viewer/report/location.h"
#include "viewer/report/report.h"
#include "viewer/report/text.h"
#include "viewer/sites/results.h"
#include "viewer/view/layout.h"

enum {
	PAGE_MOST = 1000 << 10,
	TABLE_MOST = 300 << 10,
	LINES_MOST = 50, /* of each list */
	DEPTH_MOST = 20, /* of the processes */
	COLUMNS_MOST = 100
};

struct writer {
	const struct report *report;
	struct buffer *out;
	size_t written;        /* bytes */
	struct buffer piece;   /* the next part of the page */
	uint64_t *occurrences; /* of the findings in the table, by trace */
};

static void end_piece(struct writer *w)
{
	buffer_bytes(w->out, w->piece.data, w->piece.used);
	w->written += w->piece.used;
	w->piece.used = 0;
}

/*
 * Appends a name as code. Whatever may have a meaning in Markdown is escaped, also '.' and ':', which
 * make links of words. '@' stands alone in an element, because no escape keeps it from making an address.
 */
static void write_code(struct buffer *b, const char *text)
{
	struct buffer plain = { 0 }, cut = { 0 };

	buffer_plain(&plain, text);
	layout_cut(&cut, plain.data ? plain.data : "", COLUMNS_MOST);
	buffer_text(b, "<code>");
	for (const char *at = cut.data ? cut.data : ""; *at; at++) {
		unsigned char c = (unsigned char)*at;

		if (c >= 0x80 || isalnum(c) || strchr(" -/,()+=", c))
			buffer_bytes(b, at, 1);
		else if (c == '@')
			buffer_text(b, "<span>@</span>");
		else if (strchr("&<>|\"'", c))
			buffer_format(b, "&#%u;", c);
		else
			buffer_format(b, "\\%c", c);
	}
	buffer_text(b, "</code>");
	buffer_release(&plain);
	buffer_release(&cut);
}

static void write_kind(struct buffer *b, const struct finding *f)
{
	buffer_text(b, kinds_text(f->kind));
	buffer_text(b, f->reason ? "/" : "");
	buffer_text(b, kinds_reason_text(f->reason));
}

/* "function at file.c:12" by `write_name`, as much as is known. */
static void write_place(struct writer *w, const struct finding *f,
			void (*write_name)(struct buffer *b, const char *text))
{
	struct location l =
		location_find(w->report->sources, w->report->symbols, f, finding_main_stack(f));
	struct buffer *b = &w->piece, place = { 0 };

	if (l.function)
		write_name(b, l.function);
	if (l.source) {
		buffer_text(&place, l.source->path);
		if (l.line)
			buffer_format(&place, ":%" PRIu32, l.line);
		buffer_text(b, l.function ? " at " : "");
		write_name(b, place.data);
	}
	if (!l.function && !l.source)
		buffer_text(b, "?");
	buffer_release(&place);
	location_release(&l);
}

static void write_row(struct writer *w, const struct finding *f)
{
	struct buffer *b = &w->piece, package = { 0 };

	buffer_format(b, "| %zu | %s | ", f->number, kinds_level_text(f->level));
	write_kind(b, f);
	if (f->baseline == FINDING_GROWN)
		buffer_format(b, ", %" PRIu64 " more", f->count - f->ceiling);
	buffer_text(b, f->baseline == FINDING_NEW ? ", new | " : " | ");
	buffer_grouped(b, f->count);
	buffer_text(b, " | ");
	if (f->bytes)
		buffer_size(b, f->bytes);
	buffer_text(b, " | ");
	write_place(w, f, write_code);
	buffer_text(b, " | ");
	model_write_package(f->model, f->package, &package);
	write_code(b, package.data);
	buffer_text(b, " |\n");
	buffer_release(&package);
}

static void count_occurrences(struct writer *w, const struct finding *f)
{
	for (size_t i = 0; i < f->shares; i++)
		sum_add(&w->occurrences[f->share[i].trace], f->share[i].count);
	if (!f->shares)
		sum_add(&w->occurrences[f->trace], f->count);
}

static void write_table(struct writer *w)
{
	struct findings *all = w->report->findings;
	size_t counted = 0, left_out = 0;

	for (size_t i = 0; i < all->count; i++)
		counted += finding_counts(findings_look(all, i));
	buffer_text(&w->piece, "### lsatrace: ");
	buffer_text(&w->piece, counted ? "" : "no finding");
	if (counted)
		buffer_count(&w->piece, counted, "finding");
	buffer_text(&w->piece, all->is_exact ? "\n\n" : ", a lower bound\n\n");
	if (counted)
		buffer_text(&w->piece, "| # | level | kind | count | bytes | where | package |\n"
				       "| --: | --- | --- | --: | --: | --- | --- |\n");
	end_piece(w);
	for (size_t i = 0; i < all->count; i++) {
		const struct finding *f = findings_get(all, i);

		if (!finding_counts(f))
			continue;
		count_occurrences(w, f);
		if (w->written < TABLE_MOST)
			write_row(w, f);
		else
			left_out++;
		end_piece(w);
	}
	if (left_out)
		buffer_format(&w->piece, "\n... and %zu more\n", left_out);
	buffer_text(&w->piece, counted ? "\n" : "");
	text_write_summary(&w->piece, all);
	buffer_text(&w->piece, "\n\n");
	text_write_losses(&w->piece, all, "- ", "\n");
	buffer_text(&w->piece, "\n");
	end_piece(w);
}

static void write_more(struct writer *w, size_t items)
{
	if (items > LINES_MOST)
		buffer_format(&w->piece, "- and %zu more\n", items - LINES_MOST);
	buffer_text(&w->piece, items ? "\n" : "");
	end_piece(w);
}

static void write_suppressions(struct writer *w)
{
	const struct suppression *s;
	size_t items = 0;

	for (size_t i = 0;
	     w->report->suppressions && (s = suppressions_get(w->report->suppressions, i)) != NULL;
	     i++) {
		if (items++ >= LINES_MOST)
			continue;
		buffer_text(&w->piece, s->count ? "- suppressed: " : "- not used: ");
		if (s->count) {
			buffer_count(&w->piece, s->count, "occurrence");
			buffer_text(&w->piece, ", ");
			buffer_count(&w->piece, s->bytes, "byte");
			buffer_text(&w->piece, ", by ");
		}
		write_code(&w->piece, s->label);
		buffer_text(&w->piece, "\n");
	}
	write_more(w, items);
}

static void write_gone(struct writer *w)
{
	const struct baseline_entry *entry;
	size_t items = 0;

	for (size_t i = 0;
	     w->report->baseline && (entry = baseline_get(w->report->baseline, i)) != NULL; i++) {
		if (entry->found || items++ >= LINES_MOST)
			continue;
		buffer_text(&w->piece, "- fixed: ");
		write_code(&w->piece, entry->kind);
		buffer_text(&w->piece, " ");
		write_code(&w->piece, entry->words);
		buffer_text(&w->piece, "\n");
	}
	write_more(w, items);
}

/* Of a sweep. */
static void write_broken(struct writer *w)
{
	const struct result *run;
	struct buffer words = { 0 };
	size_t items = 0;

	for (size_t i = 0; (run = results_next_broken(w->report->sweep, &i)) != NULL;) {
		if (run->is_known || items++ >= LINES_MOST)
			continue;
		words.used = 0;
		result_write_sentence(w->report->sweep, run, &words);
		buffer_text(&w->piece, "- ");
		write_code(&w->piece, words.data);
		buffer_text(&w->piece, "\n");
	}
	write_more(w, items);
	buffer_release(&words);
}

static void write_command(struct buffer *b, const struct model *model)
{
	struct buffer command = { 0 }, argument = { 0 };
	struct reader_cursor c = { 0 };

	while (command.used < COLUMNS_MOST * 4 && model_next_argument(model, &c, &argument)) {
		buffer_text(&command, command.used ? " " : "");
		buffer_text(&command, argument.data);
		argument.used = 0;
	}
	write_code(b, command.data ? command.data : "?");
	buffer_release(&command);
	buffer_release(&argument);
}

static void write_packages(struct buffer *b, const struct model *model)
{
	struct buffer names = { 0 };

	for (uint32_t i = 0; i < TRACE_PACKAGES; i++) {
		if (!model_package(model, i)->is_defined && !model_package(model, i)->has_called)
			continue;
		buffer_text(&names, names.used ? ", " : "");
		model_write_package(model, i, &names);
	}
	buffer_text(b, names.used ? "; packages " : "; no package");
	if (names.used)
		write_code(b, names.data);
	buffer_release(&names);
}

static void write_process(struct writer *w, size_t trace, size_t depth)
{
	const struct model *model = w->report->models[trace];
	const struct model_process *process = model_process(model);

	buffer_format(&w->piece, "%*s- process %" PRId32 " ",
		      (int)(2 * (depth < DEPTH_MOST ? depth : DEPTH_MOST)), "", process->pid);
	write_command(&w->piece, model);
	buffer_format(&w->piece, ": %s", process->end_text);
	if (process->has_exit_status)
		buffer_format(&w->piece, " %" PRId32, process->exit_status);
	write_packages(&w->piece, model);
	buffer_text(&w->piece, "; ");
	buffer_count(&w->piece, w->report->events[trace].recorded, "call");
	buffer_text(&w->piece, "; ");
	buffer_count(&w->piece, w->occurrences[trace], "occurrence");
	buffer_text(&w->piece, "\n");
}

/* The processes as a tree, with how many occurrences of the findings in the table each one had. */
static void write_processes(struct writer *w)
{
	struct processes p = { 0 };

	processes_sort(&p, w->report->models, w->report->count);
	for (size_t i = 0; i < p.count && i < LINES_MOST; i++)
		write_process(w, p.ordered[i], p.depth[p.ordered[i]]);
	write_more(w, p.count);
	processes_release(&p);
}

/* A fence of more backticks than the text has in a row. */
static void write_fence(struct buffer *b, const char *text)
{
	size_t longest = 2;

	for (size_t run; *text; text += run ? run : 1) {
		run = strspn(text, "`");
		longest = run > longest ? run : longest;
	}
	for (size_t i = 0; i <= longest; i++)
		buffer_text(b, "`");
}

static void write_details(struct writer *w, const struct finding *f)
{
	struct buffer text = { 0 };

	buffer_format(&w->piece, "<details><summary>%zu: ", f->number);
	write_kind(&w->piece, f);
	buffer_text(&w->piece, ", ");
	write_place(w, f, html_text);
	buffer_text(&w->piece, "</summary>\n\n");
	text_write_finding(w->report, f, &text);
	write_fence(&w->piece, text.data);
	buffer_text(&w->piece, "text\n");
	buffer_bytes(&w->piece, text.data, text.used);
	write_fence(&w->piece, text.data);
	buffer_text(&w->piece, "\n\n</details>\n\n");
	buffer_release(&text);
}

void report_write_markdown(const struct report *report, struct buffer *out)
{
	struct writer w = { .report = report, .out = out };
	size_t left_out = 0;

	w.occurrences = memory_new(report->count, sizeof(*w.occurrences));
	write_table(&w);
	write_suppressions(&w);
	write_gone(&w);
	write_broken(&w);
	write_processes(&w);
	for (size_t i = 0; i < report->findings->count; i++) {
		const struct finding *f = left_out ? findings_look(report->findings, i)
						   : findings_get(report->findings, i);

		if (!finding_counts(f) || f->level == TRACE_LEVEL_NOTE)
			continue;
		if (left_out == 0)
			write_details(&w, f);
		if (left_out || w.written + w.piece.used > PAGE_MOST) {
			w.piece.used = 0;
			left_out++;
		}
		end_piece(&w);
	}
	if (left_out)
		buffer_format(out,
			      "The backtraces of %zu more are left out, because the page would be "
			      "longer than GitHub takes.\n",
			      left_out);
	buffer_release(&w.piece);
	free(w.occurrences);
}
